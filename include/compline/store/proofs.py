"""Which looks a finding stands on: for every witness the look that said it last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from compline.codec import load_observation
from compline.findings.known import WitnessState
from compline.model import Observation, ScanKey
from compline.store.handle import Store
from compline.store.rows import scan_key
from compline.store.schema import (
    evidence,
    findings,
    heads,
    ledger,
    manifests,
    scan_keys,
    targets,
    witnesses,
)


@dataclass(frozen=True, slots=True)
class WitnessLook:
    """One witness, and the look that said it last."""

    scanner: str
    state: str
    observation: Observation
    """Its latest statement, as recorded."""
    first_run: int
    first_revision: str
    run: int | None
    """The run that really scanned; None where no row tells any more."""
    revision: str
    looked_at: datetime | None
    tool_version: str
    advisory_date: str
    scan_key: ScanKey | None
    evidence: tuple[str, ...]
    """Digests: the look's statement and its reports."""
    manifest: int | None
    """Number of the run's link in the chain."""
    manifest_digest: str


def witness_looks(store: Store, finding: str) -> tuple[WitnessLook, ...]:
    """Every witness of the finding (or of the one that it was merged into), the eldest first;
    none for an unknown one."""
    with store.reading() as connection:
        into = connection.scalar(select(findings.c.merged_into).where(findings.c.id == finding))
        query = (
            select(witnesses, targets.c.name.label("target_name"))
            .join(targets, targets.c.id == witnesses.c.target_id)
            .where(witnesses.c.finding_id == (into or finding))
            .order_by(witnesses.c.id)
        )
        rows = connection.execute(query).all()
        return tuple(_witness_look(connection, row) for row in rows)


def look_evidence(store: Store, run: int) -> dict[tuple[str, str], tuple[str, ...]]:
    """Digests by target and scanner, of what the run itself looked at."""
    query = (
        select(targets.c.name, evidence.c.scanner, evidence.c.digest)
        .join(targets, targets.c.id == evidence.c.target_id)
        .where(evidence.c.run_id == run)
        .order_by(evidence.c.digest)
    )
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    with store.reading() as connection:
        for name, scanner, digest in connection.execute(query):
            found[name, scanner] = (*found.get((name, scanner), ()), digest)
    return found


def _witness_look(connection: Connection, row: Row[Any]) -> WitnessLook:
    run = _run_of(connection, row)
    look = None
    if run is not None:
        look = connection.execute(
            select(ledger, scan_keys)
            .outerjoin(scan_keys, scan_keys.c.digest == ledger.c.scan_key)
            .where(
                ledger.c.run_id == run,
                ledger.c.target_id == row.target_id,
                ledger.c.scanner == row.scanner,
            )
        ).first()
    link = connection.execute(
        select(manifests.c.number, manifests.c.digest)
        .where(manifests.c.run_id == run)
        .order_by(manifests.c.number.desc())
    ).first()
    return WitnessLook(
        scanner=row.scanner,
        state=row.state,
        observation=load_observation(row.observation),
        first_run=row.first_run,
        first_revision=row.first_revision,
        run=run if look is not None else None,
        revision=look.revision if look else "",
        looked_at=look.looked_at if look else None,
        tool_version=look.tool_version if look else "",
        advisory_date=look.advisory_date if look else "",
        scan_key=scan_key(look) if look else None,
        evidence=tuple(_digests(connection, run, row)),
        manifest=link.number if link else None,
        manifest_digest=link.digest if link else "",
    )


def _run_of(connection: Connection, row: Row[Any]) -> int | None:
    """The run whose scan has shown the witness last."""
    if row.state == WitnessState.SEEN.value:
        return connection.scalar(
            select(heads.c.scanned_run).where(
                heads.c.target_id == row.target_id, heads.c.scanner == row.scanner
            )
        )
    last = connection.execute(
        select(ledger.c.run_id, ledger.c.reused_from).where(
            ledger.c.target_id == row.target_id,
            ledger.c.scanner == row.scanner,
            ledger.c.looked_at == row.last_seen,
        )
    ).first()
    if last is None:
        return int(row.first_run)
    return int(last.reused_from or last.run_id)


def _digests(connection: Connection, run: int | None, row: Row[Any]) -> Iterator[str]:
    yield from connection.execute(
        select(evidence.c.digest)
        .where(
            evidence.c.run_id == run,
            evidence.c.target_id == row.target_id,
            evidence.c.scanner == row.scanner,
        )
        .order_by(evidence.c.digest)
    ).scalars()
