"""Waivers as people handle them: added, approved, withdrawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from compline.codec import load_observation
from compline.findings.waivers import (
    Selector,
    Source,
    Waiver,
    WaiverPolicy,
    WaiverState,
    begin,
)
from compline.model import Observation, Severity, State
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.load import PRESENT
from compline.store.rows import clean, in_chunks
from compline.store.schema import findings, targets, waivers, witnesses
from compline.store.waived import (
    begin_holds,
    held_findings,
    hold_targets,
    insert_waivers,
    refresh_waived,
    waiver_of,
)
from compline.store.waiver_views import count_held, waiver_row

_ODD = frozenset('*?["\\')
"""What makes a rule more than the text that it is in an observation's JSON."""


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
    with store.writing() as connection:
        if draft.finding:
            return _add_to_finding(connection, draft, policy, now)
        waits = policy.second_person and draft.approver in ("", draft.requester)
        state = WaiverState.PENDING if waits else WaiverState.ACTIVE
        made = replace(draft, state=state)
        insert_waivers(connection, [made])
        return made, 0 if waits else apply_selector(connection, made, policy, now)


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
        connection.execute(
            update(waivers)
            .where(waivers.c.id == name)
            .values(state=made.state.value, approver=clean(by), origin=origin)
        )
        if not made.finding:
            return made, apply_selector(connection, made, policy, now)
        hold_targets(connection, _targets_of(connection, [made.finding]))
        refresh_waived(connection, [made.finding])
        return made, count_held(connection, made.id)


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


def apply_selector(
    connection: Connection, waiver: Waiver, policy: WaiverPolicy, now: datetime
) -> int:
    """Puts a selector's waiver into force for the open findings that it fits; gives how many."""
    fitting = [
        row.id
        for row in connection.execute(select(targets.c.id, targets.c.name, targets.c.labels))
        if waiver.selector.fits_target(row.name, row.labels)
    ]
    # Also where nothing fits yet: a record under way must not miss the waiver.
    hold_targets(connection, fitting)
    begun = []
    for chunk in in_chunks(fitting, 500):
        for finding, severity, said in _candidates(connection, waiver.selector, chunk):
            if waiver.selector.fits(said) and policy.allows(waiver, severity):
                begun.append(begin(waiver.id, finding, severity.rank, said))
    begin_holds(connection, begun, now)
    refresh_waived(connection, {item.finding for item in begun})
    return len(begun)


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


def _candidates(
    connection: Connection, selector: Selector, numbers: Sequence[int]
) -> Iterator[tuple[str, Severity, list[Observation]]]:
    """Open findings of these targets that the selector may fit, with all that is said of them."""
    query = (
        select(findings.c.id, findings.c.severity)
        .join(witnesses, witnesses.c.finding_id == findings.c.id)
        .where(
            findings.c.target_id.in_(numbers),
            findings.c.state == State.OPEN.value,
            findings.c.merged_into.is_(None),
            witnesses.c.state.in_(PRESENT),
        )
        .distinct()
        .order_by(findings.c.id)
    )
    if selector.rules and not any(_ODD & set(rule) for rule in selector.rules):
        query = query.where(
            or_(*(witnesses.c.observation.contains(one, autoescape=True) for one in selector.rules))
        )
    for chunk in in_chunks(connection.execute(query).all(), 1_000):
        said = said_of(connection, [row.id for row in chunk])
        for row in chunk:
            yield row.id, Severity(row.severity), said[row.id]


def said_of(connection: Connection, names: Sequence[str]) -> dict[str, list[Observation]]:
    """What the present witnesses of these findings say."""
    said: dict[str, list[Observation]] = {}
    query = (
        select(witnesses.c.finding_id, witnesses.c.observation)
        .where(witnesses.c.finding_id.in_(names), witnesses.c.state.in_(PRESENT))
        .order_by(witnesses.c.id)
    )
    for finding, observation in connection.execute(query):
        said.setdefault(finding, []).append(load_observation(observation))
    return said


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
