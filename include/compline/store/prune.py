"""Lets go what is old and what nothing stands on any more, in many short transactions.

Findings, witnesses, targets, runs, manifests and waivers always stay, and so does all that a
finding's state is proved by: see `invariants`, which hold before and after. Killed in between, the
next time goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    select,
    tuple_,
    union,
)

from compline.findings.decision import EventKind
from compline.model import State
from compline.store.handle import Store
from compline.store.retention import standing_looks, young_runs
from compline.store.schema import (
    cache_results,
    deliveries,
    digest_entries,
    events,
    facts,
    findings,
    gap_sets,
    heads,
    leases,
    ledger,
    regressions,
    run_observations,
    runs,
    scan_keys,
    shards,
    threads,
)

_BATCH = 5_000
"""Rows in one transaction: others wait for it, on SQLite all of them."""

PASSING = frozenset(
    {
        *(EventKind.MOVED, EventKind.SEVERITY, EventKind.HELD),
        *(EventKind.WITNESS_ADDED, EventKind.WITNESS_GONE),
        *(EventKind.REOPENED, EventKind.RESOLVED),
    }
)
"""Kinds of events that a finding which was resolved long ago is not proved by, but for its last
resolution."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """What is older goes."""

    ledger: datetime
    events: datetime
    alerts: datetime
    cache: datetime
    keep_runs: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows of one sort went, or would."""

    what: str
    number: int


def old_runs(store: Store, cuts: Cuts) -> dict[int, frozenset[tuple[int, str]]]:
    """By old run the looks (target, scanner) of it that may go from the ledger.

    What stays however old: what a head, a kept look or the next night stands on, and of every
    open finding the looks that saw it first and last.
    """
    young = young_runs(store, cuts.ledger, cuts.keep_runs)
    standing = set(standing_looks(store, young))
    with store.reading() as connection:
        newest = select(heads.c.run_id, heads.c.target_id, heads.c.scanner)
        standing.update(tuple(row) for row in connection.execute(newest))
        everything = connection.scalars(select(runs.c.id).order_by(runs.c.id.desc())).all()
    found = {}
    for run in everything:
        if run in young:
            continue
        # From the newest to the oldest: what stays here keeps what it was reused from.
        with store.reading() as connection:
            rows = connection.execute(
                select(ledger.c.target_id, ledger.c.scanner, ledger.c.reused_from).where(
                    ledger.c.run_id == run
                )
            ).all()
        going = set()
        for row in rows:
            if (run, row.target_id, row.scanner) not in standing:
                going.add((row.target_id, row.scanner))
            elif row.reused_from is not None:
                standing.add((row.reused_from, row.target_id, row.scanner))
        if going:
            found[run] = frozenset(going)
    return found


def prune(
    store: Store,
    looks: Mapping[int, frozenset[tuple[int, str]]],
    cuts: Cuts,
    now: datetime,
    *,
    dry_run: bool,
) -> Iterator[Pruned]:
    """Removes everything that is old, sort by sort; a dry run only counts.

    Args:
        store: where.
        looks: as `old_runs` gave them; whoever lets go of ledger rows writes that down first.
        cuts: the limits.
        now: the time, for leases.
        dry_run: count only.
    """
    yield Pruned("looks in the ledger", _ledger(store, looks, dry_run=dry_run))
    yield Pruned("events of resolved findings", _events(store, cuts.events, dry_run=dry_run))
    old = sorted(looks)
    for what, table, condition in (
        ("statements of ad hoc runs", run_observations, run_observations.c.run_id.in_(old)),
        ("plans of finished runs", shards, and_(shards.c.run_id.in_(old), _ended(shards))),
        ("deliveries that were taken", deliveries, _taken(cuts.alerts)),
        ("regressions that were routed", regressions, _told(cuts.alerts)),
        ("facts that are gone", facts, facts.c.gone_at < cuts.events),
        ("leases that ran out", leases, leases.c.until < now),
        ("cached results", cache_results, cache_results.c.used < cuts.cache.date()),
    ):
        yield Pruned(what, _rows(store, table, condition, dry_run=dry_run))
    yield Pruned("gaps and ScanKeys of no look", _orphans(store, looks, dry_run=dry_run))


def _ledger(store: Store, looks: Mapping[int, frozenset[tuple[int, str]]], *, dry_run: bool) -> int:
    if not dry_run:
        for run, going in looks.items():
            ordered = sorted(going)
            with store.writing() as connection:
                for start in range(0, len(ordered), _BATCH):
                    chunk = ordered[start : start + _BATCH]
                    connection.execute(
                        delete(ledger).where(
                            ledger.c.run_id == run,
                            tuple_(ledger.c.target_id, ledger.c.scanner).in_(chunk),
                        )
                    )
    return sum(map(len, looks.values()))


