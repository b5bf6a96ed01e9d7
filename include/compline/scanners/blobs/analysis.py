"""What a content-addressed scanner brings along, and what its tool answers.

A *content* is a blob together with the way in which it is read; it is what the results cache
knows. A *piece* is a file that is written for the tool: a blob as it is, or what was taken out of
a notebook. A *batch* is the pieces given to one process, a canary among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from compline.model import GapReason, Observation
from compline.source.snapshot import Entry
from compline.tools.toolbox import Tool


class Distrusted(Exception):
    """A process ended, but what it says cannot be trusted: unreadable, or the canary is missing.

    The message holds nothing that the tool printed.
    """


class Refused(Distrusted):
    """The tool does not take what the organisation gave it; the message says what to mend."""


class Content(NamedTuple):
    """What is scanned once, wherever it lies."""

    oid: str
    reading: str
    """All that the result takes from the path, in the analyzer's words: `.py`, `notebook`."""

    @property
    def key(self) -> str:
        """The name in the results cache."""
        return f"{self.oid}:{self.reading}"


class FileGap(NamedTuple):
    """Why a file was not, or not wholly, covered."""

    reason: GapReason
    detail: str = ""
    lasting: bool = True
    """Whether it would be the same next time: then the result may be cached."""


@dataclass(frozen=True, slots=True)
class Section:
    """A run of a piece's lines that stands somewhere in a notebook."""

    first: int
    """Line of the piece, from 1."""
    lines: int
    cell: int
    line: int | None
    """Line in the cell's source of the section's first line; None for outputs and text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file for the tool to look at."""

    suffix: str
    """With its dot; what the tool goes by to know the language."""
    content: bytes
    sections: tuple[Section, ...] = ()
    """Where its lines come from, in order; empty where it is the blob itself."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A blob made ready for the tool."""

    pieces: tuple[Piece, ...] = ()
    """Empty where nothing in it is for this tool."""
    gaps: tuple[FileGap, ...] = ()


@dataclass(slots=True)
class Answer:
    """What the tool says of one piece."""

    findings: list[dict[str, Any]] = field(default_factory=list)
    """The tool's own records."""
    gaps: list[FileGap] = field(default_factory=list)
    looked: bool = False
    """Whether the tool says that it looked at the file, parsed or not."""
    hurried: bool = False
    """Whether it gave something up for lack of time by so little that a second try may do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one process says of its batch; the canary was found and is taken out."""

    answers: Mapping[str, Answer]
    """By file name; a file that the tool says nothing of is missing."""
    seconds: float
    sandbox: str


class Runner(Protocol):
    """One tool that is started over batches of files."""

    @property
    def scanner(self) -> str:
        """As in the ledger."""
        ...

    @property
    def tool(self) -> Tool:
        """What runs."""
        ...

    def run(self, directory: Path, names: Sequence[str], seconds: float) -> Report:
        """Starts the tool once over files of the directory, with its canary beside them.

        With no names it looks at the canary alone. Called from several threads at once.

        Raises:
            ToolError: it did not end by itself.
            Distrusted: its answer is unreadable or lacks the canary.
        """
        ...


class Analyzer(Runner, Protocol):
    """One tool over files. Holds what was loaded once (tool, rules), nothing that changes."""

    @property
    def nothing(self) -> str:
        """What to say of a tree without a file for this tool."""
        ...

    @property
    def grain(self) -> int:
        """Bytes that are worth starting the tool for: ten times what it does in that time."""
        ...

    @property
    def equipment(self) -> Mapping[str, bytes]:
        """Files that must lie beside the pieces, by name: the canary, rules."""
        ...

    def reading(self, entry: Entry) -> str:
        """How the file is to be read, by its path; empty if it is not for this tool."""
        ...

    def prepare(self, reading: str, content: bytes) -> Prepared:
        """The pieces of a blob; pure."""
        ...

    def label(self, piece: Piece) -> str:
        """What the file's name shall say to the tool, besides its suffix; pure."""
        ...

    def observe(self, oid: str, piece: Piece, answer: Answer) -> tuple[Observation, ...]:
        """The tool's records as observations, without a path; pure, in order of lines."""
        ...

    def doubts(self, piece: Piece, answer: Answer) -> tuple[FileGap, ...]:
        """Gaps that the tool does not admit to by itself; pure."""
        ...

    def concerns(self, observation: Observation, path: str) -> bool:
        """Whether the observation's rule is meant for a file of this path."""
        ...
