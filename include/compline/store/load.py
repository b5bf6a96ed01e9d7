"""What is known of one target, read for a record: heads, witnesses, findings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from compline.findings.known import Head, KnownFinding, KnownWitness, WitnessState
from compline.model import Observation
from compline.store.errors import StoreError
from compline.store.rows import head, in_chunks, known_findings, known_witness, recall_keys
from compline.store.schema import (
    findings,
    heads,
    ledger,
    partings,
    runs,
    scan_keys,
    targets,
    witnesses,
)

PRESENT = tuple(state.value for state in WitnessState if state is not WitnessState.GONE)

_WITNESS = (
    witnesses.c.id,
    witnesses.c.finding_id,
    witnesses.c.state,
    witnesses.c.observation,
    witnesses.c.last_seen,
)

FINDING = (
    findings.c.id,
    findings.c.kind,
    findings.c.state,
    findings.c.severity,
    findings.c.confidence,
    findings.c.title,
    findings.c.first_seen,
    findings.c.opened_at,
    findings.c.risk,
    findings.c.due_at,
)
"""What `rows.known_findings` reads."""


@dataclass(frozen=True, slots=True)
class TargetState:
    """One target as it stood at a version; a record made from it holds only if that stands."""

    number: int
    version: int
    labels: Mapping[str, str]
    reaches: Sequence[str]
    """Values of the label that tells exposure, of whatever depends on the target."""
    heads: Mapping[str, Head]
    """By scanner."""
    head_runs: Mapping[str, int]
    """The run of each head's newest look."""
    recorded: Mapping[str, str]
    """This run's ledger so far: scanner to outcome."""


def load_target(connection: Connection, name: str, run: int) -> TargetState:
    """The target's state without its witnesses.

    Raises:
        StoreError: there is no such target or run.
    """
    # The version is read first: a change that comes between the statements raises it.
    row = connection.execute(
        select(
            targets.c.id,
            targets.c.version,
            targets.c.labels,
            targets.c.reaches,
            select(runs.c.id).where(runs.c.id == run).scalar_subquery().label("run"),
        ).where(targets.c.name == name)
    ).first()
    if row is None:
        raise StoreError(f"there is no target {name!r}: sync the targets first")
    if row.run is None:
        raise StoreError(f"there is no run {run}: start it first")
    known = connection.execute(
        select(heads, scan_keys)
        .outerjoin(scan_keys, scan_keys.c.digest == heads.c.scan_key)
        .where(heads.c.target_id == row.id)
    ).all()
    done = connection.execute(
        select(ledger.c.scanner, ledger.c.outcome).where(
            ledger.c.run_id == run, ledger.c.target_id == row.id
        )
    )
    return TargetState(
        row.id,
        row.version,
        row.labels,
        row.reaches,
        {item.scanner: head(item) for item in known},
        {item.scanner: item.run_id for item in known},
        {row.scanner: row.outcome for row in done},
    )


def load_present(connection: Connection, target: int) -> list[KnownWitness]:
    """All witnesses of the target that keep a finding open, the eldest first."""
    rows = connection.execute(
        select(*_WITNESS)
        .where(witnesses.c.target_id == target, witnesses.c.state.in_(PRESENT))
        .order_by(witnesses.c.id)
    )
    return [known_witness(row) for row in rows]


def load_gone(
    connection: Connection, target: int, fresh: Collection[Observation]
) -> list[KnownWitness]:
    """Gone witnesses that one of the new observations may bring back, the latest first."""
    if not fresh:
        return []
    gone = (witnesses.c.target_id == target) & (witnesses.c.state == WitnessState.GONE.value)
    if connection.execute(select(witnesses.c.id).where(gone).limit(1)).first() is None:
        return []
    keys = sorted({key for observation in fresh for key in recall_keys(observation)})
    found = [
        known_witness(row)
        for chunk in in_chunks(keys)
        for row in connection.execute(select(*_WITNESS).where(gone, witnesses.c.key.in_(chunk)))
    ]
    return sorted(found, key=lambda witness: witness.id, reverse=True)


def load_findings(
    connection: Connection, target: int, known: Sequence[KnownWitness]
) -> dict[str, KnownFinding]:
    """The findings of these witnesses, by id."""
    wanted = sorted({witness.finding for witness in known})
    found: dict[str, KnownFinding] = {}
    for chunk in in_chunks(wanted):
        query = select(*FINDING).where(findings.c.target_id == target, findings.c.id.in_(chunk))
        found |= known_findings(connection.execute(query))
    return found


def load_partings(connection: Connection, target: int) -> list[tuple[str, str]]:
    """Pairs of the target's findings that a person has told apart, as they are called now."""
    first, second = findings.alias("one"), findings.alias("other")
    rows = connection.execute(
        select(
            func.coalesce(first.c.merged_into, first.c.id),
            func.coalesce(second.c.merged_into, second.c.id),
        )
        .select_from(partings)
        .join(first, first.c.id == partings.c.first)
        .join(second, second.c.id == partings.c.second)
        .where(first.c.target_id == target)
    )
    return [(left, right) for left, right in rows]
