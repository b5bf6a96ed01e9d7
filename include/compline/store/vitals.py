"""What tells whether Compline itself is well: how long things wait, and what happened last."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from compline.store.handle import Store
from compline.store.schema import (
    deliveries,
    digest_entries,
    heads,
    pulses,
    regressions,
    runs,
    targets,
)


def oldest_waiting(store: Store, now: datetime) -> tuple[datetime | None, int]:
    """Since when the oldest message waits for its channel or for being routed, and how many do.

    Quiet hours and digests do not count until they are over.
    """
    queries = (
        select(func.min(deliveries.c.created_at), func.count()).where(
            deliveries.c.state == "pending"
        ),
        select(func.min(regressions.c.at), func.count()).where(regressions.c.routed.is_(False)),
        select(func.min(digest_entries.c.due_at), func.count()).where(
            digest_entries.c.due_at <= now
        ),
    )
    with store.reading() as connection:
        rows = [connection.execute(query).one() for query in queries]
    since = min((first for first, _ in rows if first is not None), default=None)
    return since, sum(number for _, number in rows)


def advisory_dates(store: Store) -> dict[str, str]:
    """Scanner to the newest ISO date of the advisories that its last looks used."""
    query = (
        select(heads.c.scanner, func.max(heads.c.advisory_date).label("newest"))
        .join(targets, targets.c.id == heads.c.target_id)
        .where(heads.c.advisory_date != "", targets.c.state == "listed")
        .group_by(heads.c.scanner)
    )
    with store.reading() as connection:
        return {row.scanner: row.newest for row in connection.execute(query)}


def first_sign(store: Store) -> datetime | None:
    """Since when this store is in use: its first run or heartbeat."""
    with store.reading() as connection:
        signs = [
            connection.scalar(select(func.min(runs.c.started))),
            connection.scalar(select(func.min(pulses.c.since))),
        ]
    return min((sign for sign in signs if sign is not None), default=None)


def last_started(store: Store, kind: str) -> tuple[datetime, datetime | None] | None:
    """When the newest run of a schedule started and finished; None if there is none."""
    query = (
        select(runs.c.started, runs.c.finished)
        .where(runs.c.kind == kind)
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    with store.reading() as connection:
        row = connection.execute(query).first()
    return (row.started, row.finished) if row is not None else None
