"""Proves a store: every invariant is looked for something that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select, text, update

from compline.store.handle import Store
from compline.store.invariants import INVARIANTS, Invariant
from compline.store.schema import findings, targets
from compline.store.summary import SCANNERS, SIGHT, count_totals
from compline.store.waived import WAIVED_UNTIL, hold_targets

_SHOWN = 5
_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one invariant."""

    invariant: Invariant
    broken: int = 0
    """By how many rows, up to `most`."""
    examples: tuple[str, ...] = ()
    """The first of them, as `column=value`."""
    most: int = _COUNTED


def check(store: Store) -> Iterator[Checked]:
    """Every invariant that concerns this database, one after the other.

    Each is one statement, and so sees one state of the store; work may go on meanwhile.
    """
    for invariant in INVARIANTS:
        sql = invariant.sql(store.dialect)
        if sql is not None:
            with store.reading() as connection:
                yield _checked(connection, invariant, sql)


def _checked(connection: Connection, invariant: Invariant, sql: str) -> Checked:
    # A colon in it begins no parameter.
    plain = text(f"SELECT * FROM ({sql}) broken LIMIT {_COUNTED}".replace(":", r"\:"))
    found = connection.execute(plain)
    names = list(found.keys())
    rows = found.all()
    examples = tuple(
        " ".join(f"{name}={value}" for name, value in zip(names, row, strict=True))
        for row in rows[:_SHOWN]
    )
    return Checked(invariant, len(rows), examples)


def mend(store: Store) -> None:
    """Derives again what is derived, one short transaction for each target."""
    with store.reading() as connection:
        numbers = connection.scalars(select(targets.c.id).order_by(targets.c.id)).all()
    derived = text(
        f"UPDATE findings SET scanners = {SCANNERS[store.dialect]}, sight = {SIGHT}"
        " WHERE target_id = :target"
    )
    for number in numbers:
        with store.writing() as connection:
            hold_targets(connection, [number])
            connection.execute(derived, {"target": number})
            connection.execute(
                update(findings)
                .where(
                    findings.c.target_id == number,
                    findings.c.waived_until.is_distinct_from(WAIVED_UNTIL),
                )
                .values(waived_until=WAIVED_UNTIL)
            )
            count_totals(connection, number)
