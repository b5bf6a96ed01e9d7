"""The organisation's targets by what files and labels call them: addresses, references, buckets."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from compline.config.schema import Config
from compline.config.targets.object_stores import ObjectStore
from compline.model import digest_of

_KINDS = {
    **dict.fromkeys(("s3", "s3a", "s3n"), "s3"),
    "gs": "gcs",
    **dict.fromkeys(("abfs", "abfss", "wasb", "wasbs", "azure", "az"), "azure-blob"),
}
"""Schemes of addresses of buckets, to the kinds of store that hold them."""


class KnownAssets:
    """Looks up listed targets."""

    def __init__(self, config: Config) -> None:
        targets = config.targets
        self._repositories = {
            address(one.url): f"repository/{one.name}" for one in targets.repositories
        }
        self._images = {
            image_name(one.reference): f"image/{one.name}"
            for one in targets.images
            if one.reference
        }
        self._stores = {
            f"{one.kind}/{bucket.name}": f"data_store/{one.name}"
            for one in targets.data_stores
            if isinstance(one, ObjectStore)
            for bucket in one.buckets
        }

    @property
    def digest(self) -> str:
        """Of all that links may lead to; other settings of targets make no other links."""
        return digest_of([self._repositories, self._images, self._stores])

    def repository(self, url: str) -> str:
        """The listed repository at an address, however that is written; empty without one."""
        return self._repositories.get(address(url), "") if url else ""

    def image(self, reference: str) -> str:
        """The listed image of a reference, however that is written; empty without one."""
        return self._images.get(image_name(reference), "")

    def store(self, url: str) -> str:
        """The listed data store that holds a bucket's URL; empty without one."""
        parts = _split(url)
        # Azure's is `abfss://container@account.dfs.core.windows.net`.
        container, at, host = parts.netloc.rpartition("@")
        return self._stores.get(f"{_KINDS.get(parts.scheme)}/{container if at else host}", "")


def address(url: str) -> str:
    """Host and path of a repository's address: `git@host:a/b.git` is `https://host/a/b`, and
    `ssh://git@host:2222/a/b` too, since what listens for SSH listens elsewhere for HTTPS."""
    text = url.strip().removeprefix("git+").removesuffix("/").removesuffix(".git")
    if "://" not in text and ":" in text:
        text = "ssh://" + text.replace(":", "/", 1)
    parts = _split(text)
    host = parts.netloc.rpartition("@")[2].lower()
    usual = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    host = host.partition(":")[0] if parts.scheme == "ssh" else host.removesuffix(usual)
    return f"{host}{parts.path}" if parts.scheme != "file" else f"file:{parts.path}"


def image_name(reference: str) -> str:
    """A reference in one spelling: `python` is `docker.io/library/python:latest`."""
    text = reference.strip().removeprefix("docker://")
    first, slash, _ = text.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        text = f"docker.io/{text}" if slash else f"docker.io/library/{text}"
    named = "@" in text or ":" in text.rpartition("/")[2]
    return text if named else f"{text}:latest"


def _split(url: str) -> SplitResult:
    """Its parts; none of what is no address."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
