"""Alarms that no run sees, told once until they are over; and heartbeats."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from compline.findings.regressions import Regression
from compline.model import RegressionKind, Severity
from compline.store.handle import Store
from compline.store.rows import index_key
from compline.store.schema import alarms, pulses
from compline.store.write import write_regressions


@dataclass(frozen=True, slots=True)
class Pulse:
    """Something that happens again and again."""

    since: datetime
    """Its first time."""
    at: datetime
    """Its last."""


def raise_alarm(
    store: Store,
    kind: RegressionKind,
    subject: str,
    severity: Severity,
    title: str,
    detail: str,
    now: datetime,
) -> bool:
    """Tells that something is wrong, unless it has been told; gives whether it is news."""
    dialect = sqlite if store.dialect == "sqlite" else postgresql
    key = index_key(subject)
    with store.writing() as connection:
        made = connection.execute(
            dialect.insert(alarms)
            .values(kind=kind.value, subject=key, since=now)
            .on_conflict_do_nothing()
            .returning(alarms.c.kind)
        )
        if made.first() is None:
            return False
        regression = Regression(kind, "", "", key, severity, title, detail)
        write_regressions(connection, (regression,), run=None, target=None, now=now)
    return True


def end_alarm(store: Store, kind: RegressionKind, subject: str) -> bool:
    """It is well again; gives whether it was not before."""
    with store.writing() as connection:
        done = connection.execute(
            delete(alarms).where(
                alarms.c.kind == kind.value, alarms.c.subject == index_key(subject)
            )
        )
    return bool(done.rowcount)


def alarms_on(store: Store, kinds: Collection[RegressionKind]) -> dict[tuple[str, str], datetime]:
    """Kind and subject to since when, of what is not well."""
    query = select(alarms).where(alarms.c.kind.in_([kind.value for kind in kinds]))
    with store.reading() as connection:
        return {(row.kind, row.subject): row.since for row in connection.execute(query)}


def beat(store: Store, name: str, now: datetime) -> None:
    """It has happened."""
    dialect = sqlite if store.dialect == "sqlite" else postgresql
    statement = dialect.insert(pulses).values(name=index_key(name), since=now, at=now)
    with store.writing() as connection:
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"at": now})
        )


def pulse(store: Store, name: str) -> Pulse | None:
    """When it happened; None if it never did."""
    with store.reading() as connection:
        row = connection.execute(select(pulses).where(pulses.c.name == index_key(name))).first()
    return Pulse(row.since, row.at) if row is not None else None
