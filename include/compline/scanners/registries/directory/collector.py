"""Lists a folder or a bucket of model files: who may write them, and what each version holds.

Buckets and containers by their own libraries, anything else through fsspec. A bucket has no modes,
so who may write it is for its own check as a data store. Listing is all that is done: no file is
opened.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from compline.model import Gap, GapReason
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect, Inventory
from compline.scanners.models.artifacts import CannotList
from compline.scanners.models.places.object_places import object_place
from compline.scanners.registries.directory import frames
from compline.scanners.services import escaped, one_line

PACKAGES = ("fsspec", "boto3", "google-cloud-storage", "azure-storage-blob")

MOST_FILES = 200_000


def variant(asked: Asked) -> str:
    """Whether files have modes there."""
    return "modes" if _local(asked) else "bucket"


def collect(asked: Asked) -> Inventory:
    """Lists it, folder by folder.

    That a version's files have changed is told by model-guard where that looks too: it knows the
    content of each, and two scanners would be two alerts for one change.
    """
    inventory = _listed(asked)
    told = asked.config.scanners.model_guard.enabled
    return replace(inventory, facts=()) if told else inventory


def _listed(asked: Asked) -> Inventory:
    url = asked.text("url")
    stored = _stored(url, asked)
    if stored is not None:
        return frames.inventory_of(stored, (), modes=False)
    from fsspec.core import url_to_fs

    try:
        system, root = url_to_fs(url, use_listings_cache=False)
    except (ImportError, ValueError, OSError) as error:
        raise CannotCollect(
            f"{_shown(url)} cannot be opened ({type(error).__name__}): check the URL, and that "
            "the package for it is installed"
        ) from None
    found, gaps = _Walk(system, root, asked).all()
    return frames.inventory_of(found, gaps, modes=_local(asked))


def recorded(answers: Mapping[str, Any], asked: Asked) -> Inventory:
    """The inventory of recorded entries."""
    return frames.inventory_of(answers["entries"], (), modes=_local(asked) or "modes" in answers)


def _local(asked: Asked) -> bool:
    return urlsplit(asked.text("url")).scheme in ("", "file", "local")


def _stored(url: str, asked: Asked) -> list[dict[str, Any]] | None:
    """Every object of a bucket or container, as fsspec would list it; None for other URLs."""
    settings = asked.target.settings
    # Of AWS a machine often has logins of its own, which nobody has given us.
    needed = settings.get("credential") or urlsplit(url).scheme == "s3"
    credential = asked.secret("credential") if needed else None
    endpoint = str(settings.get("endpoint") or "") or None
    place = object_place(url, seconds=asked.seconds, endpoint=endpoint, credential=credential)
    if place is None:
        return None
    try:
        files = place.files()[0]
    except CannotList as error:
        raise CannotCollect(str(error)) from None
    finally:
        place.close()
    return [
        {"path": one.path, "type": "file", "size": one.size, "ETag": one.validator} for one in files
    ]


def _more() -> Gap:
    return Gap(GapReason.TRUNCATED, "", f"more than {MOST_FILES} files")


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" if parts.scheme else one_line(url)


class _Walk:
    def __init__(self, system: Any, root: str, asked: Asked) -> None:
        self._system, self._root = system, root.rstrip("/")
        self._seconds = asked.seconds
        self._end = time.monotonic() + asked.seconds
        self.gaps: list[Gap] = []

    def all(self) -> tuple[list[dict[str, Any]], tuple[Gap, ...]]:
        """Every entry below the root; what could not be listed is a gap."""
        # Whoever may write the folder itself may put another model in the place of any.
        found = [self._itself()]
        folders = [self._root]
        while folders:
            if time.monotonic() > self._end:
                raise CannotCollect(f"the registry was not listed within {self._seconds:g} s")
            for entry in self._listed(folders.pop()):
                if entry["type"] == "directory" and not entry.get("islink"):
                    folders.append(str(entry["name"]))
                path = str(entry["name"])[len(self._root) :].strip("/")
                if path:
                    found.append({**entry, "path": path})
            if len(found) > MOST_FILES:
                self.gaps.append(_more())
                break
        return found, tuple(self.gaps)

    def _itself(self) -> dict[str, Any]:
        """The folder: whoever may write it may put another model in the place of any."""
        try:
            return {**self._system.info(self._root), "path": "."}
        except (OSError, ValueError) as error:
            raise CannotCollect(f"the registry cannot be listed ({type(error).__name__})") from None

    def _listed(self, folder: str) -> list[dict[str, Any]]:
        try:
            entries: list[dict[str, Any]] = self._system.ls(folder, detail=True)
        except (OSError, ValueError) as error:
            if folder == self._root:
                raise CannotCollect(
                    f"the registry cannot be listed ({type(error).__name__})"
                ) from None
            below = escaped(folder[len(self._root) :].strip("/"))
            self.gaps += [
                Gap(GapReason.FORBIDDEN, f"{kind}/{below}/", f"{type(error).__name__}")
                for kind in ("file", "version")
            ]
            return []
        # An object store lists the folder itself as an empty object of that name.
        return [one for one in entries if str(one["name"]).rstrip("/") != folder]
