"""By the scheme of a URL, the object store that holds models."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from compline.model import Gap
from compline.scanners.models.artifacts import Artifact, Readable
from compline.scanners.models.places.azure import AzureContainer
from compline.scanners.models.places.cloud import CloudFolder
from compline.scanners.models.places.gcs import GoogleBucket
from compline.scanners.models.places.s3 import Bucket


class FilesPlace(Protocol):
    """Files below a folder; never written to."""

    far: ClassVar[bool]
    """Whether a file is a call, so that several are asked for at once, from several threads."""

    def files(self) -> tuple[list[Artifact], list[Gap]]:
        """Every file, and what is none. Raises `CannotList`."""
        ...

    def open(self, artifact: Artifact, /) -> Readable:
        """The file, if it is still the one that was listed. Raises `Unreadable`."""
        ...


_KINDS: dict[str, Callable[..., CloudFolder]] = {
    "s3": Bucket,
    **dict.fromkeys(("gs", "gcs"), GoogleBucket),
    **dict.fromkeys(("abfs", "abfss", "az"), AzureContainer),
}


def object_place(
    url: str, *, seconds: float, endpoint: str | None = None, credential: str | None = None
) -> CloudFolder | None:
    """The store behind a URL, opened by its own library; None for any other scheme.

    Args:
        url: of a folder in a bucket or container.
        seconds: for a listing, and for each file beside what its size takes.
        endpoint: where the store is, if it is not its maker's.
        credential: as each store has them.
    """
    kind = _KINDS.get(urlsplit(url).scheme)
    return kind(url, seconds, endpoint, credential) if kind else None
