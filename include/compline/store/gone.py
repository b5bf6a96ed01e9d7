"""A target that nobody lists for long is gone, and its findings are resolved with it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, delete, insert, or_, select, update

from compline.findings.decision import EventKind
from compline.findings.known import WitnessState
from compline.model import State
from compline.store.facts import forget_facts
from compline.store.handle import Store
from compline.store.links import forget_links
from compline.store.load import PRESENT
from compline.store.rows import in_chunks
from compline.store.schema import events, findings, heads, links, targets, witnesses
from compline.store.summary import summarise
from compline.store.waived import hold_targets

TARGET_GONE = "target gone"
"""The cause of such a resolution."""


def resolve_gone(store: Store, run: int, now: datetime, limit: datetime) -> int:
    """Resolves what targets that vanished before the limit have open; gives how many findings.

    Their heads, facts and links go too: should one be listed again, its next look is a first look.
    """
    gone = and_(targets.c.state == "vanished", targets.c.vanished_at < limit)
    left = and_(findings.c.target_id == targets.c.id, findings.c.state == State.OPEN.value)
    seen = select(links.c.id).where(links.c.target_id == targets.c.id)
    query = select(targets.c.id).where(
        gone, or_(select(findings.c.id).where(left).exists(), seen.exists())
    )
    with store.reading() as connection:
        numbers = connection.scalars(query.order_by(targets.c.id)).all()
    return sum(_resolve_target(store, run, number, now) for number in numbers)


def _resolve_target(store: Store, run: int, number: int, now: datetime) -> int:
    own = witnesses.c.target_id == number
    last_seen = (
        select(heads.c.completed_at)
        .where(heads.c.target_id == number, heads.c.scanner == witnesses.c.scanner)
        .scalar_subquery()
    )
    with store.writing() as connection:
        hold_targets(connection, [number])
        listed = select(targets.c.id).where(targets.c.id == number, targets.c.state == "listed")
        if connection.execute(listed).first() is not None:
            return 0  # it is back
        connection.execute(
            update(witnesses)
            .where(own, witnesses.c.state == WitnessState.SEEN.value)
            .values(last_seen=last_seen)
        )
        connection.execute(
            update(witnesses)
            .where(own, witnesses.c.state.in_(PRESENT))
            .values(state=WitnessState.GONE.value)
        )
        resolved = connection.scalars(
            update(findings)
            .where(
                findings.c.target_id == number,
                findings.c.state == State.OPEN.value,
                findings.c.merged_into.is_(None),
            )
            .values(
                state=State.RESOLVED.value, resolved_run=run, resolved_at=now, cause=TARGET_GONE
            )
            .returning(findings.c.id)
        ).all()
        for chunk in in_chunks(sorted(resolved)):
            connection.execute(
                insert(events),
                [
                    {
                        "finding_id": finding,
                        "run_id": run,
                        "at": now,
                        "kind": EventKind.RESOLVED.value,
                        "data": {"cause": TARGET_GONE},
                    }
                    for finding in chunk
                ],
            )
        summarise(connection, number, resolved)
        connection.execute(delete(heads).where(heads.c.target_id == number))
        forget_links(connection, number)
        forget_facts(connection, number)
    return len(resolved)
