"""Records what did not change: for thousands of looks a handful of statements, ledger rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from compline.findings.regressions import STALE_ADVISORIES, advisories_stale
from compline.model import Completed, Look
from compline.store.bulk import insert_rows
from compline.store.handle import Store
from compline.store.rows import head, in_chunks
from compline.store.schema import heads, ledger, scan_keys, targets
from compline.store.write import write_regressions


@dataclass(frozen=True, slots=True)
class Reuse:
    """A look that need not be taken: the last completed one says the same."""

    target: str
    scanner: str
    revision: str
    """The tracked ref's head now; must be what was looked at."""
    scan_key: str
    """Digest of the scanner's key now; must be the one it was looked at with."""
    warnings: tuple[str, ...] = ()


def record_reused(
    store: Store, run: int, reuses: Sequence[Reuse], *, looked_at: datetime, now: datetime
) -> tuple[Reuse, ...]:
    """Writes a completed ledger row for each, with the gaps of the look that it stands on.

    Returns:
        Those that cannot be reused any more, because somebody has recorded meanwhile: scan them.
    """
    refused: list[Reuse] = []
    with store.writing() as connection:
        rows = _locked_heads(connection, sorted({reuse.target for reuse in reuses}))
        done = {
            (target, scanner)
            for target, scanner in connection.execute(
                select(ledger.c.target_id, ledger.c.scanner).where(ledger.c.run_id == run)
            )
        }
        entries, accepted = [], []
        for reuse in reuses:
            row = rows.get((reuse.target, reuse.scanner))
            if row is not None and (row.target_id, reuse.scanner) in done:
                continue  # a retry
            if row is None or not _stands(row, reuse, looked_at):
                refused.append(reuse)
            else:
                entries.append(_ledger_row(row, reuse, run, looked_at, now))
                accepted.append((row, reuse))
        if not entries:
            return tuple(refused)
        insert_rows(connection, ledger, entries)
        connection.execute(
            update(heads)
            .where(heads.c.target_id == bindparam("number"), heads.c.scanner == bindparam("by"))
            .values(
                outcome="completed",
                run_id=run,
                looked_at=looked_at,
                completed_at=looked_at,
                stale_advisories=bindparam("stale"),
            ),
            [
                {"number": row.target_id, "by": reuse.scanner, "stale": _stale(reuse)}
                for row, reuse in accepted
            ],
        )
        numbers = sorted({row.target_id for row, _ in accepted})
        for chunk in in_chunks(numbers):
            # Whoever is about to record at one of these decides again, from what stands now.
            connection.execute(
                update(targets).where(targets.c.id.in_(chunk)).values(version=targets.c.version + 1)
            )
        _tell(connection, run, accepted, now)
    return tuple(refused)


def _locked_heads(connection: Connection, names: Sequence[str]) -> dict[tuple[str, str], Row[Any]]:
    """The heads of these targets by name and scanner, held until the transaction ends."""
    found: dict[tuple[str, str], Row[Any]] = {}
    for chunk in in_chunks(names):
        # In one order for everybody, so that two planners cannot block each other for ever.
        connection.execute(
            select(targets.c.id)
            .where(targets.c.name.in_(chunk))
            .order_by(targets.c.id)
            .with_for_update()
        ).all()
        query = (
            select(heads, scan_keys, targets.c.name)
            .join(targets, targets.c.id == heads.c.target_id)
            .outerjoin(scan_keys, scan_keys.c.digest == heads.c.scan_key)
            .where(targets.c.name.in_(chunk))
        )
        found |= {(row.name, row.scanner): row for row in connection.execute(query)}
    return found


def _stands(row: Row[Any], reuse: Reuse, looked_at: datetime) -> bool:
    return (
        row.completed_at is not None
        and not row.held_lost
        and bool(reuse.revision)
        and row.revision == reuse.revision
        and row.scan_key == reuse.scan_key
        and row.looked_at < looked_at
    )


def _stale(reuse: Reuse) -> bool:
    return any(warning.startswith(STALE_ADVISORIES) for warning in reuse.warnings)


def _ledger_row(
    row: Row[Any], reuse: Reuse, run: int, looked_at: datetime, now: datetime
) -> dict[str, Any]:
    return {
        "run_id": run,
        "target_id": row.target_id,
        "scanner": reuse.scanner,
        "outcome": "completed",
        "result": "recorded",
        "reason": "",
        "gap_set": row.gap_set,
        "warnings": list(reuse.warnings),
        "revision": row.revision,
        "ref": row.ref,
        "scan_key": row.scan_key,
        "tool_version": row.tool_version,
        "advisory_date": row.advisory_date,
        "reused_from": row.scanned_run,
        "sandbox": row.sandbox,
        "seconds": 0.0,
        "changed": 0.0,
        "fresh": False,
        "observations": row.observations,
        "looked_at": looked_at,
        "recorded_at": now,
    }


def _tell(
    connection: Connection, run: int, accepted: Sequence[tuple[Row[Any], Reuse]], now: datetime
) -> None:
    """Advisories may have become too old though nothing else has changed."""
    for row, reuse in accepted:
        if _stale(reuse):
            look = Look(reuse.target, reuse.scanner, Completed(()), warnings=reuse.warnings)
            worse = advisories_stale(look, head(row))
            if worse is not None:
                write_regressions(connection, (worse,), run=run, target=row.target_id, now=now)
