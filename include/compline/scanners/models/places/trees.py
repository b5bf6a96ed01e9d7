"""Model files in repositories and in the layers of images."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from posixpath import normpath
from typing import cast

from compline.model import Gap, GapReason
from compline.scanners.exclusions import Exclusions
from compline.scanners.models.artifacts import (
    Artifact,
    CannotList,
    Listing,
    Readable,
    Unreadable,
)
from compline.scanners.models.contents.formats import is_model
from compline.scanners.trivy.image_layers import layers_of
from compline.source.archive import opened
from compline.source.snapshot import Snapshot, SourceError

_MOST_BYTES = 1 << 36
"""Of a layer when unpacked."""
_DAMAGED = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError)


class Tree:
    """A repository's tree; content is known by its object id, and read only where it is new."""

    def __init__(self, snapshot: Snapshot, exclusions: Exclusions) -> None:
        self._snapshot = snapshot
        self._exclusions = exclusions

    def listing(self) -> Listing:
        """As `Source` says."""
        found = {
            entry.path: Artifact(entry.path, entry.size, content=entry.oid)
            for entry in self._snapshot.entries
            if is_model(entry.path) is not False
        }
        kept, left_out = self._exclusions.part(found)
        gaps = [
            gap
            for gap in self._snapshot.gaps
            if not gap.path or gap.path.endswith("/") or is_model(gap.path) is not False
        ]
        return Listing(tuple(found[path] for path in kept), (*gaps, *left_out))

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says; blobs are bounded by `limits.file_kb`, larger ones are gaps already."""
        by_oid: dict[str, list[Artifact]] = {}
        for artifact in wanted:
            by_oid.setdefault(artifact.content, []).append(artifact)
        try:
            for oid, data in self._snapshot.read(by_oid):
                for artifact in by_oid[oid]:
                    if data is None:
                        yield artifact, Unreadable(GapReason.MISSING_OBJECT)
                    else:
                        yield artifact, BytesIO(data)
        except SourceError as error:
            raise CannotList(str(error)) from error

    def close(self) -> None:
        """As `Source` says."""


class Layers:
    """The files of an image, layer by layer: what a later layer hides is in it all the same."""

    def __init__(self, archive: Path, exclusions: Exclusions) -> None:
        self._archive = archive
        self._exclusions = exclusions

    def listing(self) -> Listing:
        """As `Source` says; walks through every layer once."""
        found: dict[str, Artifact] = {}
        gaps: list[Gap] = []
        with opened(self._archive) as content:
            for digest, name in layers_of(content):
                try:
                    with content.open(name) as packed:
                        for member in _members(packed):
                            path = normpath(member.name).lstrip("/")
                            if is_model(path) is not False:
                                where = f"{digest}:{path}"
                                found[where] = Artifact(
                                    path, member.size, content=where, where=name
                                )
                except _DAMAGED:
                    gaps.append(Gap(GapReason.UNPARSED, "", f"layer {digest} cannot be read"))
        # The same path in two layers is one place of two contents; both are looked at.
        by_path: dict[str, list[Artifact]] = {}
        for artifact in found.values():
            by_path.setdefault(artifact.path, []).append(artifact)
        kept, left_out = self._exclusions.part(by_path)
        listed = tuple(artifact for path in kept for artifact in by_path[path])
        return Listing(listed, (*gaps, *left_out))

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says; each layer with something wanted is walked through once more."""
        waiting = {artifact.content: artifact for artifact in wanted}
        layers = {artifact.where for artifact in wanted}
        with opened(self._archive) as content:
            for digest, name in layers_of(content):
                if name not in layers:
                    continue
                try:
                    with content.open(name) as packed, _layer(packed) as layer:
                        for member in layer:
                            where = f"{digest}:{normpath(member.name).lstrip('/')}"
                            if where in waiting and member.isreg():
                                file = layer.extractfile(member)
                                if file is not None:
                                    yield waiting.pop(where), cast(Readable, file)
                except _DAMAGED:
                    continue
        for artifact in waiting.values():
            yield artifact, Unreadable(GapReason.TRUNCATED, "its layer is damaged")

    def close(self) -> None:
        """As `Source` says."""


def _layer(packed: object) -> tarfile.TarFile:
    return tarfile.open(fileobj=packed, mode="r|*")  # type: ignore[call-overload,no-any-return]


def _members(packed: object) -> Iterator[tarfile.TarInfo]:
    left = _MOST_BYTES
    with _layer(packed) as layer:
        for member in layer:
            left -= max(member.size, 0) + 512
            if left < 0:
                raise ValueError("the layer is too large")
            if member.isreg():
                yield member
