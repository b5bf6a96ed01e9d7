"""Files into batches of about equal work, and a batch looked at until the poison in it is alone.

A tool that crashes, hangs, floods or answers nonsense says nothing of which file it was. So the
batch is split, first between repositories, then in halves, until one file is left: that one is
not covered, its neighbours are.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from compline.scanners.blobs.analysis import Distrusted, Report, Runner
from compline.tools.process import NotStarted, ToolError

_MOST_BYTES = 2 << 20
"""Of one batch, less its last file; more would be dear to split."""
_BATCHES_EACH = 8
"""Per process, if they are worth its start: the last one is what the other cores wait for."""
_MOST_FILES = 1_000
"""Of one batch: their names are arguments of a process."""
_MOST_FAILURES = 24
"""Failed processes that one repository may cost before the rest of what is in doubt there is
given up: at ten to find one file among a thousand, this finds several poisons, and then ends."""
_START_SECONDS = 45.0
_SECONDS_PER_MB = 60.0
"""Time that a batch gets, ten times what the slowest tool takes on an idle core. The less there
is in a batch, the sooner it is given up: what hangs costs minutes, not the limit at every split."""


class Item(NamedTuple):
    """One file of a batch."""

    name: str
    """In the scratch directory."""
    size: int
    owner: str
    """The repository that it was read from."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of some files of a batch."""

    items: tuple[Item, ...]
    report: Report | None
    """None where they could not be looked at."""
    poison: str = ""
    """How the tool ended on this file (or these, if they could not be told apart)."""
    broken: str = ""
    """Why the tool itself does not work; then nothing is said of the files."""


def batch_bytes(total: int, processes: int, grain: int) -> int:
    """How much a batch shall hold.

    Args:
        total: bytes of all files together.
        processes: how many batches are looked at at once.
        grain: bytes that are worth starting the tool for; less only so that no core is idle.
    """
    several = max(total // (_BATCHES_EACH * processes), grain)
    return min(_MOST_BYTES, max(-(-total // processes), 1), several)


class Packer:
    """Files into batches, in the order in which they come."""

    def __init__(self, size: int) -> None:
        """Takes the bytes that fill a batch; its last file may go beyond."""
        self._size = size
        self._items: list[Item] = []
        self._bytes = 0

    def add(self, item: Item) -> tuple[Item, ...]:
        """The batch that the file has filled; empty if there is room left."""
        self._items.append(item)
        self._bytes += item.size
        full = self._bytes >= self._size or len(self._items) == _MOST_FILES
        return self.rest() if full else ()

    def rest(self) -> tuple[Item, ...]:
        """What is in the batch now; the next one is empty."""
        batch, self._items, self._bytes = tuple(self._items), [], 0
        return batch


@dataclass
class Examiner:
    """Looks at batches; may be used from several threads at once."""

    analyzer: Runner
    directory: Path
    seconds: float
    """The most that one process may take, whatever its batch."""
    _failures: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def examine(self, batch: Sequence[Item]) -> list[Verdict]:
        """Every file of the batch is in exactly one verdict."""
        verdicts = []
        parts = [tuple(batch)]
        while parts:
            items = parts.pop()
            try:
                report = self._run(items)
            except NotStarted as error:
                rest = [item for part in parts for item in part]
                verdicts.append(Verdict((*items, *rest), None, broken=str(error)))
                break
            except (ToolError, Distrusted) as error:
                broken = self._broken()
                if broken:
                    verdicts.append(Verdict(items, None, broken=broken))
                elif len(items) == 1 or self._lost(items):
                    verdicts.append(Verdict(items, None, poison=str(error)))
                else:
                    parts += reversed(_split(items))
            else:
                verdicts.append(Verdict(items, self._unhurried(items, report)))
        return verdicts

    def _unhurried(self, items: Sequence[Item], report: Report) -> Report:
        """The report, with a second try at files for which the tool had too little time."""
        hurried = [item for item in items if _hurried(report, item)]
        if not hurried:
            return report
        try:
            second = self._run(hurried)
        except (ToolError, Distrusted):
            return report  # what the first try says stands, gaps and all
        better = {item.name: second.answers[item.name] for item in hurried if _better(second, item)}
        return replace(
            report,
            answers={**report.answers, **better},
            seconds=report.seconds + second.seconds,
        )

    def _run(self, items: Sequence[Item]) -> Report:
        size = sum(item.size for item in items) / (1 << 20)
        seconds = min(self.seconds, _START_SECONDS + _SECONDS_PER_MB * size)
        return self.analyzer.run(self.directory, [item.name for item in items], seconds)

    def _broken(self) -> str:
        """Why the tool does not even find its canary; empty if it does."""
        try:
            self._run([])
        except (ToolError, Distrusted) as error:
            return str(error)
        return ""

    def _lost(self, items: Sequence[Item]) -> bool:
        """Counts a failure, and tells whether its repository has used up its share."""
        owners = {item.owner for item in items}
        if len(owners) > 1:
            return False
        with self._lock:
            self._failures.update(owners)
            return self._failures[items[0].owner] > _MOST_FAILURES


def _hurried(report: Report, item: Item) -> bool:
    return item.name in report.answers and report.answers[item.name].hurried


def _better(second: Report, item: Item) -> bool:
    answer = second.answers.get(item.name)
    return answer is not None and answer.looked and not answer.hurried


def _split(items: tuple[Item, ...]) -> list[tuple[Item, ...]]:
    """Two parts: between two repositories near the middle if there are several, else halves."""
    middle = len(items) // 2
    borders = []
    position = 0
    for _, group in groupby(items, key=lambda item: item.owner):
        position += len(list(group))
        borders.append(position)
    inner = borders[:-1]
    if inner:
        middle = min(inner, key=lambda border: abs(border - middle))
    return [items[:middle], items[middle:]]
