"""Makes the store's waivers those that are written elsewhere: in waivers.yaml, in ignore files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select, update

from compline.findings.waivers import Source, Waiver, WaiverPolicy, WaiverState, begin
from compline.model import Observation, Severity, State
from compline.store.handle import Store
from compline.store.rows import in_chunks
from compline.store.schema import findings, waivers
from compline.store.waived import begin_holds, hold_targets, insert_waivers, refresh_waived
from compline.store.waivers import apply_selector, end_waivers, said_of

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
        before = connection.execute(select(waivers.c.key, waivers.c.state).where(ours)).all()
    if _same({row.key: row.state for row in before}, written):
        return WaiversSynced(0, 0)
    refused = []
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
            if row is not None and not _comes_back(row.state, waiver):
                continue
            added += 1
            if row is not None:
                waiver = replace(waiver, id=row.id)
                _revive(connection, waiver)
            else:
                insert_waivers(connection, [waiver])
            problem = _put_into_force(connection, waiver, policy, now)
            if problem:
                refused.append(problem)
    return WaiversSynced(added, len(gone), tuple(refused))


def _same(before: dict[str, str], written: Sequence[Waiver]) -> bool:
    """Whether there is nothing to do, which is so nearly every night."""
    alive = {key for key, state in before.items() if WaiverState(state) not in _OVER}
    now = {waiver.key: waiver for waiver in written}
    return alive <= set(now) and all(
        key in before and not _comes_back(before[key], waiver) for key, waiver in now.items()
    )


def _comes_back(state: str, waiver: Waiver) -> bool:
    """Whether an entry that was removed is written again."""
    return state == WaiverState.WITHDRAWN.value and waiver.state not in _OVER


def _revive(connection: Connection, waiver: Waiver) -> None:
    connection.execute(
        update(waivers)
        .where(waivers.c.id == waiver.id)
        .values(state=waiver.state.value, created_at=waiver.created_at, ended_at=None, ended_by="")
    )


def _put_into_force(
    connection: Connection, waiver: Waiver, policy: WaiverPolicy, now: datetime
) -> str:
    """Gives why it holds nothing, where that is a mistake of an entry about one finding."""
    if waiver.state is not WaiverState.ACTIVE:
        return ""
    if not waiver.finding:
        apply_selector(connection, waiver, policy, now)
        return ""
    row = connection.execute(select(findings).where(findings.c.id == waiver.finding)).first()
    if row is None or row.state != State.OPEN.value:
        return ""
    severity = Severity(row.severity)
    if policy.too_long(waiver, severity):
        return (
            f"{waiver.finding} is {severity.value}, which may be waived for "
            f"{policy.longest_days[severity]} days at most"
        )
    if policy.lacks_approval(waiver, severity):
        return f"{waiver.finding} is {severity.value}: another person must approve it"
    hold_targets(connection, [row.target_id])
    said: Sequence[Observation] = said_of(connection, [row.id]).get(row.id, [])
    begin_holds(connection, [begin(waiver.id, row.id, row.rank, said)], now)
    refresh_waived(connection, [row.id])
    return ""


def known_findings(store: Store, names: Sequence[str]) -> set[str]:
    """Which of these are findings."""
    with store.reading() as connection:
        return {
            name
            for chunk in in_chunks(names)
            for name in connection.scalars(select(findings.c.id).where(findings.c.id.in_(chunk)))
        }
