"""An analyzer without a process: what its "tool" does is written in the files it looks at.

`bad` in a line is a finding. A file that says `crash`, `hang`, `flood` or `garbage` does so to
the whole batch that it is in; `mute` is not reported; `slow` is a gap that does not last; `hasty`
is one only at the first try.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from compline.model import (
    Confidence,
    FindingKind,
    GapReason,
    Look,
    Observation,
    ScanKey,
    Severity,
)
from compline.scanners.blobs.analysis import (
    Answer,
    Distrusted,
    FileGap,
    Piece,
    Prepared,
    Report,
)
from compline.scanners.blobs.scan import BlobScan
from compline.scanners.blobs.spans import PieceText, Span
from compline.scanners.interface import Job, ScanContext
from compline.source.snapshot import Entry
from compline.tools.process import Aborted, NotStarted, OutputTooLarge, TimedOut
from compline.tools.toolbox import Tool


@dataclass
class WordFinder:
    """The analyzer; `runs` are the files of each process that was started."""

    broken: str = ""
    """How every process ends from now on."""
    runs: list[list[str]] = field(default_factory=list)
    seen_hasty: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    scanner = "word-finder"
    nothing = "no text"
    grain = 1 << 20
    tool = Tool("word-finder", Path("/nowhere"), "1.0", "digest", Path("/nowhere"))
    equipment: Mapping[str, bytes] = field(default_factory=lambda: {"zz-canary": b"bad"})

    def reading(self, entry: Entry) -> str:
        name = entry.path.rpartition("/")[2]
        if name.endswith(".txt"):
            return ".txt"
        return "sniffed" if "." not in name else ""

    def prepare(self, reading: str, content: bytes) -> Prepared:
        if reading == "sniffed" and not content.startswith(b"#!"):
            return Prepared()
        return Prepared((Piece(".txt", content),))

    def label(self, piece: Piece) -> str:
        return "-with-a-label"

    def run(self, directory: Path, names: Sequence[str], seconds: float) -> Report:
        assert (directory / "zz-canary").read_bytes() == b"bad"
        assert all(name.endswith("-with-a-label.txt") for name in names)
        contents = {name: (directory / name).read_text("utf-8") for name in names}
        with self.lock:
            self.runs.append(list(contents.values()))
            self.seconds.append(seconds)
        if self.broken == "gone":
            raise NotStarted("it is not there")
        for text in [*contents.values(), self.broken]:
            if "crash" in text:
                raise Aborted("ended by signal SIGSEGV")
            if "hang" in text:
                raise TimedOut(f"after {seconds} seconds")
            if "flood" in text:
                raise OutputTooLarge("it printed more than it may")
            if "garbage" in text:
                raise Distrusted("its report cannot be read")
        with self.lock:
            again = {name: text in self.seen_hasty for name, text in contents.items()}
            self.seen_hasty |= {text for text in contents.values() if "hasty" in text}
        answers = {
            name: Answer(
                findings=[
                    {"line": number}
                    for number, line in enumerate(text.splitlines(), 1)
                    if "bad" in line
                ],
                gaps=(
                    [FileGap(GapReason.CRASHED, "slow", lasting=False)]
                    if "slow" in text or ("hasty" in text and not again[name])
                    else []
                ),
                looked=True,
                hurried="hasty" in text and ("slow" in text or not again[name]),
            )
            for name, text in contents.items()
            if "mute" not in text
        }
        return Report(answers, 0.5, "limits")

    def observe(self, oid: str, piece: Piece, answer: Answer) -> tuple[Observation, ...]:
        text = PieceText(piece, oid)
        found = []
        for each in answer.findings:
            place, fingerprints = text.locate(Span(each["line"], each["line"]), ())
            found.append(
                Observation(
                    scanner=self.scanner,
                    rule="bad-word",
                    kind=FindingKind.CODE,
                    severity=Severity.LOW,
                    confidence=Confidence.HIGH,
                    title="A bad word",
                    place=place,
                    fingerprints=fingerprints,
                )
            )
        return tuple(found)

    def doubts(self, piece: Piece, answer: Answer) -> tuple[FileGap, ...]:
        return (FileGap(GapReason.UNPARSED, "odd"),) if b"odd" in piece.content else ()

    def concerns(self, observation: Observation, path: str) -> bool:
        return not path.startswith("allowed/")

    @property
    def scanned(self) -> list[str]:
        """Every text given to a process, in all runs, sorted; the canary alone is none."""
        return sorted(text for run in self.runs for text in run)


KEY = ScanKey("tool", "1")


@pytest.fixture
def finder() -> WordFinder:
    return WordFinder()


LooksOf = Callable[..., dict[str, Look]]


@pytest.fixture
def context_(context: Callable[..., ScanContext]) -> ScanContext:
    return context(None)


@pytest.fixture
def looks(finder: WordFinder, context_: ScanContext) -> LooksOf:
    """Scans jobs; gives the looks by target, each exactly once."""

    def scan(*jobs: Job, key: ScanKey = KEY, within: Any = None) -> dict[str, Look]:
        found: dict[str, Look] = {}
        for look in BlobScan(finder, key, within or context_).looks(jobs):
            assert look.target not in found
            found[look.target] = look
        assert set(found) == {job.target.name for job in jobs}
        return found

    return scan


@pytest.fixture
def scratch(context_: ScanContext) -> Iterator[Path]:
    """Where scans keep files; nothing may be left there."""
    directory = context_.workspace / "scratch"
    yield directory
    assert not directory.exists() or list(directory.iterdir()) == []
