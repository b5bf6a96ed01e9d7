"""Findings that turned out to be one, and those that a person tells apart again.

A merged finding stays as a redirect; the event of its merging names its witnesses of then, so that
it can have them back. Parted findings are never merged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from compline.findings.decision import EventKind
from compline.findings.known import KnownFinding, WitnessState
from compline.findings.parting import Half, part
from compline.model import RunResult
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.load import FINDING
from compline.store.rows import in_chunks, known_findings, known_witness
from compline.store.schema import events, findings, partings, runs, witnesses
from compline.store.summary import summarise
from compline.store.waived import hold_targets, refresh_waived
from compline.store.write import write_decision

PARTING = "parting"
"""The kind of a run that stands for a person's decision."""


@dataclass(frozen=True, slots=True)
class Parted:
    """What parting has done."""

    younger: str
    older: str
    witnesses: int
    """How many the younger one has back."""


def part_finding(store: Store, finding: str, *, by: str, now: datetime) -> Parted:
    """Gives a merged finding its own witnesses back, for good.

    Args:
        store: where.
        finding: the younger one's id, which redirects to the older.
        by: who says so.
        now: when.

    Raises:
        StoreError: there is no such finding, it was not merged, or nothing of it is left.
    """
    with store.writing() as connection:
        row = connection.execute(select(findings).where(findings.c.id == finding)).first()
        if row is None:
            raise StoreError(f"there is no finding {finding!r}: `compline findings` lists them")
        if row.merged_into is None:
            raise StoreError(_not_merged(connection, finding))
        older = str(row.merged_into)
        hold_targets(connection, [row.target_id])
        own = _given(connection, finding, older)
        _take_back(connection, finding, older, own)
        first, second = sorted((finding, older))
        connection.execute(insert(partings).values(first=first, second=second, by=by, at=now))
        run = connection.execute(
            insert(runs)
            .values(
                kind=PARTING,
                parameters={"finding": finding, "from": older, "by": by},
                started=now,
                finished=now,
                result=RunResult.CLEAN.value,
                summary={},
            )
            .returning(runs.c.id)
        ).scalar_one()
        halves = [_half(connection, one) for one in (finding, older)]
        decision = part(halves[0], halves[1], by)
        write_decision(connection, decision, run=run, target=row.target_id, at=now, now=now)
        summarise(connection, row.target_id, {finding, older})
        refresh_waived(connection, {finding, older})
    return Parted(finding, older, len(own))


def _not_merged(connection: Connection, finding: str) -> str:
    query = select(findings.c.id).where(findings.c.merged_into == finding).order_by(findings.c.id)
    into = connection.scalars(query).all()
    text = f"{finding} was not merged into another finding"
    return f"{text}; into it were merged: {', '.join(into)}" if into else text


def _given(connection: Connection, finding: str, older: str) -> list[int]:
    """The witnesses that the merged finding had, as far as they are where they went."""
    told = _last_merging(connection, finding)
    numbers = sorted(told.data.get("witnesses", ())) if told is not None else []
    own = [
        number
        for chunk in in_chunks(numbers)
        for number in connection.scalars(
            select(witnesses.c.id).where(witnesses.c.id.in_(chunk), witnesses.c.finding_id == older)
        )
    ]
    if not own:
        raise StoreError(f"none of the witnesses that {finding} had is left: nothing to part")
    return own


def _last_merging(connection: Connection, finding: str) -> Row[Any] | None:
    """The event by which the finding became a redirect."""
    query = (
        select(events.c.data)
        .where(events.c.finding_id == finding, events.c.kind == EventKind.MERGED.value)
        .order_by(events.c.id.desc())
    )
    return next((row for row in connection.execute(query) if "into" in row.data), None)


def _take_back(connection: Connection, finding: str, older: str, own: Sequence[int]) -> None:
    for chunk in in_chunks(own):
        connection.execute(
            update(witnesses).where(witnesses.c.id.in_(chunk)).values(finding_id=finding)
        )
    # What had been merged into it before goes with it: its witnesses were among its own.
    along = {finding}
    others = connection.scalars(select(findings.c.id).where(findings.c.merged_into == older)).all()
    into = {
        other: told.data["into"]
        for other in others
        if other != finding and (told := _last_merging(connection, other)) is not None
    }
    while found := {other for other, target in into.items() if target in along} - along:
        along |= found
    connection.execute(
        update(findings).where(findings.c.id.in_(along - {finding})).values(merged_into=finding)
    )
    connection.execute(update(findings).where(findings.c.id == finding).values(merged_into=None))


def _half(connection: Connection, finding: str) -> Half:
    query = select(*FINDING).where(findings.c.id == finding)
    known: KnownFinding = known_findings(connection.execute(query))[finding]
    rows = connection.execute(
        select(witnesses)
        .where(witnesses.c.finding_id == finding, witnesses.c.state != WitnessState.GONE.value)
        .order_by(witnesses.c.id)
    )
    return Half(known, tuple(known_witness(row).observation for row in rows))
