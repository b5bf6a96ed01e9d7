"""Named locks that expire: whoever dies holding one loses it, and nobody waits for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from compline.store.handle import Store
from compline.store.schema import leases


def acquire(store: Store, name: str, owner: str, now: datetime, seconds: float) -> bool:
    """Takes or prolongs the lease; False while another owner's has not expired.

    Leave a margin: the lease must outlast the longest time between two renewals by more than
    the clocks of the machines differ.
    """
    until = now + timedelta(seconds=seconds)
    dialect = sqlite if store.dialect == "sqlite" else postgresql
    statement = dialect.insert(leases).values(name=name, owner=owner, until=until)
    with store.writing() as connection:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"],
                set_={"owner": owner, "until": until},
                where=or_(leases.c.owner == owner, leases.c.until <= now),
            )
        )
        return connection.scalar(select(leases.c.owner).where(leases.c.name == name)) == owner


def renew(store: Store, name: str, owner: str, now: datetime, seconds: float) -> bool:
    """Prolongs a lease that is still ours; False if it was lost, then stop working on it."""
    with store.writing() as connection:
        done = connection.execute(
            update(leases)
            .where(leases.c.name == name, leases.c.owner == owner)
            .values(until=now + timedelta(seconds=seconds))
        )
    return bool(done.rowcount)


def release(store: Store, name: str, owner: str) -> None:
    """Gives the lease back; one that was lost meanwhile is left to its new owner."""
    with store.writing() as connection:
        connection.execute(delete(leases).where(leases.c.name == name, leases.c.owner == owner))
