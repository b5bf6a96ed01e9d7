"""The organisation's targets by what files and labels call them: addresses, references, buckets."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from compline.config.schema import Config
from compline.model import digest_of


class KnownAssets:
    """Looks up listed targets."""

    def __init__(self, config: Config) -> None:
        targets = config.targets
        self._repositories = {
            address(one.url): f"repository/{one.name}" for one in targets.repositories
        }
        self._images = {
            one.reference: f"image/{one.name}" for one in targets.images if one.reference
        }
        self._stores = {
            bucket: f"data_store/{one.name}"
            for one in targets.data_stores
            for bucket in _buckets(getattr(one, "buckets", ()))
        }

    @property
    def digest(self) -> str:
        """Of all that links may lead to; other settings of targets make no other links."""
        return digest_of([self._repositories, self._images, self._stores])

    def repository(self, url: str) -> str:
        """The listed repository at an address, however that is written; empty without one."""
        return self._repositories.get(address(url), "")

    def image(self, reference: str) -> str:
        """The listed image of a reference; empty without one."""
        return self._images.get(reference, "")

    def store(self, url: str) -> str:
        """The listed data store that holds a bucket's URL; empty without one."""
        parts = urlsplit(url)
        return self._stores.get(parts.netloc, "") if parts.scheme else ""


def address(url: str) -> str:
    """Host and path of a repository's address: `git@host:a/b.git` is `https://host/a/b`."""
    text = url.strip().removesuffix("/").removesuffix(".git")
    if "://" not in text and ":" in text:
        text = "ssh://" + text.replace(":", "/", 1)
    parts = urlsplit(text)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{host}{parts.path}" if parts.scheme != "file" else f"file:{parts.path}"


def _buckets(listed: Iterable[object]) -> Iterable[str]:
    for one in listed:
        name = one if isinstance(one, str) else getattr(one, "name", "")
        if name:
            yield str(name)
