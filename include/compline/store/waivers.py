"""Waivers as people handle them: added, approved, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select, update

from compline.findings.waivers import (
    Source,
    Waiver,
    WaiverPolicy,
    WaiverState,
    begin,
)
from compline.model import Severity, State
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.rows import clean, in_chunks
from compline.store.schema import findings, waivers
from compline.store.waived import (
    begin_holds,
    held_findings,
    hold_targets,
    insert_waivers,
    refresh_waived,
    waiver_of,
)
from compline.store.waiver_scope import UNDER_WAY, apply_selectors, said_of
from compline.store.waiver_views import count_held, waiver_row


def add_waiver(
    store: Store, draft: Waiver, policy: WaiverPolicy, now: datetime
) -> tuple[Waiver, int]:
    """Adds a waiver, and puts it into force where it needs nobody's approval any more.

    Args:
        store: where.
        draft: of one finding or of a selector; its state is found out here.
        policy: who may waive what for how long.
        now: the time.

    Returns:
        The waiver, and how many open findings it holds.

    Raises:
        StoreError: there is no such open finding, or it may not be waived for so long.
    """
    if draft.finding:
        with store.writing() as connection:
            return _add_to_finding(connection, draft, policy, now)
    waits = policy.second_person and draft.approver in ("", draft.requester)
    state = WaiverState.PENDING if waits else WaiverState.ACTIVE
    made = replace(draft, state=state)
    with store.writing() as connection:
        if waits:
            insert_waivers(connection, [made])
            return made, 0
        insert_waivers(connection, [replace(made, origin={**made.origin, UNDER_WAY: True})])
    return made, apply_selectors(store, [made], policy, now).get(made.id, 0)


def approve_waiver(
    store: Store, name: str, by: str, policy: WaiverPolicy, now: datetime
) -> tuple[Waiver, int]:
    """Another person agrees: from now on the waiver is in force.

    Returns:
        The waiver, and how many open findings it holds.

    Raises:
        StoreError: there is no such waiver, it does not wait, or it is the requester's own.
    """
    with store.writing() as connection:
        row = waiver_row(connection, name)
        waiver = waiver_of(row)
        if waiver.state is not WaiverState.PENDING:
            raise StoreError(f"{name} does not wait for approval: it is {waiver.state.value}")
        if by == waiver.requester:
            raise StoreError(f"{name} was asked for by {by}: another person must approve it")
        made = replace(waiver, state=WaiverState.ACTIVE, approver=by)
        origin = {**waiver.origin, "approved_at": now.isoformat()}
        if not made.finding:
            origin[UNDER_WAY] = True
        connection.execute(
            update(waivers)
            .where(waivers.c.id == name)
            .values(state=made.state.value, approver=clean(by), origin=origin)
        )
        if made.finding:
            hold_targets(connection, _targets_of(connection, [made.finding]))
            refresh_waived(connection, [made.finding])
            return made, count_held(connection, made.id)
    return made, apply_selectors(store, [made], policy, now).get(made.id, 0)


def withdraw_waiver(store: Store, name: str, by: str, now: datetime) -> Waiver:
    """Takes the waiver back; its findings count again.

    Raises:
        StoreError: there is no such waiver, it is over, or it is written in waivers.yaml.
    """
    with store.writing() as connection:
        waiver = waiver_of(waiver_row(connection, name))
        if waiver.source is Source.FILE:
            raise StoreError(f"{name} is written in waivers.yaml: remove it there")
        if waiver.state not in (WaiverState.PENDING, WaiverState.ACTIVE):
            raise StoreError(f"{name} is over already: it is {waiver.state.value}")
        end_waivers(connection, [name], WaiverState.WITHDRAWN, by, now)
    return replace(waiver, state=WaiverState.WITHDRAWN)


def end_waivers(
    connection: Connection, names: Sequence[str], state: WaiverState, by: str, now: datetime
) -> set[str]:
    """Ends waivers in the caller's transaction; gives the findings that they held."""
    held = held_findings(connection, names)
    hold_targets(connection, _targets_of(connection, sorted(held)))
    for chunk in in_chunks(names):
        connection.execute(
            update(waivers)
            .where(waivers.c.id.in_(chunk))
            .values(state=state.value, ended_at=now, ended_by=clean(by))
        )
    refresh_waived(connection, held)
    return held


def _add_to_finding(
    connection: Connection, draft: Waiver, policy: WaiverPolicy, now: datetime
) -> tuple[Waiver, int]:
    row = connection.execute(select(findings).where(findings.c.id == draft.finding)).first()
    if row is not None and row.merged_into:
        row = connection.execute(select(findings).where(findings.c.id == row.merged_into)).first()
    if row is None:
        raise StoreError(f"there is no finding {draft.finding!r}: `compline findings` lists them")
    if row.state != State.OPEN.value:
        raise StoreError(f"{row.id} is resolved: there is nothing to waive")
    severity = Severity(row.severity)
    if policy.too_long(draft, severity):
        days = policy.longest_days[severity]
        raise StoreError(f"a {severity.value} finding may be waived for {days} days at most")
    waits = policy.lacks_approval(draft, severity)
    state = WaiverState.PENDING if waits else WaiverState.ACTIVE
    made = replace(draft, finding=row.id, state=state)
    hold_targets(connection, [row.target_id])
    said = tuple(said_of(connection, [row.id]).get(row.id, ()))
    insert_waivers(connection, [made])
    begin_holds(connection, [begin(made.id, row.id, row.rank, said)], now)
    refresh_waived(connection, [row.id])
    return made, 0 if waits else 1


def _targets_of(connection: Connection, names: Sequence[str]) -> list[int]:
    return sorted(
        {
            number
            for chunk in in_chunks(names)
            for number in connection.scalars(
                select(findings.c.target_id).where(findings.c.id.in_(chunk)).distinct()
            )
        }
    )
