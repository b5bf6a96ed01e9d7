"""What the store has recorded of single looks, to be held against their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from compline.codec import load_observation
from compline.findings.known import WitnessState
from compline.model import Fact, Observation
from compline.store.facts import standing_facts
from compline.store.handle import Store
from compline.store.schema import (
    heads,
    ledger,
    run_observations,
    scan_keys,
    targets,
    witnesses,
)


@dataclass(frozen=True, slots=True)
class RecordedLook:
    """One ledger row, and what was recorded of its observations, as far as that still stands."""

    target: str
    scanner: str
    outcome: str
    result: str
    reason: str
    run: int
    """The run that really scanned."""
    revision: str
    scan_key: str
    gap_set: str
    observations: int
    recorded: tuple[Observation, ...] | None
    """None where later looks have changed it."""
    facts: tuple[Fact, ...] | None
    """What stands of its facts; None where there is nothing to compare with."""
    where: str
    """`witnesses` or `its own list`; empty where there is nothing to compare with."""


def recorded_looks(store: Store, run: int) -> tuple[RecordedLook, ...]:
    """All rows of a run, by target and scanner."""
    query = (
        select(ledger, targets.c.name, scan_keys.c.digest.label("key"))
        .join(targets, targets.c.id == ledger.c.target_id)
        .outerjoin(scan_keys, scan_keys.c.digest == ledger.c.scan_key)
        .where(ledger.c.run_id == run)
        .order_by(targets.c.name, ledger.c.scanner)
    )
    with store.reading() as connection:
        found = []
        for row in connection.execute(query).all():
            scanned = int(row.reused_from or row.run_id)
            recorded, where = _recorded(connection, row.target_id, row.scanner, row.result, scanned)
            found.append(
                RecordedLook(
                    row.name,
                    row.scanner,
                    row.outcome,
                    row.result,
                    row.reason,
                    scanned,
                    row.revision,
                    row.key or "",
                    row.gap_set or "",
                    row.observations,
                    recorded,
                    standing_facts(connection, row.target_id, row.scanner)
                    if where == "witnesses"
                    else None,
                    where,
                )
            )
        return tuple(found)


def _recorded(
    connection: Connection, target: int, scanner: str, result: str, run: int
) -> tuple[tuple[Observation, ...] | None, str]:
    if result == "adhoc":
        query = select(run_observations.c.observation).where(
            run_observations.c.run_id == run,
            run_observations.c.target_id == target,
            # The numbers go through all scanners of a target.
            run_observations.c.scanner == scanner,
        )
        return _observations(list(connection.scalars(query))), "its own list"
    stands = connection.scalar(
        select(heads.c.scanned_run).where(
            heads.c.target_id == target, heads.c.scanner == scanner, heads.c.held_lost == 0
        )
    )
    if stands != run:
        return None, ""
    query = select(witnesses.c.observation).where(
        witnesses.c.target_id == target,
        witnesses.c.scanner == scanner,
        witnesses.c.state == WitnessState.SEEN.value,
    )
    return _observations(list(connection.scalars(query))), "witnesses"


def _observations(texts: Sequence[str]) -> tuple[Observation, ...]:
    return tuple(map(load_observation, texts))
