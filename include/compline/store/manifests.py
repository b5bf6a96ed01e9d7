"""The chain of manifests in the store, and the ledger as a manifest states it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError

from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.holds import ACCEPTED
from compline.store.partings import PARTING
from compline.store.rows import in_chunks
from compline.store.schema import evidence, gap_sets, ledger, manifests, runs, scan_keys, targets


def stated(store: Store, run: int, result: str = "") -> dict[str, Any]:
    """A run with its ledger as plain JSON, the same for the same rows on every database.

    Left out is what a retry may say again (when the run was finished, its summary).

    Args:
        store: where.
        run: its number.
        result: what it is about to be finished with; else the one that it has.

    Raises:
        StoreError: there is no such run.
    """
    with store.reading() as connection:
        return _stated(connection, run, result)


def manifest_rows(store: Store) -> tuple[Row[Any], ...]:
    """All links, in order of their numbers."""
    with store.reading() as connection:
        return tuple(connection.execute(select(manifests).order_by(manifests.c.number)))


def last_manifest(store: Store, run: int | None = None) -> Row[Any] | None:
    """The chain's last link, or the last one of a run."""
    query = select(manifests).order_by(manifests.c.number.desc()).limit(1)
    if run is not None:
        query = query.where(manifests.c.run_id == run)
    with store.reading() as connection:
        return connection.execute(query).first()


def append_manifest(
    store: Store,
    *,
    number: int,
    kind: str,
    run: int | None,
    digest: str,
    previous: str,
    at: datetime,
    signature: str,
    signer: str,
) -> bool:
    """Adds a link if its number is still free; else somebody else has added one, and it is False.

    The number is the key and no two links may follow the same one: so there is one chain,
    however many try at once.
    """
    try:
        with store.writing() as connection:
            connection.execute(
                insert(manifests).values(
                    number=number,
                    kind=kind,
                    run_id=run,
                    digest=digest,
                    previous=previous,
                    signature=signature,
                    signer=signer,
                    at=at,
                )
            )
    except IntegrityError:
        return False
    return True


def is_manifest(store: Store, number: int, digest: str) -> bool:
    """Whether the chain's link of that number is this one."""
    query = select(manifests.c.number).where(
        manifests.c.number == number, manifests.c.digest == digest
    )
    with store.reading() as connection:
        return connection.execute(query).first() is not None


def decisions_without_manifest(store: Store) -> tuple[int, ...]:
    """Runs that stand for a person's decision and have no link yet.

    They are written in one transaction with what they decide, finished from the beginning; their
    link follows, at the latest when the next run is concluded.
    """
    query = (
        select(runs.c.id)
        .outerjoin(manifests, manifests.c.run_id == runs.c.id)
        .where(runs.c.kind.in_([ACCEPTED, PARTING]), manifests.c.number.is_(None))
        .order_by(runs.c.id)
    )
    with store.reading() as connection:
        return tuple(connection.scalars(query))


def finished_runs(store: Store) -> dict[int, bool]:
    """Every run's number, with whether it is finished."""
    with store.reading() as connection:
        rows = connection.execute(select(runs.c.id, runs.c.finished))
        return {row.id: row.finished is not None for row in rows}


def _stated(connection: Connection, run: int, result: str) -> dict[str, Any]:
    about = connection.execute(select(runs).where(runs.c.id == run)).first()
    if about is None:
        raise StoreError(f"there is no run {run}: `compline coverage` shows the latest")
    digests: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for row in connection.execute(select(evidence).where(evidence.c.run_id == run)):
        digests[row.target_id, row.scanner].append(row.digest)
    rows = connection.execute(
        select(ledger, targets.c.name, targets.c.locator)
        .join(targets, targets.c.id == ledger.c.target_id)
        .where(ledger.c.run_id == run)
        .order_by(targets.c.name, ledger.c.scanner)
    ).all()
    keys = sorted({row.scan_key for row in rows if row.scan_key})
    gaps = sorted({row.gap_set for row in rows if row.gap_set})
    return {
        "run": {
            "id": about.id,
            "kind": about.kind,
            "key": about.key or "",
            "parameters": about.parameters,
            "started": about.started.isoformat(),
            "result": result or about.result or "",
        },
        "ledger": [_row(row, digests[row.target_id, row.scanner]) for row in rows],
        "scan_keys": {
            row.digest: [row.tool, row.adapter, row.rules, row.options, row.advisories]
            for chunk in in_chunks(keys)
            for row in connection.execute(select(scan_keys).where(scan_keys.c.digest.in_(chunk)))
        },
        # A set of gaps goes by the digest of its own text: whether that still holds is checked
        # where it is read.
        "gap_sets": {
            row.digest: row.body
            for chunk in in_chunks(gaps)
            for row in connection.execute(select(gap_sets).where(gap_sets.c.digest.in_(chunk)))
        },
    }


def _row(row: Row[Any], digests: list[str]) -> dict[str, Any]:
    return {
        "target": row.name,
        "scanner": row.scanner,
        "outcome": row.outcome,
        "result": row.result,
        "reason": row.reason,
        "gaps": row.gap_set or "",
        "warnings": row.warnings,
        "revision": row.revision,
        "ref": row.ref,
        "scan_key": row.scan_key or "",
        "tool_version": row.tool_version,
        "advisory_date": row.advisory_date,
        "reused_from": row.reused_from,
        "sandbox": row.sandbox,
        "seconds": row.seconds,
        "changed": row.changed,
        "fresh": bool(row.fresh),
        "observations": row.observations,
        "looked_at": row.looked_at.isoformat(),
        "recorded_at": row.recorded_at.isoformat(),
        "evidence": sorted(digests),
        # Looks of before this was counted, and those without model files, read as they always did.
        **({} if row.files is None else {"files": [row.files_read, row.files]}),
    }
