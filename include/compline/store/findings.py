"""Reads findings: lists with filters by cursor, one by id, its events, counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from compline.codec import load_observation
from compline.findings.known import WitnessState
from compline.model import FindingKind, Severity, State
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.rows import in_chunks
from compline.store.schema import events, findings, heads, targets, witnesses
from compline.store.views import FindingView, LocationView, Sighted, WitnessView, finding_view

__all__ = [
    "EventView",
    "FindingFilter",
    "FindingView",
    "LocationView",
    "WitnessView",
    "count_findings",
    "finding_events",
    "get_finding",
    "list_findings",
]


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
    since_run: int | None = None
    """Opened, or last reopened, in this run or a later one."""
    ids: tuple[str, ...] = ()


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
) -> tuple[FindingView, ...]:
    """The findings, the gravest first.

    Args:
        store: where.
        which: filters; all of them must hold.
        limit: how many at most.
        after: the id that the page before ended with.

    Raises:
        StoreError: `after` names no finding.
    """
    query = (
        select(findings, targets.c.name.label("target"))
        .join(targets, targets.c.id == findings.c.target_id)
        .where(*_conditions(which or FindingFilter()))
        .order_by(findings.c.rank.desc(), findings.c.id.desc())
    )
    if limit is not None:
        query = query.limit(limit)
    with store.reading() as connection:
        if after is not None:
            rank = connection.scalar(select(findings.c.rank).where(findings.c.id == after))
            if rank is None:
                raise _unknown(after)
            query = query.where(
                or_(
                    findings.c.rank < rank,
                    and_(findings.c.rank == rank, findings.c.id < after),
                )
            )
        return _views(connection, connection.execute(query).all())


def get_finding(store: Store, finding: str) -> FindingView:
    """The finding of that id, or the one that it was merged into.

    Raises:
        StoreError: there is none.
    """
    query = select(findings, targets.c.name.label("target")).join(
        targets, targets.c.id == findings.c.target_id
    )
    with store.reading() as connection:
        row = connection.execute(query.where(findings.c.id == finding)).first()
        if row is not None and row.merged_into:
            row = connection.execute(query.where(findings.c.id == row.merged_into)).first()
        if row is None:
            raise _unknown(finding)
        return _views(connection, [row])[0]


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
    """How many, by target, severity and state."""
    query: Select[Any] = (
        select(targets.c.name, findings.c.severity, findings.c.state, func.count())
        .join(targets, targets.c.id == findings.c.target_id)
        .where(*_conditions(which or FindingFilter()))
        .group_by(targets.c.name, findings.c.severity, findings.c.state)
    )
    with store.reading() as connection:
        return {
            (name, Severity(severity), State(state)): number
            for name, severity, state, number in connection.execute(query)
        }


def _conditions(which: FindingFilter) -> Iterable[ColumnElement[bool]]:
    yield findings.c.merged_into.is_(None)
    if which.ids:
        yield findings.c.id.in_(which.ids)
    if which.states:
        yield findings.c.state.in_([state.value for state in which.states])
    if which.severities:
        yield findings.c.severity.in_([severity.value for severity in which.severities])
    if which.at_least is not None:
        yield findings.c.rank >= which.at_least.rank
    if which.targets:
        named = select(targets.c.id).where(targets.c.name.in_(which.targets))
        yield findings.c.target_id.in_(named)
    if which.kinds:
        yield findings.c.kind.in_([kind.value for kind in which.kinds])
    if which.since_run is not None:
        yield findings.c.opened_run >= which.since_run
    if which.scanners:
        yield (
            select(witnesses.c.id)
            .where(
                witnesses.c.finding_id == findings.c.id,
                witnesses.c.scanner.in_(which.scanners),
                or_(
                    witnesses.c.state != WitnessState.GONE.value,
                    findings.c.state == State.RESOLVED.value,
                ),
            )
            .exists()
        )


def _views(connection: Connection, rows: Iterable[Row[Any]]) -> tuple[FindingView, ...]:
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
    return tuple(finding_view(row, row.target, sighted[row.id]) for row in found)


def _unknown(finding: str) -> StoreError:
    return StoreError(f"there is no finding {finding!r}: `compline findings` lists them")
