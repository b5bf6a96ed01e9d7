"""What is out of habit: the days that have new downloads, held against the days before them.

False alarms are bounded as follows, for somebody who goes on as before (the tests measure it):

- a new pair of principal and model: who fetched it on a day with probability p was not seen in the
  L days of learning with probability (1 - p)^L;
- volume: the day must be beyond all n days before, which by symmetry has probability 1 / (n + 1) at
  most, by half of the largest, and far beyond the usual one, which makes it rare;
- hours: judged only for those who have a habit: by Good and Turing's estimate, the probability of
  an unseen hour is the share of days whose hour was seen on no other day, and it must be below
  `_UNSETTLED`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from statistics import median

from compline.scanners.access.download import ANONYMOUS
from compline.scanners.access.habits import Cell, Habits, Pair, since

_FEW_DAYS = 5
"""Days without which nothing usual can be told; until then only the largest day counts."""
_HOUR_DAYS = 20
"""Days on which a principal must have been there before its hours are judged."""
_UNSETTLED = 0.02
_SPREADS = 6
"""Median absolute deviations, scaled to a normal distribution's deviation."""
_MAD = 1.4826
_BEYOND = 1.5
"""Times the largest day before, which a volume must exceed too."""
_ALL_HOURS = (1 << 24) - 1


