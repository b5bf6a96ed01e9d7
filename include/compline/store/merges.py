"""Findings that turned out to be one: the younger becomes a redirect to the older."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select, update

from compline.findings.decision import Event, EventKind
from compline.store.schema import findings, witnesses


def merge(
    connection: Connection, merged: Sequence[tuple[str, str]], told: Sequence[Event]
) -> tuple[Event, ...]:
    """Moves the younger ones' witnesses, gone ones too, to the older.

    Args:
        connection: a writing transaction that holds the target.
        merged: (younger, older) ids.
        told: the events of the decision.

    Returns:
        The events; those of the younger ones name the witnesses that were their own, so that
        both can be parted again.
    """
    own = {younger: _merge_one(connection, younger, older) for younger, older in merged}
    return tuple(
        replace(event, data={**event.data, "witnesses": own[event.finding]})
        if event.kind is EventKind.MERGED and "into" in event.data
        else event
        for event in told
    )


def _merge_one(connection: Connection, younger: str, older: str) -> list[int]:
    own = connection.scalars(
        select(witnesses.c.id).where(witnesses.c.finding_id == younger).order_by(witnesses.c.id)
    ).all()
    connection.execute(
        update(witnesses).where(witnesses.c.finding_id == younger).values(finding_id=older)
    )
    connection.execute(
        update(findings)
        .where((findings.c.id == younger) | (findings.c.merged_into == younger))
        .values(merged_into=older)
    )
    return list(own)
