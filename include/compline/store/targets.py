"""What the organisation has: targets come, are listed, vanish; their findings are never deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from compline.findings.regressions import target_vanished
from compline.model import State, Target, TargetKind
from compline.store.handle import Store
from compline.store.schema import targets, totals
from compline.store.write import write_regressions


@dataclass(frozen=True, slots=True)
class Synced:
    """What discovery changed, by name."""

    added: tuple[str, ...]
    vanished: tuple[str, ...]
    """Listed before, not any more; their findings stay as they are."""
    returned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target as the store knows it."""

    name: str
    kind: TargetKind
    locator: str
    ref: str
    labels: Mapping[str, str]
    state: str
    """`listed`, `vanished`, or `adhoc` for what was only ever scanned by hand."""
    first_seen: datetime
    vanished_at: datetime | None
    reaches: tuple[str, ...]
    """Values of the label that tells exposure, of whatever depends on it."""


def sync_targets(
    store: Store, found: Sequence[Target], now: datetime, *, run: int | None = None
) -> Synced:
    """Makes the listed targets exactly those found; what is gone is marked as vanished, and told.

    Args:
        store: where.
        found: everything that is listed now.
        now: the time.
        run: in whose name it is told.
    """
    with store.writing() as connection:
        known = {row.name: row for row in connection.execute(select(targets))}
        added, returned = [], []
        for target in found:
            row = known.get(target.name)
            values = _values(target) | {"state": "listed", "vanished_at": None}
            if row is None:
                _insert(connection, target, "listed", now)
                added.append(target.name)
                continue
            if row.state != "listed":
                returned.append(target.name)
            if any(getattr(row, name) != value for name, value in values.items()):
                connection.execute(update(targets).where(targets.c.id == row.id).values(values))
        names = {target.name for target in found}
        vanished = [
            row for row in known.values() if row.state == "listed" and row.name not in names
        ]
        if vanished:
            connection.execute(
                update(targets)
                .where(targets.c.id.in_([row.id for row in vanished]))
                .values(state="vanished", vanished_at=now)
            )
            for row in vanished:
                worse = target_vanished(row.name, _open_findings(connection, row.id))
                write_regressions(connection, (worse,), run=run, target=row.id, now=now)
    return Synced(tuple(added), tuple(row.name for row in vanished), tuple(returned))


def list_targets(store: Store, *, adhoc: bool = False) -> tuple[TargetRow, ...]:
    """The targets by name: listed and vanished ones, and on demand those only scanned by hand."""
    query = select(targets).order_by(targets.c.name)
    if not adhoc:
        query = query.where(targets.c.state != "adhoc")
    with store.reading() as connection:
        return tuple(
            TargetRow(
                row.name,
                TargetKind(row.kind),
                row.locator,
                row.ref,
                row.labels,
                row.state,
                row.first_seen,
                row.vanished_at,
                tuple(row.reaches),
            )
            for row in connection.execute(query)
        )


def ensure_adhoc(connection: Connection, target: Target, now: datetime) -> int:
    """The target's number, its row held until the transaction ends.

    One that is not listed gets a row of its own, which no list shows.
    """
    query = select(targets.c.id).where(targets.c.name == target.name).with_for_update()
    number = connection.scalar(query)
    if number is None:
        _insert(connection, target, "adhoc", now)
        number = connection.scalar(query)
    if number is None:
        raise RuntimeError(f"the target {target.name} vanished while it was written")
    return int(number)


def _open_findings(connection: Connection, target: int) -> int:
    query = select(func.sum(totals.c.number)).where(
        totals.c.target_id == target, totals.c.state == State.OPEN.value
    )
    return int(connection.scalar(query) or 0)


def _insert(connection: Connection, target: Target, state: str, now: datetime) -> None:
    """A new row, unless another process has made it just now."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = _values(target) | {"state": state, "version": 0, "first_seen": now}
    connection.execute(dialect.insert(targets).values(values).on_conflict_do_nothing())


def _values(target: Target) -> dict[str, object]:
    return {
        "name": target.name,
        "kind": target.kind.value,
        "locator": target.locator,
        "ref": target.ref,
        "labels": dict(target.labels),
    }
