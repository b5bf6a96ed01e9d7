"""Which waivers are in force for which findings: read for a record, written with it.

`findings.waived_until` is derived from `waived` and `waivers`; whoever changes these calls
`refresh_waived` in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from compline.findings.acceptance import Acceptances, WaiverChanges
from compline.findings.waivers import Selector, Source, Void, Waived, Waiver, WaiverState
from compline.store.rows import clean, in_chunks
from compline.store.schema import findings, targets, waived, waivers


def load_acceptances(
    connection: Connection, target: int, name: str, labels: Mapping[str, str]
) -> Acceptances:
    """The waivers that matter for one target."""
    active = [waiver_of(row) for row in connection.execute(_SELECTING)]
    rows = connection.execute(_HOLDS, {"target": target}).all()
    holds: dict[str, list[Waived]] = defaultdict(list)
    for row in rows:
        holds[row.finding_id].append(hold_of(row))
    named = sorted({row.waiver_id for row in rows})
    holding = {
        row.id: waiver_of(row)
        for chunk in in_chunks(named)
        for row in connection.execute(select(waivers).where(waivers.c.id.in_(chunk)))
    }
    return Acceptances(
        tuple(one for one in active if one.selector.fits_target(name, labels)),
        holding,
        {finding: tuple(items) for finding, items in holds.items()},
    )


_SELECTING = (
    select(waivers)
    .where(waivers.c.state == WaiverState.ACTIVE.value, waivers.c.finding_id.is_(None))
    .order_by(waivers.c.id)
)
_HOLDS = (
    select(waived)
    .join(findings, findings.c.id == waived.c.finding_id)
    .where(findings.c.target_id == bindparam("target"))
    .order_by(waived.c.waiver_id)
)


def write_waiver_changes(connection: Connection, changes: WaiverChanges, now: datetime) -> None:
    """Writes what a record does to waivers, and nothing else."""
    insert_waivers(connection, changes.made)
    begin_holds(connection, changes.begun, now, again=True)
    if changes.voided:
        connection.execute(
            update(waived)
            .where(
                waived.c.waiver_id == bindparam("by"), waived.c.finding_id == bindparam("finding")
            )
            .values(voided_at=now, void_reason=bindparam("why")),
            [
                {"by": item.waiver, "finding": item.finding, "why": item.void}
                for item in changes.voided
            ],
        )
    refresh_waived(connection, {item.finding for item in (*changes.begun, *changes.voided)})


def insert_waivers(connection: Connection, new: Sequence[Waiver]) -> None:
    """New waivers."""
    if new:
        connection.execute(
            insert(waivers),
            [
                {
                    "id": item.id,
                    "source": item.source.value,
                    "key": item.key or None,
                    "finding_id": item.finding or None,
                    "selector": item.selector.as_json(),
                    "reason": clean(item.reason),
                    "owner": clean(item.owner),
                    "requester": clean(item.requester),
                    "approver": clean(item.approver),
                    "origin": dict(item.origin),
                    "created_at": item.created_at,
                    "expires_at": item.expires_at,
                    "state": item.state.value,
                    "ended_by": "",
                }
                for item in new
            ],
        )


def begin_holds(
    connection: Connection, begun: Sequence[Waived], now: datetime, *, again: bool = False
) -> None:
    """New holds; one that is there already stays as it is, or stands again."""
    if not begun:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(waived)
    keys = [waived.c.waiver_id, waived.c.finding_id]
    if again:
        stands = {"voided_at": None, "void_reason": ""}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=stands)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(
        statement,
        [
            {
                "waiver_id": item.waiver,
                "finding_id": item.finding,
                "since": now,
                "rank": item.rank,
                "code": [list(pair) for pair in item.code],
                "voided_at": None,
                "void_reason": "",
            }
            for item in begun
        ],
    )


def refresh_waived(connection: Connection, changed: Collection[str]) -> None:
    """Brings `findings.waived_until` of these findings up to what is in force."""
    for chunk in in_chunks(sorted(changed)):
        connection.execute(
            update(findings).where(findings.c.id.in_(chunk)).values(waived_until=WAIVED_UNTIL)
        )


WAIVED_UNTIL = (
    select(func.max(waivers.c.expires_at))
    .join(waived, waived.c.waiver_id == waivers.c.id)
    .where(
        waived.c.finding_id == findings.c.id,
        waived.c.voided_at.is_(None),
        waivers.c.state == WaiverState.ACTIVE.value,
    )
    .correlate(findings)
    .scalar_subquery()
)
"""What `findings.waived_until` must be, within a statement on findings."""


def held_findings(connection: Connection, names: Sequence[str]) -> set[str]:
    """The findings that these waivers hold, or held."""
    return {
        finding
        for chunk in in_chunks(names)
        for finding in connection.scalars(
            select(waived.c.finding_id).where(waived.c.waiver_id.in_(chunk))
        )
    }


def hold_targets(connection: Connection, numbers: Sequence[int]) -> None:
    """Makes whoever is about to record at one of these decide again, from what stands now."""
    for chunk in in_chunks(sorted(numbers)):
        # In one order for everybody, so that two writers cannot block each other for ever.
        connection.execute(
            select(targets.c.id)
            .where(targets.c.id.in_(chunk))
            .order_by(targets.c.id)
            .with_for_update()
        ).all()
        connection.execute(
            update(targets).where(targets.c.id.in_(chunk)).values(version=targets.c.version + 1)
        )


def waiver_of(row: Any) -> Waiver:
    """A row of `waivers`."""
    return Waiver(
        row.id,
        Source(row.source),
        WaiverState(row.state),
        row.reason,
        row.owner,
        row.created_at,
        row.expires_at,
        row.finding_id or "",
        Selector.from_json(row.selector),
        row.requester,
        row.approver,
        row.key or "",
        row.origin,
    )


def hold_of(row: Any) -> Waived:
    """A row of `waived`."""
    void = Void(row.void_reason) if row.voided_at is not None else None
    code = tuple((version, value) for version, value in row.code)
    return Waived(row.waiver_id, row.finding_id, row.rank, code, void)
