"""bandit over the Python of repositories, by content.

Traps, with what is done about them: it leaves out paths by its own list, which matches substrings
(`-x ''`, and files are given neutral names); it reads `.bandit` files of the tree that it walks
(only files are named, in a directory of ours); comments hide findings (`--ignore-nosec`); it says
nothing of a file that it did not look at (what it reports is compared with what it was given);
the failure of a single test shows only in its log (which is read).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from compline.model import Look, Observation, ScanKey, TargetKind
from compline.scanners.bandit.report import observations, read_report
from compline.scanners.blobs.analysis import Answer, Distrusted, FileGap, Piece, Prepared, Report
from compline.scanners.blobs.keys import canary_text, options_digest, tool_of
from compline.scanners.blobs.scan import BlobScan
from compline.scanners.interface import Job, ScanContext
from compline.scanners.python_sources import interpreter, notebook_pieces
from compline.source.snapshot import Entry
from compline.tools.process import ProcessLimits, run
from compline.tools.toolbox import Tool

ADAPTER = "2"
"""Raised whenever the same report would be read otherwise."""

_CANARY = "zz-canary.py"
"""bandit goes through its files by name: this one comes last."""
_PYTHON = frozenset({".py", ".pyi", ".pyw"})


class Bandit:
    """The scanner `bandit`."""

    name = "bandit"
    kinds = frozenset({TargetKind.REPOSITORY})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """Tool, canary, limits and ignore policy.

        Raises:
            CannotScan: the tool is missing or changed.
        """
        tool = tool_of(context, "bandit")
        return ScanKey(tool.digest, ADAPTER, options=options_digest(context.config))

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """One look per job.

        Raises:
            CannotScan: the tool is missing, changed, or does not find its canary.
        """
        key = self.scan_key(context)
        limits = context.config.limits
        analyzer = BanditAnalyzer(
            tool_of(context, "bandit"), limits.tool_memory_mb, limits.tool_output_mb
        )
        yield from BlobScan(analyzer, key, context).looks(jobs)


@dataclass(frozen=True)
class BanditAnalyzer:
    """bandit, for scanners/blobs."""

    tool: Tool
    memory_mb: int
    output_mb: int
    scanner = "bandit"
    grain = 1 << 20
    nothing = "no Python in the tree: nothing to look at"

    @property
    def equipment(self) -> dict[str, bytes]:
        """The canary."""
        return {_CANARY: canary_text("bandit.txt")}

    def reading(self, entry: Entry) -> str:
        """Python by its suffix, notebooks, and whatever a first line may make a Python script."""
        suffix = PurePosixPath(entry.path).suffix
        if suffix in _PYTHON:
            return "python"
        if suffix == ".ipynb":
            return "notebook"
        return "script" if entry.executable or not suffix else ""

    def prepare(self, reading: str, content: bytes) -> Prepared:
        """The file itself, or the notebook's code cells."""
        if reading == "notebook":
            return notebook_pieces(content, with_text=False)
        if reading == "script" and not interpreter(content).startswith(("python", "pypy")):
            return Prepared()
        return Prepared((Piece(".py", content),))

    def label(self, _piece: Piece) -> str:
        """None."""
        return ""

    def run(self, directory: Path, names: Sequence[str], seconds: float) -> Report:
        """One bandit process."""
        finished = run(
            [
                self.tool.executable,
                *("--quiet", "--ignore-nosec", "-x", "", "-n", "1", "--format", "json"),
                *names,
                _CANARY,
            ],
            limits=ProcessLimits(seconds, self.memory_mb, self.output_mb),
            readable=[directory],
            cwd=directory,
        )
        if finished.returncode != 1:  # findings, among them the canary
            raise Distrusted(f"it ended with the exit code {finished.returncode}")
        answers = read_report(finished.stdout, finished.stderr, _CANARY)
        return Report(answers, finished.seconds, finished.sandbox)

    def observe(self, oid: str, piece: Piece, answer: Answer) -> tuple[Observation, ...]:
        """bandit's results."""
        return observations(oid, piece, answer)

    def doubts(self, _piece: Piece, _answer: Answer) -> tuple[FileGap, ...]:
        """None: it parses a file wholly or not at all."""
        return ()

    def concerns(self, _observation: Observation, _path: str) -> bool:
        """Always: its tests know no paths."""
        return True
