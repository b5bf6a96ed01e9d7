"""Who fetches what, how much, and when: daily sums per principal and model, as a mergeable value.

Sums, sets of hours and least dates commute, so the order in which files are read, and how often a
night is cut in two, makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from compline.scanners.access.download import Download

MOST_PAIRS = 20_000
"""Of principal and model that are kept; whatever is beyond is counted."""
_NETWORKS = 3

Pair = tuple[str, str]
"""Principal and model."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One principal's downloads of one model on one day."""

    bytes: int = 0
    count: int = 0
    hours: int = 0
    """A bit for each hour of the day, from midnight."""
    networks: tuple[str, ...] = ()
    """The first of them in order."""
    sized: bool = True
    """Whether the log told how many bytes each had."""

    def __add__(self, other: Cell) -> Cell:
        return Cell(
            self.bytes + other.bytes,
            self.count + other.count,
            self.hours | other.hours,
            tuple(sorted({*self.networks, *other.networks})[:_NETWORKS]),
            self.sized and other.sized,
        )


@dataclass
class Habits:
    """What is known of one log's downloads; days are in the target's time zone."""

    began: date | None = None
    """The first day that the log was seen to tell of."""
    ended: date | None = None
    """The last one."""
    pairs: dict[Pair, dict[date, Cell]] = field(default_factory=dict)
    first: dict[Pair, date] = field(default_factory=dict)
    """The day of the first download that is remembered."""
    models: dict[str, date] = field(default_factory=dict)
    """The day of each model's first download."""
    left: int = 0
    """Downloads that were not taken, since there were too many pairs."""

    def day(self, day: date) -> None:
        """Notes that the log tells of that day."""
        self.began = day if self.began is None else min(self.began, day)
        self.ended = day if self.ended is None else max(self.ended, day)

    def add(self, download: Download) -> None:
        """Counts a download; its time must be in the target's zone."""
        cell = Cell(
            download.bytes or 0,
            1,
            1 << download.at.hour,
            (download.network,) if download.network else (),
            download.bytes is not None,
        )
        self._put((download.principal, download.model), download.at.date(), cell)

    def merge(self, other: Habits) -> None:
        """Adds what another has counted."""
        self.left += other.left
        for day in (other.began, other.ended):
            if day is not None:
                self.day(day)
        for pair, day, cell in other.cells():
            self._put(pair, day, cell)

    def cells(self) -> Iterator[tuple[Pair, date, Cell]]:
        """Everything, one by one."""
        for pair, days in self.pairs.items():
            for day, cell in days.items():
                yield pair, day, cell

    def forget(self, before: date) -> None:
        """Drops the days before that; a pair without any day is new again one day."""
        for pair, days in list(self.pairs.items()):
            kept = {day: cell for day, cell in days.items() if day >= before}
            if kept:
                self.pairs[pair] = kept
            else:
                del self.pairs[pair], self.first[pair]
        alive = {model for _, model in self.pairs}
        self.models = {model: day for model, day in self.models.items() if model in alive}

    def _put(self, pair: Pair, day: date, cell: Cell) -> None:
        days = self.pairs.get(pair)
        if days is None:
            if len(self.pairs) >= MOST_PAIRS:
                self.left += cell.count
                return
            days = self.pairs[pair] = {}
        days[day] = days[day] + cell if day in days else cell
        self.first[pair] = min(day, self.first.get(pair, day))
        self.models[pair[1]] = min(day, self.models.get(pair[1], day))


def since(day: date, days: int) -> date:
    """The day so many days earlier."""
    return day - timedelta(days=days)
