"""Files on their way to a tool: streamed to the disk once, hashed on the way, never held whole."""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from compline.model import GapReason
from compline.scanners.blobs.analysis import FileGap
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Source, Unreadable
from compline.scanners.models.contents.formats import (
    HEAD,
    is_model,
    looks_like_model,
    may_hold_model,
    suffix,
)
from compline.scanners.models.contents.slots import Slots

_CHUNK = 1 << 20
_BATCH_BYTES = 256 << 20
_BATCH_FILES = 500
"""What a tool needs to start, modelaudit needs for some hundreds of small files."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file, read to its end or not."""

    artifact: Artifact
    name: str = ""
    """In the scratch directory; empty where it is not there for a tool."""
    sha256: str = ""
    """Of all of it; empty where it could not be read to its end."""
    head: bytes = b""
    """Its first bytes."""
    text: bool = False
    """Whether it is plain text, such as a licence or a list of words."""
    gap: FileGap | None = None


def fetch(
    source: Source, wanted: Sequence[Artifact], slots: Slots | None, largest: int
) -> Iterator[Fetched]:
    """Reads each file once.

    Args:
        source: the place.
        wanted: what to read.
        slots: where files are written for a tool; None only hashes.
        largest: bytes; a larger file is a gap.

    Raises:
        CannotList: the place does not answer any more.
        OSError: the disk refuses.
    """
    fitting = []
    for artifact in wanted:
        if artifact.size > largest:
            detail = f"{artifact.size} bytes: see scanners.model-guard.file_gb"
            yield Fetched(artifact, gap=FileGap(GapReason.TOO_LARGE, detail, lasting=False))
        else:
            fitting.append(artifact)
    for artifact, stream in source.read(fitting) if fitting else ():
        if isinstance(stream, Unreadable):
            yield Fetched(artifact, gap=FileGap(stream.reason, stream.detail, lasting=False))
            continue
        try:
            yield _copied(artifact, stream, slots, largest)
        except Unreadable as problem:
            yield Fetched(artifact, gap=FileGap(problem.reason, problem.detail, lasting=False))


def batches(fetched: Iterator[Fetched]) -> Iterator[list[Fetched]]:
    """Runs of files that one process looks at together.

    An ONNX file comes alone: it names other files, and what a tool says of these must not be
    taken for its neighbours.
    """
    batch: list[Fetched] = []
    size = 0
    for each in fetched:
        if each.name.lower().endswith(".onnx"):
            yield [each]
            continue
        batch.append(each)
        size += each.artifact.size if each.name else 0
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _copied(artifact: Artifact, stream: Readable, slots: Slots | None, largest: int) -> Fetched:
    head = _next(stream)
    # In a repository or an image many files are called model.bin or table.dat that are no models.
    skipped = not artifact.model and is_model(artifact.path) is None and not looks_like_model(head)
    if slots is None or skipped:
        return _written(artifact, stream, head, Path(os.devnull), largest)
    name = slots.take(artifact.path)
    try:
        read = _written(artifact, stream, head, slots.path(name), largest)
    except Unreadable:
        slots.clear(name)
        raise
    if not artifact.model and _is_other_zip(slots.path(name)):
        slots.clear(name)
        return read
    return replace(read, name=name)


def _written(
    artifact: Artifact, stream: Readable, head: bytes, place: Path, largest: int
) -> Fetched:
    hasher = hashlib.sha256()
    text = _Text()
    size = 0
    chunk = head
    with place.open("wb") as file:
        while chunk:
            size += len(chunk)
            if size > largest:
                raise Unreadable(GapReason.TOO_LARGE, "it is larger than its place says")
            hasher.update(chunk)
            text.take(chunk)
            file.write(chunk)
            chunk = _next(stream)
    if size != artifact.size:
        raise Unreadable(GapReason.TRUNCATED, f"{size} of {artifact.size} bytes came")
    return Fetched(artifact, "", hasher.hexdigest(), head[:HEAD], text.holds)


def _is_other_zip(place: Path) -> bool:
    """Whether it is a zip of a repository or image that holds nothing which could be a model."""
    if suffix(place.name) != ".zip":
        return False
    try:
        with ZipFile(place) as archive:
            return not may_hold_model(archive.namelist())
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return False  # a tool says what is wrong with it


class _Text:
    """Whether what was taken so far is text in UTF-8."""

    def __init__(self) -> None:
        self.holds = True
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def take(self, chunk: bytes) -> None:
        if self.holds:
            try:
                self._decoder.decode(chunk)
                self.holds = b"\0" not in chunk
            except UnicodeDecodeError:
                self.holds = False


def _next(stream: Readable) -> bytes:
    try:
        return stream.read(_CHUNK)
    except (Unreadable, CannotList):
        raise
    except Exception as error:  # each protocol has exceptions of its own
        raise Unreadable(GapReason.TRUNCATED, type(error).__name__) from None
