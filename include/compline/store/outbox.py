"""The outbox: deliveries wait until a channel takes them.

A delivery is claimed under a lease, so that a sender who dies gives it back. Its id never
changes: a channel that gets one twice can tell. Messages of one thread go out in their order:
while one waits, those after it are not due.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.rows import clean
from compline.store.schema import deliveries, threads
from compline.store.worse import RegressionView, list_regressions

__all__ = [
    "Delivery",
    "DeliveryView",
    "RegressionView",
    "claim_deliveries",
    "deliveries_about",
    "list_deliveries",
    "list_regressions",
    "mark_delivered",
    "mark_failed",
    "retry_delivery",
]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is ours to deliver until the lease ends."""

    id: str
    run: int | None
    channel: str
    subject: str
    payload: Mapping[str, Any]
    attempts: int
    """This one included."""
    thread: str
    """The delivery that began its thread; its own id where it is the first."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery as it stands."""

    id: str
    run: int | None
    channel: str
    subject: str
    state: str
    """`pending`, `delivered`, or `dead` when it was given up."""
    attempts: int
    not_before: datetime
    error: str
    """What the channel last said; of a delivered one, what is worth noting."""
    created_at: datetime
    delivered_at: datetime | None
    payload: Mapping[str, Any]
    rule: str = ""
    event: str = "opened"
    thread: str = ""


def claim_deliveries(
    store: Store,
    owner: str,
    now: datetime,
    *,
    lease_seconds: float = 120,
    limit: int = 50,
    without: Collection[str] = (),
) -> tuple[Delivery, ...]:
    """Due deliveries that are now ours, the oldest first; nobody else gets them until then.

    Args:
        store: where.
        owner: who claims; only it can mark them.
        now: the time.
        lease_seconds: how long they are ours; must outlast sending all of them.
        limit: how many at most.
        without: channels that are left alone.
    """
    earlier = deliveries.alias("earlier")
    blocked = (
        select(earlier.c.id)
        .where(
            earlier.c.thread == deliveries.c.thread,
            earlier.c.channel == deliveries.c.channel,
            earlier.c.state == "pending",
            or_(
                earlier.c.created_at < deliveries.c.created_at,
                and_(
                    earlier.c.created_at == deliveries.c.created_at,
                    earlier.c.id == earlier.c.thread,
                ),
            ),
            earlier.c.id != deliveries.c.id,
        )
        .exists()
    )
    due = (
        select(deliveries)
        .where(
            deliveries.c.state == "pending",
            deliveries.c.not_before <= now,
            or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until <= now),
            # What an earlier version has left has no thread.
            or_(deliveries.c.thread.in_([deliveries.c.id, ""]), ~blocked),
            deliveries.c.channel.not_in(sorted(without)),
        )
        .order_by(deliveries.c.created_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    with store.writing() as connection:
        rows = connection.execute(due).all()
        if rows:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id.in_([row.id for row in rows]))
                .values(
                    lease_owner=owner,
                    lease_until=now + timedelta(seconds=lease_seconds),
                    attempts=deliveries.c.attempts + 1,
                )
            )
    return tuple(
        Delivery(
            row.id,
            row.run_id,
            row.channel,
            row.subject,
            row.payload,
            row.attempts + 1,
            row.thread or row.id,
            row.created_at,
        )
        for row in rows
    )


def mark_delivered(
    store: Store, delivery: str, owner: str, now: datetime, *, note: str = ""
) -> bool:
    """The channel has taken it; False if our lease was lost to another sender meanwhile."""
    return _mark(
        store,
        delivery,
        owner,
        {"state": "delivered", "delivered_at": now, "error": clean(note)},
    )


def mark_failed(
    store: Store,
    delivery: str,
    owner: str,
    now: datetime,
    *,
    error: str,
    retry_at: datetime | None,
) -> bool:
    """The channel has refused it.

    Args:
        store: where.
        delivery: its id.
        owner: who has claimed it.
        now: the time of the refusal.
        error: what the channel said, without secrets.
        retry_at: when to try again; None gives it up, and it is listed as dead.
    """
    return _mark(
        store,
        delivery,
        owner,
        {
            "state": "dead" if retry_at is None else "pending",
            "not_before": retry_at or now,
            "error": clean(error),
        },
    )


def retry_delivery(store: Store, delivery: str, now: datetime) -> None:
    """Makes a delivery that waits or was given up due now.

    Raises:
        StoreError: there is none, or it was delivered.
    """
    with store.writing() as connection:
        done = connection.execute(
            update(deliveries)
            .where(deliveries.c.id == delivery, deliveries.c.state != "delivered")
            .values(state="pending", not_before=now)
        )
    if not done.rowcount:
        raise StoreError(f"no delivery {delivery!r} waits: see `compline alerts list`")


def retry_dead(store: Store, now: datetime) -> int:
    """Makes everything that was given up due now; gives how many."""
    with store.writing() as connection:
        done = connection.execute(
            update(deliveries)
            .where(deliveries.c.state == "dead")
            .values(state="pending", not_before=now)
        )
    return int(done.rowcount)


def list_deliveries(
    store: Store, *, state: str | None = None, limit: int = 100
) -> tuple[DeliveryView, ...]:
    """The newest deliveries first."""
    where = [] if state is None else [deliveries.c.state == state]
    return _views(store, where, limit)


def deliveries_about(store: Store, finding: str, limit: int = 100) -> tuple[DeliveryView, ...]:
    """The newest messages first that have told of this finding.

    A message that told of many is among them; in a thread that began with one, so are the others'.
    """
    about = or_(threads.c.subject == finding, threads.c.about == finding)
    roots = select(threads.c.root).where(about)
    told = or_(deliveries.c.thread.in_(roots), deliveries.c.subject == finding)
    return _views(store, [told], limit)


def count_dead(store: Store) -> dict[str, int]:
    """Channel to the number of deliveries that were given up."""
    query = (
        select(deliveries.c.channel, func.count().label("number"))
        .where(deliveries.c.state == "dead")
        .group_by(deliveries.c.channel)
    )
    with store.reading() as connection:
        return {row.channel: row.number for row in connection.execute(query)}


def _views(store: Store, where: list[ColumnElement[bool]], limit: int) -> tuple[DeliveryView, ...]:
    query = (
        select(deliveries)
        .where(*where)
        .order_by(deliveries.c.created_at.desc(), deliveries.c.id)
        .limit(limit)
    )
    with store.reading() as connection:
        return tuple(
            DeliveryView(
                row.id,
                row.run_id,
                row.channel,
                row.subject,
                row.state,
                row.attempts,
                row.not_before,
                row.error,
                row.created_at,
                row.delivered_at,
                row.payload,
                row.rule,
                row.event,
                row.thread or row.id,
            )
            for row in connection.execute(query)
        )


def _mark(store: Store, delivery: str, owner: str, values: Mapping[str, Any]) -> bool:
    mine: ColumnElement[bool] = (
        (deliveries.c.id == delivery)
        & (deliveries.c.lease_owner == owner)
        & (deliveries.c.state == "pending")
    )
    with store.writing() as connection:
        done = connection.execute(
            update(deliveries).where(mine).values(**values, lease_owner=None, lease_until=None)
        )
    return bool(done.rowcount)
