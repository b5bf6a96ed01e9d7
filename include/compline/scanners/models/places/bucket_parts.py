"""A part of a registry's version that lies in a bucket: one object, or all below a prefix."""

from __future__ import annotations

from dataclasses import dataclass

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact
from compline.scanners.models.places.buckets import Buckets
from compline.scanners.services import escaped

SCHEME = "s3://"


@dataclass(frozen=True)
class Part:
    """Where a part of a version lies."""

    uri: str
    """Empty where there is but an image."""
    folder: bool
    """Whether everything below it is meant, and not one object."""
    number: int = 1
    """Among the version's parts, from 1; a package keeps their order."""

    @property
    def home(self) -> str:
        """The folder that is to be listed for it."""
        return self.uri.rstrip("/") if self.folder else self.uri.rpartition("/")[0]


def files_of(buckets: Buckets, part: Part) -> list[Artifact] | tuple[GapReason, str]:
    """Its files by paths within it, or what hides them.

    Raises:
        CannotList: a bucket that is listed in the configuration refuses.
    """
    if not buckets.allows(part.home):
        text = "its files lie in a bucket that `models.artifacts` does not list: list"
        return GapReason.FORBIDDEN, f"{text} {escaped(part.home)[:200]}/"
    found = buckets.files(part.home) if part.folder else buckets.file(part.uri)
    return found or (GapReason.MISSING_OBJECT, "its files are not there")
