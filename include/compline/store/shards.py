"""The plan of a run: shards with their jobs, claimed under leases, so that no task works twice.

The tasks of a workflow hand each other only a run and a number; a task that is retried asks
`recorded_pairs` what of its shard is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, update

from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.schema import ledger, runs, shards, targets


@dataclass(frozen=True, slots=True)
class ShardView:
    """Where one shard stands."""

    number: int
    state: str
    """`pending` or `done`."""
    owner: str
    """Who has claimed it last; empty if nobody has."""
    lease_until: datetime | None
    attempts: int
    """How often it was claimed by an owner who did not hold it."""


def save_plan(store: Store, run: int, payloads: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Keeps the run's shards and gives their number; a run's first plan stands.

    Raises:
        StoreError: there is no such run.
    """
    with store.writing() as connection:
        # The run's row is the lock: two planners of one run must not both write.
        found = connection.scalar(select(runs.c.id).where(runs.c.id == run).with_for_update())
        if found is None:
            raise StoreError(f"there is no run {run} to plan")
        known = connection.execute(
            select(func.count()).select_from(shards).where(shards.c.run_id == run)
        ).scalar_one()
        if known:
            return known
        if payloads:
            connection.execute(
                insert(shards),
                [
                    {
                        "run_id": run,
                        "number": number,
                        "payload": dict(payload),
                        "state": "pending",
                        "attempts": 0,
                        "planned_at": now,
                    }
                    for number, payload in enumerate(payloads)
                ],
            )
        return len(payloads)


def read_shard(store: Store, run: int, number: int) -> Mapping[str, Any]:
    """The shard's payload, as planned.

    Raises:
        StoreError: there is no such shard.
    """
    query = select(shards.c.payload).where(_is(run, number))
    with store.reading() as connection:
        payload: Mapping[str, Any] | None = connection.scalar(query)
    if payload is None:
        raise StoreError(f"run {run} has no shard {number}: plan it first")
    return payload


def claim_shard(
    store: Store, run: int, number: int, owner: str, now: datetime, seconds: float
) -> Mapping[str, Any] | None:
    """The payload if the shard is now ours; None if it is done or another owner is at it.

    Raises:
        StoreError: there is no such shard.
    """
    with store.writing() as connection:
        done = connection.execute(
            update(shards)
            .where(
                _is(run, number),
                shards.c.state == "pending",
                or_(
                    shards.c.owner.is_(None),
                    shards.c.owner == owner,
                    shards.c.lease_until <= now,
                ),
            )
            .values(
                owner=owner,
                lease_until=now + timedelta(seconds=seconds),
                attempts=shards.c.attempts + 1,
            )
        )
    payload = read_shard(store, run, number)
    return payload if done.rowcount else None


def heartbeat_shard(
    store: Store, run: int, number: int, owner: str, now: datetime, seconds: float
) -> bool:
    """Prolongs our claim; False if the shard was taken over, then stop working on it."""
    with store.writing() as connection:
        done = connection.execute(
            update(shards)
            .where(_is(run, number), shards.c.owner == owner, shards.c.state == "pending")
            .values(lease_until=now + timedelta(seconds=seconds))
        )
    return bool(done.rowcount)


def finish_shard(store: Store, run: int, number: int, owner: str, now: datetime) -> None:
    """Marks our shard as done; one that was taken over is left to its new owner."""
    with store.writing() as connection:
        connection.execute(
            update(shards)
            .where(_is(run, number), shards.c.owner == owner)
            .values(state="done", lease_until=None, done_at=now)
        )


def list_shards(store: Store, run: int) -> tuple[ShardView, ...]:
    """All shards of a run by number."""
    query = select(shards).where(shards.c.run_id == run).order_by(shards.c.number)
    with store.reading() as connection:
        return tuple(
            ShardView(row.number, row.state, row.owner or "", row.lease_until, row.attempts)
            for row in connection.execute(query)
        )


def recorded_pairs(store: Store, run: int) -> dict[tuple[str, str], str]:
    """What the run has recorded: (target, scanner) to its outcome.

    A retry does again what is missing or `failed`.
    """
    query = (
        select(targets.c.name, ledger.c.scanner, ledger.c.outcome)
        .join(targets, targets.c.id == ledger.c.target_id)
        .where(ledger.c.run_id == run)
    )
    with store.reading() as connection:
        return {(name, scanner): outcome for name, scanner, outcome in connection.execute(query)}


def _is(run: int, number: int) -> ColumnElement[bool]:
    return (shards.c.run_id == run) & (shards.c.number == number)
