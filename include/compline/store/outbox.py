"""The outbox: what got worse becomes deliveries, and deliveries wait until a channel takes them.

Both steps are transactions of their own. Regressions come with the change that they tell of
(`write`); routing writes deliveries and marks the regressions in one go; a delivery is claimed
under a lease, so that a sender who dies gives it back. The id of a delivery never changes: a
channel that gets one twice can tell.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, insert, or_, select, update

from compline.findings.regressions import Cause, Regression, RegressionKind
from compline.model import Severity
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.rows import clean, in_chunks
from compline.store.schema import deliveries, regressions, targets


@dataclass(frozen=True, slots=True)
class RegressionView:
    """A regression as recorded."""

    id: int
    run: int
    at: datetime
    routed: bool
    regression: Regression


@dataclass(frozen=True, slots=True)
class Draft:
    """A message for a channel."""

    channel: str
    subject: str
    """What the thread is about."""
    payload: Mapping[str, Any]
    """Plain JSON values, without secrets."""
    run: int | None = None


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
    created_at: datetime
    delivered_at: datetime | None
    payload: Mapping[str, Any]


def list_regressions(
    store: Store, *, run: int | None = None, limit: int | None = None
) -> tuple[RegressionView, ...]:
    """What got worse, the oldest first; of one run or the latest `limit` of all."""
    query = _regressions().order_by(regressions.c.id.desc())
    if run is not None:
        query = query.where(regressions.c.run_id == run)
    if limit is not None:
        query = query.limit(limit)
    with store.reading() as connection:
        return tuple(_regression(row) for row in reversed(connection.execute(query).all()))


def route_regressions(
    store: Store,
    router: Callable[[Sequence[RegressionView]], Iterable[Draft]],
    now: datetime,
    *,
    run: int | None = None,
) -> int:
    """Turns what nobody has routed yet into deliveries; gives how many.

    The router is called inside the transaction with everything that is unrouted, and may group,
    or drop, as it likes. If it raises, nothing has happened.
    """
    query = _regressions().where(regressions.c.routed.is_(False)).order_by(regressions.c.id)
    if run is not None:
        query = query.where(regressions.c.run_id == run)
    with store.writing() as connection:
        # Skips what another router is at (PostgreSQL; on SQLite there is one writer at a time).
        rows = connection.execute(query.with_for_update(skip_locked=True, of=regressions)).all()
        if not rows:
            return 0
        drafts = list(router([_regression(row) for row in rows]))
        if drafts:
            connection.execute(
                insert(deliveries),
                [
                    {
                        "id": str(uuid.uuid4()),
                        "run_id": run if draft.run is None else draft.run,
                        "channel": draft.channel,
                        "subject": clean(draft.subject),
                        "payload": dict(draft.payload),
                        "state": "pending",
                        "attempts": 0,
                        "not_before": now,
                        "error": "",
                        "created_at": now,
                    }
                    for draft in drafts
                ],
            )
        for chunk in in_chunks([row.id for row in rows]):
            connection.execute(
                update(regressions).where(regressions.c.id.in_(chunk)).values(routed=True)
            )
    return len(drafts)


def claim_deliveries(
    store: Store, owner: str, now: datetime, *, lease_seconds: float = 120, limit: int = 50
) -> tuple[Delivery, ...]:
    """Due deliveries that are now ours, the oldest first; nobody else gets them until then."""
    due = (
        select(deliveries)
        .where(
            deliveries.c.state == "pending",
            deliveries.c.not_before <= now,
            or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until <= now),
        )
        .order_by(deliveries.c.created_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
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
        Delivery(row.id, row.run_id, row.channel, row.subject, row.payload, row.attempts + 1)
        for row in rows
    )


def mark_delivered(store: Store, delivery: str, owner: str, now: datetime) -> bool:
    """The channel has taken it; False if our lease was lost to another sender meanwhile."""
    return _mark(
        store,
        delivery,
        owner,
        {"state": "delivered", "delivered_at": now, "error": ""},
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


def list_deliveries(
    store: Store, *, state: str | None = None, limit: int = 100
) -> tuple[DeliveryView, ...]:
    """The newest deliveries first."""
    query = select(deliveries).order_by(deliveries.c.created_at.desc(), deliveries.c.id)
    if state is not None:
        query = query.where(deliveries.c.state == state)
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
            )
            for row in connection.execute(query.limit(limit))
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


def _regressions() -> Select[Any]:
    return select(regressions, targets.c.name.label("target")).outerjoin(
        targets, targets.c.id == regressions.c.target_id
    )


def _regression(row: Any) -> RegressionView:
    return RegressionView(
        row.id,
        row.run_id,
        row.at,
        row.routed,
        Regression(
            RegressionKind(row.kind),
            row.target or "",
            row.scanner,
            row.subject,
            Severity(row.severity) if row.severity else None,
            row.title,
            row.detail,
            Cause.from_json(row.cause),
        ),
    )
