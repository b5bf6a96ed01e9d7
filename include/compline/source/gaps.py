"""Collects what a tree leaves out, however much that is: many gaps become one per directory."""

from __future__ import annotations

from collections import Counter, defaultdict

from compline.model import Gap, GapReason

_MOST = 1000
"""Single gaps of one reason; more become directories, so that a ledger row stays readable."""


class Gaps:
    """An accumulator; the result does not depend on the order of what was added."""

    def __init__(self) -> None:
        self._found: defaultdict[GapReason, Counter[tuple[str, str]]] = defaultdict(Counter)

    def add(self, reason: GapReason, path: str, detail: str = "") -> None:
        """One file or entry that was left out."""
        self._found[reason][path, detail] += 1

    def result(self) -> tuple[Gap, ...]:
        """All of them, sorted by reason and path."""
        gaps: list[Gap] = []
        for reason in sorted(self._found):
            counts = self._found[reason]
            for grouped in (_by_directory, _by_top):
                if len(counts) <= _MOST:
                    break
                # A directory covers more than was left out: that keeps findings open, never closes.
                counts = grouped(counts)
            gaps += [
                Gap(reason, path, detail, count) for (path, detail), count in sorted(counts.items())
            ]
        return tuple(gaps)


def _by_directory(counts: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    grouped: Counter[tuple[str, str]] = Counter()
    for (path, _), count in counts.items():
        head, slash, _ = path.rstrip("/").rpartition("/")
        grouped[head + slash, "several"] += count
    return grouped


def _by_top(counts: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    grouped: Counter[tuple[str, str]] = Counter()
    for (path, detail), count in counts.items():
        top, slash, _ = path.partition("/")
        grouped[top + slash, detail] += count
    return grouped if len(grouped) <= _MOST else Counter({("", "several"): sum(counts.values())})
