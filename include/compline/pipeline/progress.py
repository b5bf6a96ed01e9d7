"""Progress as lines: for a task's log, a terminal, or a file that another process follows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from compline.model import Completed, Failed, Look, Skipped
from compline.reports.plain import printable


@dataclass(frozen=True)
class Progress:
    """One thing that happened."""

    step: str
    """discover, plan, fetch, scan, record, conclude or notify."""
    text: str
    mark: str = "·"
    """One character: ✓ done, ↺ reused, - skipped, ! with gaps, ✗ failed, · under way."""


Report = Callable[[Progress], None]


def to_lines(write: Callable[[str], None]) -> Report:
    """Reports as lines of text; what a repository chose of them cannot act in a terminal."""

    def report(progress: Progress) -> None:
        write(f"{progress.mark} {progress.step:<8} {printable(progress.text)}")

    return report


def to_file(path: Path) -> Report:
    """Appends reports as JSON lines, each in one write, for another process to follow."""

    def report(progress: Progress) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(progress), ensure_ascii=False) + "\n")

    return report


def describe(look: Look) -> Progress:
    """One line for one target and scanner."""
    label = f"{look.target:<24} {look.scanner:<20}"
    outcome = look.outcome
    if isinstance(outcome, Failed):
        return Progress("scan", f"{label} failed: {outcome.error}", "✗")
    if isinstance(outcome, Skipped):
        return Progress("scan", f"{label} skipped: {outcome.reason}", "-")
    return Progress("scan", f"{label} {_counts(outcome)}, {look.seconds:.1f} s", _mark(outcome))


def _counts(outcome: Completed) -> str:
    seen = len(outcome.observations)
    parts = [f"{seen} observation{'' if seen == 1 else 's'}"]
    if outcome.gaps:
        left_out = sum(gap.count for gap in outcome.gaps)
        parts.append(f"{left_out} gap{'' if left_out == 1 else 's'}")
    return ", ".join(parts)


def _mark(outcome: Completed) -> str:
    return "!" if outcome.gaps else "✓"
