"""The files of a registry's versions that lie in buckets: objects, or all below a prefix."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import Artifact
from compline.scanners.models.names import printable
from compline.scanners.models.places.bucket_parts import SCHEME, Part, files_of
from compline.scanners.models.places.buckets import Buckets


class VersionFiles:
    """Listed within one time, from several threads."""

    def __init__(self, buckets: Buckets, deadline: float, late: str) -> None:
        """Takes what may be asked, until when by the monotonic clock, and what to say then."""
        self._buckets, self._deadline, self._late = buckets, deadline, late

    def expect(self, parts: Sequence[Part]) -> None:
        """Lists the folders of objects at once where that is cheaper.

        Of folders that are meant whole each is asked by itself: what `Buckets` learns at once of
        one ends where another one begins.
        """
        whole = {each.home for each in parts if each.folder}
        folders = {each.home for each in parts if not each.folder} - whole
        self._buckets.expect([each for each in folders if self._buckets.allows(each)])

    def of(
        self, place: str, told: Mapping[str, Any] | Gap, parts: Sequence[Part]
    ) -> tuple[list[Artifact], list[Gap]]:
        """The files of one version, and what of it could not be seen.

        Args:
            place: `GROUP/VERSION/`.
            told: its description, or why there is none.
            parts: of it.

        Raises:
            CannotList: a bucket that is listed in the configuration refuses.
        """
        if isinstance(told, Gap):
            return [], [told]
        if not parts:
            text = "it names no container, so that nobody knows its files"
            return [], [Gap(GapReason.UNSUPPORTED, place, text)]
        artifacts: list[Artifact] = []
        gaps: list[Gap] = []
        model, version, _ = place.split("/")
        for part in parts:
            # The first part's files lie at the top, so that another part moves none of them.
            prefix = f"part-{part.number}/" if part.number > 1 else ""
            found = self._files(part)
            if isinstance(found, tuple):
                reason, text = found
                alone = len(parts) == 1
                gaps.append(Gap(reason, place if alone else f"{place}part-{part.number}/", text))
                continue
            artifacts += (
                replace(each, model=model, version=version, path=f"{prefix}{printable(each.path)}")
                for each in found
            )
        return artifacts, gaps

    def _files(self, part: Part) -> list[Artifact] | tuple[GapReason, str]:
        if not part.uri:
            text = "a container without model data: what its image holds is not read here"
            return GapReason.UNSUPPORTED, text
        if not part.uri.startswith(SCHEME):
            return GapReason.UNSUPPORTED, "its files do not lie at an s3:// address"
        if part.folder and not part.uri.endswith("/"):
            text = "its prefix does not end with /: it means more than a folder"
            return GapReason.UNSUPPORTED, text
        if time.monotonic() > self._deadline:
            return GapReason.TRUNCATED, self._late
        return files_of(self._buckets, part)