def _events(store: Store, cut: datetime, *, dry_run: bool) -> int:
    """A page of findings after the other: theirs but what opened and what last resolved them."""
    later = events.alias("later")
    last = ~exists(
        select(later.c.id).where(
            later.c.finding_id == events.c.finding_id,
            later.c.kind == EventKind.RESOLVED.value,
            later.c.id > events.c.id,
        )
    )
    passing = and_(
        events.c.kind.in_([kind.value for kind in PASSING]),
        ~and_(events.c.kind == EventKind.RESOLVED.value, last),
    )
    number, after = 0, ""
    while True:
        page = (
            select(findings.c.id)
            .where(
                findings.c.id > after,
                findings.c.state == State.RESOLVED.value,
                findings.c.merged_into.is_(None),
                findings.c.resolved_at < cut,
            )
            .order_by(findings.c.id)
            .limit(_BATCH)
        )
        with store.reading() if dry_run else store.writing() as connection:
            # Held, so that nobody reopens one meanwhile.
            ids = connection.scalars(page if dry_run else page.with_for_update()).all()
            going = and_(events.c.finding_id.in_(ids), passing)
            if dry_run:
                number += connection.scalar(select(func.count()).where(going)) or 0
            else:
                number += connection.execute(delete(events).where(going)).rowcount
        if len(ids) < _BATCH:
            return number
        after = ids[-1]


def _ended(table: Table) -> ColumnElement[bool]:
    return exists(
        select(runs.c.id).where(runs.c.id == table.c.run_id, runs.c.finished.is_not(None))
    )


def _taken(cut: datetime) -> ColumnElement[bool]:
    """Deliveries of which nobody will speak again: of no open thread."""
    still = exists(
        select(threads.c.id).where(
            threads.c.root.in_([deliveries.c.thread, deliveries.c.id]), threads.c.state == "open"
        )
    )
    return and_(deliveries.c.state == "delivered", deliveries.c.delivered_at < cut, ~still)


def _told(cut: datetime) -> ColumnElement[bool]:
    """Regressions that no thread is about and no digest waits for."""
    waiting = exists(
        select(digest_entries.c.id).where(digest_entries.c.regression_id == regressions.c.id)
    )
    spoken_of = exists(select(threads.c.id).where(threads.c.about == regressions.c.subject))
    return and_(regressions.c.routed.is_(True), regressions.c.at < cut, ~waiting, ~spoken_of)


def _rows(store: Store, table: Table, condition: ColumnElement[bool], *, dry_run: bool) -> int:
    if dry_run:
        with store.reading() as connection:
            query = select(func.count()).select_from(table).where(condition)
            return connection.scalar(query) or 0
    keys = list(table.primary_key)
    some: Select[Any] = select(*keys).where(condition).limit(_BATCH)
    number = 0
    while True:
        with store.writing() as connection:
            batch = [tuple(row) for row in connection.execute(some)]
            if batch:
                # Once more with the condition: it may not hold any more.
                found = delete(table).where(tuple_(*keys).in_(batch), condition)
                number += connection.execute(found).rowcount
        if len(batch) < _BATCH:
            return number


def _orphans(
    store: Store, looks: Mapping[int, frozenset[tuple[int, str]]], *, dry_run: bool
) -> int:
    if dry_run:
        with store.reading() as connection:
            return sum(
                connection.scalar(select(func.count()).select_from(table).where(unused)) or 0
                for table, unused in _unused()
            )
    number = 0
    with store.writing() as connection:
        if store.dialect == "postgresql":
            # Whoever records puts his rows here before those that refer to them: he waits.
            connection.exec_driver_sql("LOCK TABLE scan_keys IN SHARE ROW EXCLUSIVE MODE")
            connection.exec_driver_sql("LOCK TABLE gap_sets IN SHARE ROW EXCLUSIVE MODE")
        for table, unused in _unused():
            number += connection.execute(delete(table).where(unused)).rowcount
    return number


def _unused() -> Iterator[tuple[Table, ColumnElement[bool]]]:
    for table, name in ((scan_keys, "scan_key"), (gap_sets, "gap_set")):
        used = union(
            *(select(one.c[name]).where(one.c[name].is_not(None)) for one in (ledger, heads))
        ).subquery()
        yield table, table.c.digest.not_in(select(used))