@dataclass(frozen=True, slots=True)
class Rules:
    """The parameters; see `compline.config.targets.logs.Access`."""

    learning_days: int
    habit_days: int
    volume_factor: float
    floor_bytes: int
    floor_downloads: int
    quiet: int
    """A bit for each hour that is fixed as quiet."""
    many_models: int
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something out of habit, on one day."""

    rule: str
    principal: str
    model: str
    """Empty where it is about no single one."""
    day: date
    grave: bool
    detail: str
    networks: tuple[str, ...] = ()


def judge(habits: Habits, touched: Iterable[tuple[Pair, date]], rules: Rules) -> list[Event]:
    """What is out of habit on the days that have new downloads.

    Args:
        habits: of all days, the new downloads among them.
        touched: the pairs and days that got new downloads.
        rules: the parameters.
    """
    events: list[Event] = []
    persons: dict[str, set[date]] = {}
    by_principal: dict[str, list[Pair]] = {}
    for pair in habits.pairs:
        by_principal.setdefault(pair[0], []).append(pair)
    for pair, day in sorted(set(touched)):
        principal = pair[0]
        cell = habits.pairs.get(pair, {}).get(day)
        if cell is None or allowed(principal, rules):
            continue
        if principal == ANONYMOUS:
            detail = f"{_amount(cell)} without a name"
            events.append(Event("anonymous-download", *pair, day, True, detail, cell.networks))
            continue
        if cell.hours & rules.quiet:
            detail = f"{_amount(cell)}, some within the quiet hours ({_hours(cell.hours)})"
            events.append(Event("quiet-hours", *pair, day, False, detail, cell.networks))
        if habits.began is None or since(day, rules.learning_days) < habits.began:
            continue
        persons.setdefault(principal, set()).add(day)
        if habits.first[pair] == day:
            events += _newcomer(habits, by_principal[principal], pair, day, cell, rules)
        else:
            events += _volume(habits.pairs[pair], pair, day, cell, rules)
    for principal, days in sorted(persons.items()):
        mine = {pair[1]: habits.pairs[pair] for pair in by_principal[principal]}
        events += _person(principal, mine, days, rules)
    return events


def allowed(principal: str, rules: Rules) -> bool:
    """Whether nothing is said of that principal."""
    return any(fnmatchcase(principal, each) for each in rules.allowed)


def _newcomer(
    habits: Habits, mine: list[Pair], pair: Pair, day: date, cell: Cell, rules: Rules
) -> Iterator[Event]:
    stranger = all(habits.first[each] >= day for each in mine)
    if not stranger and since(day, rules.learning_days) < habits.models[pair[1]]:
        return  # the model itself is new: it is being learnt who uses it
    which = "any model" if stranger else "this model"
    detail = f"{_amount(cell)}; never fetched {which} in {rules.habit_days} days before"
    yield Event("new-principal", *pair, day, stranger, detail, cell.networks)


def _volume(
    days: dict[date, Cell], pair: Pair, day: date, cell: Cell, rules: Rules
) -> Iterator[Event]:
    before = [each for when, each in days.items() if when < day]
    if not before:
        return
    sized = cell.bytes > 0
    volumes = [each.bytes if sized else each.count for each in before]
    today = cell.bytes if sized else cell.count
    floor = rules.floor_bytes if sized else rules.floor_downloads
    usual = median(volumes)
    if len(volumes) < _FEW_DAYS:
        most = rules.volume_factor * max(volumes)
    else:
        spread = _MAD * median(abs(each - usual) for each in volumes)
        most = max(rules.volume_factor * usual, usual + _SPREADS * spread, _BEYOND * max(volumes))
    if today > max(most, floor):
        unit = "bytes" if sized else "downloads"
        detail = f"{today} {unit} on one day; usual are {usual:.0f}, {max(volumes)} was the most"
        yield Event("volume-beyond-habit", *pair, day, True, detail, cell.networks)


def _person(
    principal: str, mine: dict[str, dict[date, Cell]], days: set[date], rules: Rules
) -> list[Event]:
    """What is out of one principal's habit over all models.

    Args:
        principal: who.
        mine: its cells by model.
        days: to be judged.
        rules: the parameters.
    """
    hours: dict[date, int] = {}
    at_once: dict[date, Counter[int]] = {}
    networks: dict[date, set[str]] = {}
    for cells in mine.values():
        for day, cell in cells.items():
            hours[day] = hours.get(day, 0) | cell.hours
            # Whoever was there at nine counts at ten as well, and over midnight on the next day.
            both = (cell.hours | cell.hours << 1) & _ALL_HOURS
            at_once.setdefault(day, Counter()).update(_each(both))
            next_day = day + timedelta(days=1)
            again = cells.get(next_day)
            if cell.hours >> 23 and not (again is not None and again.hours & 1):
                at_once.setdefault(next_day, Counter())[0] += 1
            networks.setdefault(day, set()).update(cell.networks)
    events = []
    for day in sorted(days):
        before = {when: each for when, each in hours.items() if when < day}
        most = max((max(at_once[when].values()) for when in before), default=0)
        many = max(at_once[day].values())
        found = []
        if many > max(rules.many_models, 2 * most):
            found.append(
                ("many-models", True, f"{many} models within two hours; {most} was the most before")
            )
        odd = _odd_hours(hours[day], list(before.values()))
        if odd:
            detail = f"at {_hours(odd)}, at which it never was on {len(before)} days"
            found.append(("unusual-hour", False, detail))
        for rule, grave, detail in found:
            where = tuple(sorted(networks[day])[:3])
            events.append(Event(rule, principal, "", day, grave, detail, where))
    return events


def _odd_hours(today: int, before: list[int]) -> int:
    """The hours of the day that are not near any hour before; none for who has no habit."""
    if len(before) < _HOUR_DAYS:
        return 0
    seen = Counter(hour for hours in before for hour in _each(_near(hours)))
    alone = sum(any(seen[hour] == 1 for hour in _each(hours)) for hours in before)
    if alone > _UNSETTLED * len(before):
        return 0
    return today & ~sum(1 << hour for hour in seen)


def _each(hours: int) -> Iterator[int]:
    return (hour for hour in range(24) if hours >> hour & 1)


def _near(hours: int) -> int:
    """The hours and their neighbours: five to nine is nine o'clock."""
    return (hours | hours << 1 | hours >> 1 | hours >> 23 | (hours & 1) << 23) & _ALL_HOURS


def _hours(hours: int) -> str:
    return ", ".join(f"{hour:02}h" for hour in _each(hours))


def _amount(cell: Cell) -> str:
    size = f", {cell.bytes} bytes" if cell.bytes else ""
    return f"{cell.count} download{'s' if cell.count > 1 else ''}{size}"
