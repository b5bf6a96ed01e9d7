"""What waits: for a channel's next digest, or for the end of its quiet hours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from compline.store.rows import in_chunks
from compline.store.schema import digest_entries
from compline.store.worse import RegressionView, read_regressions


@dataclass(frozen=True, slots=True)
class Waiting:
    """One regression that a channel is to be told of later."""

    id: int
    channel: str
    rule: str
    due_at: datetime
    view: RegressionView


@dataclass(frozen=True, slots=True)
class Wait:
    """The order to wait."""

    channel: str
    rule: str
    regression: int
    due_at: datetime


def due_entries(connection: Connection, now: datetime) -> tuple[Waiting, ...]:
    """What has waited long enough, in the order in which it got worse."""
    query = (
        select(digest_entries)
        .where(digest_entries.c.due_at <= now)
        .order_by(digest_entries.c.regression_id, digest_entries.c.id)
    )
    rows: Sequence[Any] = connection.execute(query).all()
    views = {
        view.id: view
        for chunk in in_chunks(sorted({row.regression_id for row in rows}))
        for view in read_regressions(connection, ids=chunk)
    }
    return tuple(
        Waiting(row.id, row.channel, row.rule, row.due_at, views[row.regression_id]) for row in rows
    )


def write_waits(connection: Connection, waits: Sequence[Wait]) -> None:
    """Keeps them until they are due."""
    if waits:
        connection.execute(
            insert(digest_entries),
            [
                {
                    "channel": one.channel,
                    "rule": one.rule,
                    "regression_id": one.regression,
                    "due_at": one.due_at,
                }
                for one in waits
            ],
        )


def drop_entries(connection: Connection, ids: Iterable[int]) -> None:
    """They are on their way, or no longer of interest."""
    for chunk in in_chunks(sorted(ids)):
        connection.execute(delete(digest_entries).where(digest_entries.c.id.in_(chunk)))
