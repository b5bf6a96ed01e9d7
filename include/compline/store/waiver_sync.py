"""Makes the store's waivers those that are written elsewhere: in waivers.yaml, in ignore files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, select, update

from compline.findings.waivers import Source, Waiver, WaiverPolicy, WaiverState, begin
from compline.model import Severity, State
from compline.store.handle import Store
from compline.store.schema import findings, waivers
from compline.store.waived import (
    begin_holds,
    held_findings,
    hold_targets,
    insert_waivers,
    refresh_waived,
)
from compline.store.waiver_scope import UNDER_WAY, apply_selectors, said_of
from compline.store.waivers import end_waivers

_OVER = (WaiverState.EXPIRED, WaiverState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class WaiversSynced:
    """What a sync changed."""

    added: int
    ended: int
    refused: tuple[str, ...] = ()
    """Why an entry about one finding is not in force; none of them holds anything."""


def sync_waivers(
    store: Store,
    written: Sequence[Waiver],
    policy: WaiverPolicy,
    now: datetime,
    *,
    source: Source,
    within: str = "",
) -> WaiversSynced:
    """Adds what is new, ends what is not written any more; an entry is found again by its key.

    Args:
        store: where.
        written: every waiver of the source, each with a key and a state.
        policy: who may waive what for how long.
        now: the time.
        source: whose waivers these are.
        within: what all their keys begin with, where a source is synced in parts.
    """
    ours = (waivers.c.source == source.value) & waivers.c.key.startswith(within, autoescape=True)
    with store.reading() as connection:
        before = connection.execute(select(waivers).where(ours)).all()
    if _same({row.key: row for row in before}, written):
        return WaiversSynced(0, 0)
    refused: list[str] = []
    selecting: list[Waiver] = []
    with store.writing() as connection:
        rows = {row.key: row for row in connection.execute(select(waivers).where(ours))}
        keys = {waiver.key for waiver in written}
        gone = [
            row.id
            for row in rows.values()
            if row.key not in keys and WaiverState(row.state) not in _OVER
        ]
        if gone:
            end_waivers(connection, gone, WaiverState.WITHDRAWN, source.value, now)
        added = 0
        for waiver in written:
            row = rows.get(waiver.key)
            if row is not None and not _comes_back(row, waiver):
                continue
            added += 1
            if waiver.state is WaiverState.ACTIVE and not waiver.finding:
                waiver = replace(waiver, origin={**waiver.origin, UNDER_WAY: True})
            if row is not None:
                waiver = replace(waiver, id=row.id)
                _revive(connection, waiver)
            else:
                insert_waivers(connection, [waiver])
            if UNDER_WAY in waiver.origin:
                selecting.append(waiver)
            elif waiver.state is WaiverState.ACTIVE:
                refused += _put_into_force(connection, waiver, policy, now)
    apply_selectors(store, selecting, policy, now)
    return WaiversSynced(added, len(gone), tuple(refused))


def _same(before: Mapping[str, Row[Any]], written: Sequence[Waiver]) -> bool:
    """Whether there is nothing to do, which is so nearly every night."""
    alive = {key for key, row in before.items() if WaiverState(row.state) not in _OVER}
    now = {waiver.key: waiver for waiver in written}
    return alive <= set(now) and all(
        key in before and not _comes_back(before[key], waiver) for key, waiver in now.items()
    )


def _comes_back(row: Row[Any], waiver: Waiver) -> bool:
    """Whether an entry that was removed is written again; what a person has ended stays so."""
    removed = row.state == WaiverState.WITHDRAWN.value and row.ended_by == row.source
    return removed and waiver.state not in _OVER


def _revive(connection: Connection, waiver: Waiver) -> None:
    connection.execute(
        update(waivers)
        .where(waivers.c.id == waiver.id)
        .values(state=waiver.state.value, created_at=waiver.created_at, ended_at=None, ended_by="")
    )


def _put_into_force(
    connection: Connection, waiver: Waiver, policy: WaiverPolicy, now: datetime
) -> list[str]:
    """For one finding; gives why it holds nothing, where that is a mistake of the entry."""
    row = connection.execute(select(findings).where(findings.c.id == waiver.finding)).first()
    if row is None or row.state != State.OPEN.value:
        return []
    severity = Severity(row.severity)
    where = _place(waiver)
    if policy.too_long(waiver, severity):
        days = policy.longest_days[severity]
        return [f"{where}a {severity.value} finding may be waived for {days} days at most"]
    if policy.lacks_approval(waiver, severity):
        return [f"{where}a {severity.value} finding's waiver needs another's approval"]
    hold_targets(connection, [row.target_id])
    said = said_of(connection, [row.id]).get(row.id, [])
    begin_holds(connection, [begin(waiver.id, row.id, row.rank, said)], now)
    refresh_waived(connection, [row.id])
    return []


def _place(waiver: Waiver) -> str:
    path, line = waiver.origin.get("path"), waiver.origin.get("line")
    return f"{path}:{line}: " if path else ""


def resume_comments(store: Store, now: datetime) -> int:
    """Comments in scanned code count again, after a time in which they did not; gives how many."""
    paused = and_(
        waivers.c.source == Source.INLINE.value,
        waivers.c.state == WaiverState.WITHDRAWN.value,
        waivers.c.ended_by == Source.INLINE.value,
        waivers.c.expires_at > now,
    )
    with store.reading() as connection:
        if connection.execute(select(waivers.c.id).where(paused).limit(1)).first() is None:
            return 0
    with store.writing() as connection:
        names = connection.scalars(
            update(waivers)
            .where(paused)
            .values(state=WaiverState.ACTIVE.value, ended_at=None, ended_by="")
            .returning(waivers.c.id)
        ).all()
        refresh_waived(connection, held_findings(connection, names))
    return len(names)
