"""New contents on their way to the tool: each is read once, written once, and answered once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from compline.codec import dump_completed
from compline.model import Completed, Gap, GapReason, Observation
from compline.scanners.blobs.analysis import (
    Analyzer,
    Answer,
    Content,
    FileGap,
    Piece,
    Prepared,
)
from compline.scanners.blobs.batches import Item, Verdict
from compline.scanners.interface import CannotScan
from compline.source.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of a content now."""

    completed: Completed
    """Observations and gaps without a path."""
    stored: bytes | None
    """For the results cache; None where the next look may see more."""
    broken: str = ""
    """Why the tool did not work; then nothing was looked at."""


@dataclass(slots=True)
class _Pending:
    content: Content
    gaps: tuple[FileGap, ...]
    pieces: dict[str, Piece]
    """By file name; their bytes are on the disk."""
    answers: dict[str, Answer]


class Shelf:
    """The files of one scan directory."""

    def __init__(self, directory: Path, analyzer: Analyzer) -> None:
        self._directory = directory
        self._analyzer = analyzer
        self._taken: set[Content] = set()
        self._pending: dict[str, _Pending] = {}
        self._number = 0
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """Time of processes by repository, shared out by size."""
        self.sandbox = ""

    def take(
        self, owner: str, snapshot: Snapshot, wanted: Iterable[Content]
    ) -> Iterator[Item | tuple[Content, Result]]:
        """Reads what no other tree has given yet: files for the tool, or results without it.

        A blob that cannot be read is not taken: another tree may have it.

        Raises:
            SourceError: the tree's repository cannot be read.
            CannotScan: the disk refuses.
        """
        by_oid: dict[str, list[Content]] = {}
        for content in wanted:
            if content not in self._taken:
                by_oid.setdefault(content.oid, []).append(content)
        for oid, data in snapshot.read(by_oid):
            if data is None:
                continue
            for content in by_oid[oid]:
                self._taken.add(content)
                prepared = self._analyzer.prepare(content.reading, data)
                if prepared.pieces:
                    yield from self._put(owner, content, prepared)
                else:
                    yield content, _result((), prepared.gaps)

    def missing(self, contents: Iterable[Content]) -> list[Content]:
        """Those that no tree could give."""
        return [content for content in contents if content not in self._taken]

    def settle(self, verdict: Verdict) -> Iterator[tuple[Content, Result]]:
        """Takes in what became of some files; gives the contents that are answered by it."""
        total = sum(item.size for item in verdict.items) or 1
        for item in verdict.items:
            pending = self._pending[item.name]
            if verdict.broken:
                yield pending.content, Result(Completed(()), None, verdict.broken)
                continue
            if verdict.report is None:
                answer = Answer(gaps=[_crash(verdict)])
            else:
                answer = verdict.report.answers.get(item.name, Answer())
                self.seconds[item.owner] += verdict.report.seconds * item.size / total
                self.sandbox = verdict.report.sandbox
            pending.answers[item.name] = answer
            if len(pending.answers) == len(pending.pieces):
                yield pending.content, self._answered(pending)

    def _put(self, owner: str, content: Content, prepared: Prepared) -> list[Item]:
        pending = _Pending(content, prepared.gaps, {}, {})
        items = []
        for piece in prepared.pieces:
            self._number += 1
            name = f"f{self._number:06}{self._analyzer.label(piece)}{piece.suffix}"
            try:
                (self._directory / name).write_bytes(piece.content)
            except OSError as error:
                raise no_room(self._directory, error) from error
            self._pending[name] = pending
            pending.pieces[name] = replace(piece, content=b"")
            items.append(Item(name, len(piece.content), owner))
        return items

    def _answered(self, pending: _Pending) -> Result:
        observations: list[Observation] = []
        gaps = list(pending.gaps)
        for name, bare in pending.pieces.items():
            path = self._directory / name
            piece = replace(bare, content=path.read_bytes())
            answer = pending.answers[name]
            observations += self._analyzer.observe(pending.content.oid, piece, answer)
            gaps += answer.gaps
            gaps += self._analyzer.doubts(piece, answer)
            if not answer.looked and not answer.gaps:
                gaps.append(FileGap(GapReason.NOT_REPORTED, lasting=False))
            path.unlink()
        return _result(tuple(dict.fromkeys(observations)), gaps)


def no_room(directory: Path, error: OSError) -> CannotScan:
    """What to say where files to scan cannot be written."""
    return CannotScan(
        f"files to scan cannot be written to {directory}: {error.strerror}; "
        "make room there, or move `workspace` to another disk"
    )


def missing_object() -> Result:
    """For a blob that no tree could give."""
    return _result((), [FileGap(GapReason.MISSING_OBJECT, lasting=False)])


def _result(observations: tuple[Observation, ...], gaps: Iterable[FileGap]) -> Result:
    gaps = list(dict.fromkeys(gaps))
    completed = Completed(observations, tuple(Gap(gap.reason, "", gap.detail) for gap in gaps))
    lasting = all(gap.lasting for gap in gaps)
    return Result(completed, dump_completed(completed) if lasting else None)


def _crash(verdict: Verdict) -> FileGap:
    together = len(verdict.items)
    detail = verdict.poison
    if together > 1:
        detail = f"one of {together} files on which the tool fails: {detail}"
    return FileGap(GapReason.CRASHED, detail, lasting=False)
