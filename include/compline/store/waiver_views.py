"""Reads waivers: lists, one by id with what it holds, counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from compline.findings.waivers import Void, Waiver, WaiverState
from compline.model import State
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.rows import in_chunks
from compline.store.schema import findings, waived, waivers
from compline.store.waived import hold_of, waiver_of


@dataclass(frozen=True, slots=True)
class WaiverView:
    """A waiver as recorded, with what it does."""

    waiver: Waiver
    findings: int
    """Open findings that it holds now."""
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class HoldView:
    """One finding that a waiver holds, or held."""

    finding: str
    title: str
    state: State
    since: datetime
    void: Void | None
    voided_at: datetime | None


_HELD = (
    waived.c.voided_at.is_(None),
    findings.c.state == State.OPEN.value,
    findings.c.merged_into.is_(None),
)
"""A hold that counts."""


def get_waiver(store: Store, name: str) -> tuple[WaiverView, tuple[HoldView, ...]]:
    """The waiver of that id, with the findings that it holds or held, the latest first.

    Raises:
        StoreError: there is none.
    """
    with store.reading() as connection:
        row = waiver_row(connection, name)
        holds = connection.execute(
            select(waived, findings.c.title, findings.c.state)
            .join(findings, findings.c.id == waived.c.finding_id)
            .where(waived.c.waiver_id == name)
            .order_by(waived.c.since.desc(), waived.c.finding_id)
        ).all()
        view = _view(row, count_held(connection, name))
    return view, tuple(
        HoldView(
            item.finding_id,
            item.title,
            State(item.state),
            item.since,
            hold_of(item).void,
            item.voided_at,
        )
        for item in holds
    )


def list_waivers(
    store: Store, *, states: Sequence[WaiverState] = (), finding: str = ""
) -> tuple[WaiverView, ...]:
    """Waivers, those that end first first; of these states, or that hold or held one finding."""
    query = select(waivers).order_by(waivers.c.expires_at, waivers.c.id)
    if states:
        query = query.where(waivers.c.state.in_([state.value for state in states]))
    if finding:
        held = select(waived.c.waiver_id).where(waived.c.finding_id == finding)
        query = query.where(or_(waivers.c.finding_id == finding, waivers.c.id.in_(held)))
    counts = (
        select(waived.c.waiver_id, func.count().label("number"))
        .join(findings, findings.c.id == waived.c.finding_id)
        .where(*_HELD)
        .group_by(waived.c.waiver_id)
    )
    with store.reading() as connection:
        numbers = {row.waiver_id: row.number for row in connection.execute(counts)}
        return tuple(_view(row, numbers.get(row.id, 0)) for row in connection.execute(query))


def waived_findings(store: Store, names: Collection[str], now: datetime) -> set[str]:
    """Those of the findings that are waived."""
    with store.reading() as connection:
        return {
            name
            for chunk in in_chunks(sorted(names))
            for name in connection.scalars(
                select(findings.c.id).where(findings.c.id.in_(chunk), findings.c.waived_until > now)
            )
        }


def count_held(connection: Connection, name: str) -> int:
    """How many open findings the waiver holds."""
    query = (
        select(func.count())
        .select_from(waived)
        .join(findings, findings.c.id == waived.c.finding_id)
        .where(waived.c.waiver_id == name, *_HELD)
    )
    return connection.scalar(query) or 0


def waiver_row(connection: Connection, name: str) -> Row[Any]:
    """The waiver's row.

    Raises:
        StoreError: there is none.
    """
    row = connection.execute(select(waivers).where(waivers.c.id == name)).first()
    if row is None:
        raise StoreError(f"there is no waiver {name!r}: `compline waive list` lists them")
    return row


def _view(row: Row[Any], number: int) -> WaiverView:
    counts = row.state == WaiverState.ACTIVE.value
    return WaiverView(waiver_of(row), number if counts else 0, row.ended_at, row.ended_by)
