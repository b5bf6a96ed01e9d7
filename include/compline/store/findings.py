"""Reads findings: lists with filters by cursor, one by id, its events, counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from compline.codec import load_observation
from compline.findings.known import WitnessState
from compline.model import Severity, State
from compline.store.errors import StoreError
from compline.store.filters import Condition, FindingFilter, facets, rest
from compline.store.handle import Store
from compline.store.listing import Counted, count, page
from compline.store.rows import in_chunks
from compline.store.schema import events, findings, heads, targets, totals, witnesses
from compline.store.views import (
    AsOf,
    FindingView,
    LocationView,
    Sighted,
    WitnessView,
    finding_view,
)

__all__ = [
    "AsOf",
    "Condition",
    "Counted",
    "EventView",
    "FindingFilter",
    "FindingView",
    "LocationView",
    "WitnessView",
    "count_findings",
    "count_matching",
    "finding_events",
    "get_finding",
    "list_findings",
    "total_findings",
]

_ALL = 1 << 31
_FINDING = select(findings, targets.c.name.label("target")).join(
    targets, targets.c.id == findings.c.target_id
)


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened to a finding."""

    at: datetime
    run: int
    kind: str
    data: Mapping[str, Any]


def list_findings(
    store: Store,
    which: FindingFilter | None = None,
    *,
    limit: int | None = None,
    after: str | None = None,
    as_of: AsOf | None = None,
) -> tuple[FindingView, ...]:
    """The findings by risk, the highest first; the eldest first among equals.

    Args:
        store: where.
        which: filters; all of them must hold.
        limit: how many at most.
        after: the id that the page before ended with.
        as_of: the time, for the conditions that depend on it.

    Raises:
        StoreError: `after` names no finding.
    """
    with store.reading() as connection:
        behind = None
        if after is not None:
            place = select(findings.c.id, findings.c.risk, findings.c.first_seen)
            behind = connection.execute(place.where(findings.c.id == after)).first()
            if behind is None:
                raise _unknown(after)
        ids = page(connection, which or FindingFilter(), limit or _ALL, behind)
        found: dict[str, Row[Any]] = {}
        for chunk in in_chunks(ids):
            rows = connection.execute(_FINDING.where(findings.c.id.in_(chunk)))
            found |= {row.id: row for row in rows}
        return _views(connection, [found[one] for one in ids], as_of)


def get_finding(store: Store, finding: str, *, as_of: AsOf | None = None) -> FindingView:
    """The finding of that id, or the one that it was merged into.

    Raises:
        StoreError: there is none.
    """
    with store.reading() as connection:
        row = connection.execute(_FINDING.where(findings.c.id == finding)).first()
        if row is not None and row.merged_into:
            row = connection.execute(_FINDING.where(findings.c.id == row.merged_into)).first()
        if row is None:
            raise _unknown(finding)
        return _views(connection, [row], as_of)[0]


def finding_events(store: Store, finding: str) -> tuple[EventView, ...]:
    """What happened to the finding, the oldest first.

    Raises:
        StoreError: there is no such finding.
    """
    query = select(events).where(events.c.finding_id == finding).order_by(events.c.id)
    with store.reading() as connection:
        rows = connection.execute(query).all()
    if not rows:
        raise _unknown(finding)
    return tuple(EventView(row.at, row.run_id, row.kind, row.data) for row in rows)


def count_findings(
    store: Store, which: FindingFilter | None = None
) -> dict[tuple[str, Severity, State], int]:
    """How many, by target, severity and state; exact."""
    chosen = which or FindingFilter()
    with store.reading() as connection:
        wanted = facets(connection, chosen)
        others = rest(chosen)
        table = findings if others else totals
        number = func.count() if others else func.sum(totals.c.number)
        query = (
            select(targets.c.name, table.c.severity, table.c.state, number)
            .join(targets, targets.c.id == table.c.target_id)
            .where(*wanted.conditions(table.c), *others)
            .group_by(targets.c.name, table.c.severity, table.c.state)
        )
        if others:
            query = query.where(findings.c.merged_into.is_(None))
        return {
            (name, Severity(severity), State(state)): int(found)
            for name, severity, state, found in connection.execute(query)
        }


def count_matching(
    store: Store, which: FindingFilter | None = None, limit: int = 10_000
) -> Counted:
    """How many findings there are for the filter: exact up to the limit, `10,000+` beyond."""
    with store.reading() as connection:
        return count(connection, which or FindingFilter(), limit)


def total_findings(store: Store) -> dict[tuple[State, Severity], int]:
    """How many there are by state and severity; exact."""
    query = select(totals.c.state, totals.c.severity, func.sum(totals.c.number)).group_by(
        totals.c.state, totals.c.severity
    )
    with store.reading() as connection:
        return {
            (State(state), Severity(severity)): int(number)
            for state, severity, number in connection.execute(query)
        }


def _views(
    connection: Connection, rows: Iterable[Row[Any]], as_of: AsOf | None
) -> tuple[FindingView, ...]:
    found = list(rows)
    looks = {
        (row.target_id, row.scanner): row
        for chunk in in_chunks(sorted({row.target_id for row in found}))
        for row in connection.execute(
            select(
                heads.c.target_id, heads.c.scanner, heads.c.completed_at, heads.c.revision
            ).where(heads.c.target_id.in_(chunk))
        )
    }
    sighted: dict[str, list[Sighted]] = {row.id: [] for row in found}
    for chunk in in_chunks([row.id for row in found]):
        query = select(witnesses).where(witnesses.c.finding_id.in_(chunk)).order_by(witnesses.c.id)
        for row in connection.execute(query):
            look = looks.get((row.target_id, row.scanner))
            state = WitnessState(row.state)
            seen = state is WitnessState.SEEN
            sighted[row.finding_id].append(
                Sighted(
                    state,
                    load_observation(row.observation),
                    row.first_seen,
                    (look.completed_at if look else None) if seen else row.last_seen,
                    look.revision if look else "",
                )
            )
    return tuple(finding_view(row, row.target, sighted[row.id], as_of) for row in found)


def _unknown(finding: str) -> StoreError:
    return StoreError(f"there is no finding {finding!r}: `compline findings` lists them")
