"""Which findings are wanted: the filter as a value, and as conditions of SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, false, func, or_, select

from compline.findings.known import WitnessState
from compline.model import FindingKind, Severity, State
from compline.store.schema import findings, heads, targets, totals, witnesses


class Condition(StrEnum):
    """What a finding can be beside open or resolved; several at once."""

    WAIVED = "waived"
    STALE = "stale"
    """Open, and nobody could look for longer than the limit."""
    HELD = "held"
    """A drop of its scanner's findings is not believed yet."""
    UNSEEN = "unseen"
    """Its places lie in gaps."""
    OVERDUE = "overdue"
    """Open and not waived beyond its remediation deadline."""


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings; an empty field means all."""

    states: tuple[State, ...] = ()
    severities: tuple[Severity, ...] = ()
    at_least: Severity | None = None
    """This severity and those above it."""
    targets: tuple[str, ...] = ()
    scanners: tuple[str, ...] = ()
    """Seen by one of these, now or, of a resolved finding, ever."""
    kinds: tuple[FindingKind, ...] = ()
    conditions: tuple[Condition, ...] = ()
    """Any of these."""
    without: tuple[Condition, ...] = ()
    """None of these."""
    now: datetime | None = None
    """For `waived` and `overdue`: a waiver counts until it expires."""
    stale_since: datetime | None = None
    """For `stale`: nobody has looked since then."""
    since_run: int | None = None
    """Opened, or last reopened, in this run or a later one."""
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        asked = {*self.conditions, *self.without}
        if asked & {Condition.WAIVED, Condition.OVERDUE} and self.now is None:
            raise ValueError("`waived` and `overdue` depend on the time: give the filter `now`")
        if Condition.STALE in asked and self.stale_since is None:
            raise ValueError("`stale` depends on the limit: give the filter `stale_since`")


@dataclass(frozen=True, slots=True)
class Facets:
    """The part of a filter that rows of `totals` tell apart, with names resolved."""

    states: tuple[str, ...]
    wanted: dict[str, tuple[Any, ...]]
    """Column of `findings` and of `totals` to the values that are let through."""

    @property
    def nothing(self) -> bool:
        """Whether it is clear from here that no finding fits."""
        return not (self.states and all(self.wanted.values()))

    def conditions(self, columns: Any) -> Iterator[ColumnElement[bool]]:
        """On the columns of either table."""
        yield columns.state.in_(self.states)
        for name, values in self.wanted.items():
            yield columns[name].in_(values)


def facets(connection: Connection, which: FindingFilter) -> Facets:
    """The filter's facets."""
    wanted: dict[str, tuple[Any, ...]] = {}
    severities = [severity for severity in Severity if _severe(severity, which)]
    if len(severities) < len(Severity):
        wanted["severity"] = tuple(severity.value for severity in severities)
    if which.targets:
        named = select(targets.c.id).where(targets.c.name.in_(which.targets))
        wanted["target_id"] = tuple(connection.scalars(named))
    if which.kinds:
        wanted["kind"] = tuple(kind.value for kind in which.kinds)
    if which.scanners:
        # Few sets of scanners stand in many rows: the sets with a wanted one are looked for.
        known = connection.scalars(select(totals.c.scanners).distinct())
        wanted["scanners"] = tuple(
            sorted(text for text in known if not set(text.split(" ")).isdisjoint(which.scanners))
        )
    sights = {Condition.HELD.value, Condition.UNSEEN.value}
    if which.conditions and sights.issuperset(which.conditions):
        wanted["sight"] = tuple(condition.value for condition in which.conditions)
    states = [state for state in which.states or State if _possible(state, which)]
    return Facets(tuple(state.value for state in states), wanted)


def _possible(state: State, which: FindingFilter) -> bool:
    """Every condition is one of open findings."""
    if not which.conditions:
        return True
    return state is State.OPEN and not set(which.conditions) <= set(which.without)


def _severe(severity: Severity, which: FindingFilter) -> bool:
    return (not which.severities or severity in which.severities) and (
        which.at_least is None or severity.reaches(which.at_least)
    )


def rest(which: FindingFilter) -> list[ColumnElement[bool]]:
    """The conditions on `findings` that are no facets; none for most filters."""
    found: list[ColumnElement[bool]] = []
    sights = {Condition.HELD, Condition.UNSEEN}
    if which.conditions and not sights.issuperset(which.conditions):
        found.append(or_(*(_condition(one, which) for one in which.conditions)))
    found += [~_condition(one, which) for one in which.without]
    if which.since_run is not None:
        found.append(findings.c.opened_run >= which.since_run)
    if which.ids:
        found.append(findings.c.id.in_(which.ids))
    return found


def _condition(condition: Condition, which: FindingFilter) -> ColumnElement[bool]:
    if condition is Condition.WAIVED:
        until = findings.c.waived_until
        return and_(findings.c.state == State.OPEN.value, until.is_not(None), until > which.now)
    if condition is Condition.STALE:
        return _stale(which)
    if condition is Condition.OVERDUE:
        waived = func.coalesce(findings.c.waived_until > which.now, false())
        late = func.coalesce(findings.c.due_at <= which.now, false())
        return and_(findings.c.state == State.OPEN.value, late, ~waived)
    return findings.c.sight == condition.value


def _stale(which: FindingFilter) -> ColumnElement[bool]:
    """No present witness that was seen since the limit."""
    seen = case(
        (witnesses.c.state == WitnessState.SEEN.value, heads.c.completed_at),
        else_=witnesses.c.last_seen,
    )
    fresh = exists(
        select(witnesses.c.id)
        .join(
            heads,
            and_(
                heads.c.target_id == witnesses.c.target_id, heads.c.scanner == witnesses.c.scanner
            ),
        )
        .where(
            witnesses.c.finding_id == findings.c.id,
            witnesses.c.state != WitnessState.GONE.value,
            seen >= which.stale_since,
        )
    )
    return and_(findings.c.state == State.OPEN.value, ~fresh)
