"""Facts as recorded: read for a comparison, and written where they have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from compline.codec import load_gaps
from compline.findings.facts import FactChange, Key, KnownFact, KnownFacts, key_of
from compline.model import Fact, RegressionKind
from compline.store.bulk import insert_rows
from compline.store.handle import Store
from compline.store.rows import clean, index_key
from compline.store.schema import facts, gap_sets, heads, targets


def load_facts(
    connection: Connection, target: int, scanners: Collection[str]
) -> Mapping[str, KnownFacts]:
    """By scanner, what its looks at the target have told; those that never told anything are not
    there."""
    found: defaultdict[str, dict[Key, KnownFact]] = defaultdict(dict)
    rows = connection.execute(
        select(facts).where(facts.c.target_id == target, facts.c.scanner.in_(sorted(scanners)))
    )
    for row in rows:
        fact = _fact(row)
        found[row.scanner][key_of(fact)] = KnownFact(fact, gone=row.gone_at is not None)
    bodies = connection.execute(
        select(heads.c.scanner, gap_sets.c.body)
        .join(gap_sets, gap_sets.c.digest == heads.c.gap_set)
        .where(heads.c.target_id == target, heads.c.scanner.in_(sorted(scanners)))
    ).all()
    gaps = {row.scanner: load_gaps(row.body) for row in bodies}
    return {
        scanner: KnownFacts(found.get(scanner, {}), gaps.get(scanner, ()))
        for scanner in {*found, *gaps}
    }


def write_facts(
    connection: Connection, changes: Sequence[FactChange], *, run: int, target: int, at: datetime
) -> None:
    """Writes what has changed, and nothing else.

    Args:
        connection: a writing transaction that holds the target.
        changes: of one target.
        run: the run that looked.
        target: the target's number.
        at: when it looked.
    """
    rows = [(change, _row(change, run, target, at)) for change in changes]
    insert_rows(connection, facts, [row for change, row in rows if change.new])
    changed = [row for change, row in rows if not change.new]
    if changed:
        keys = ("target_id", "scanner", "tells", "key")
        values = [column.name for column in facts.columns if column.name not in keys]
        statement = (
            update(facts)
            .where(*(facts.c[name] == bindparam(f"the_{name}") for name in keys))
            .values({name: bindparam(f"the_{name}") for name in values})
        )
        connection.execute(
            statement, [{f"the_{name}": row[name] for name in row} for row in changed]
        )


def forget_facts(connection: Connection, target: int) -> None:
    """The target's next look is a first look."""
    connection.execute(delete(facts).where(facts.c.target_id == target))


def standing_facts(connection: Connection, target: int, scanner: str) -> tuple[Fact, ...]:
    """What the last completed look has told, and what was kept of those before inside its gaps."""
    rows = connection.execute(
        select(facts).where(
            facts.c.target_id == target, facts.c.scanner == scanner, facts.c.gone_at.is_(None)
        )
    )
    return _sorted(map(_fact, rows))


def known_values(store: Store, target: str, scanner: str) -> Mapping[str, str]:
    """Subject to the value that was last recorded of a model, of what is gone as well."""
    query = (
        select(facts.c.subject, facts.c.value)
        .join(targets, targets.c.id == facts.c.target_id)
        .where(
            targets.c.name == target,
            facts.c.scanner == scanner,
            facts.c.tells == RegressionKind.MODEL_CHANGED.value,
        )
    )
    with store.reading() as connection:
        return {row.subject: row.value for row in connection.execute(query)}


def list_facts(store: Store, target: str) -> Mapping[str, tuple[Fact, ...]]:
    """By scanner, the facts that stand about a target."""
    query = (
        select(facts)
        .join(targets, targets.c.id == facts.c.target_id)
        .where(targets.c.name == target, facts.c.gone_at.is_(None))
    )
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    with store.reading() as connection:
        for row in connection.execute(query):
            found[row.scanner].append(_fact(row))
    return {scanner: _sorted(there) for scanner, there in sorted(found.items())}


def _sorted(there: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(sorted(there, key=lambda fact: (fact.tells.value, fact.subject)))


def _fact(row: Any) -> Fact:
    return Fact(RegressionKind(row.tells), row.subject, row.value, row.rank, row.title)


def _row(change: FactChange, run: int, target: int, at: datetime) -> dict[str, Any]:
    fact = change.fact
    return {
        "target_id": target,
        "scanner": change.scanner,
        "tells": fact.tells.value,
        "key": index_key(fact.subject),
        "subject": clean(fact.subject),
        "title": clean(fact.title),
        "value": clean(fact.value),
        "rank": fact.rank,
        "run_id": run,
        "since": at,
        "gone_at": at if change.gone else None,
    }
