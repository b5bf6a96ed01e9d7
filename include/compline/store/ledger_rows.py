"""The rows of a look besides its findings: ledger, head, gaps, evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, update
from sqlalchemy.dialects import postgresql, sqlite

from compline.codec import dump_gaps
from compline.findings.known import Head
from compline.findings.regressions import stale
from compline.model import Completed, Failed, Gap, Look, ScanKey, Skipped
from compline.store.rows import clean
from compline.store.schema import evidence, gap_sets, heads, ledger, scan_keys


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts what is not there yet; rows that are stay as they are."""
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def replace_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows, or updates the given columns of those that are there."""
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows)
    )


def outcome_of(look: Look) -> str:
    """The outcome in one word."""
    if isinstance(look.outcome, Completed):
        return "completed"
    return "skipped" if isinstance(look.outcome, Skipped) else "failed"


def write_look(
    connection: Connection,
    look: Look,
    *,
    run: int,
    target: int,
    result: str,
    reason: str,
    ref: str,
    looked_at: datetime,
    now: datetime,
) -> str | None:
    """The look's ledger row with all that it refers to; gives the digest of its gaps."""
    outcome = look.outcome
    gaps = write_gaps(connection, outcome.gaps) if isinstance(outcome, Completed) else None
    if isinstance(outcome, Skipped):
        reason = reason or outcome.reason
    elif isinstance(outcome, Failed):
        reason = reason or outcome.error
    row = {
        "run_id": run,
        "target_id": target,
        "scanner": look.scanner,
        "outcome": outcome_of(look),
        "result": result,
        "reason": clean(reason),
        "gap_set": gaps,
        "warnings": [clean(text) for text in look.warnings],
        "revision": look.revision,
        "ref": ref,
        "scan_key": write_scan_key(connection, look.scan_key),
        "tool_version": clean(look.tool_version),
        "advisory_date": look.advisory_date,
        "reused_from": None,
        "sandbox": look.sandbox,
        "seconds": look.seconds,
        "changed": look.changed,
        "fresh": look.fresh,
        "observations": len(outcome.observations) if isinstance(outcome, Completed) else 0,
        "looked_at": looked_at,
        "recorded_at": now,
    }
    replace_rows(connection, ledger, [row])
    insert_new(
        connection,
        evidence,
        [
            {"run_id": run, "target_id": target, "scanner": look.scanner, "digest": digest}
            for digest in look.evidence
        ],
    )
    return gaps


def write_head(
    connection: Connection,
    look: Look,
    before: Head | None,
    *,
    run: int,
    target: int,
    gaps: str | None,
    held_lost: int,
    ref: str,
    looked_at: datetime,
) -> None:
    """What the next plan and record compare with."""
    completed = isinstance(look.outcome, Completed)
    row: dict[str, Any] = {
        "target_id": target,
        "scanner": look.scanner,
        "outcome": outcome_of(look),
        "run_id": run,
        "looked_at": looked_at,
        "stale_advisories": stale(look) if completed else bool(before and before.stale_advisories),
        "held_lost": held_lost if completed else (before.held_lost if before else 0),
    }
    if completed and not held_lost:
        row |= {
            "completed_at": looked_at,
            "scanned_run": run,
            "revision": look.revision,
            "ref": ref,
            "scan_key": look.scan_key.digest if look.scan_key else None,
            "gap_set": gaps,
            "tool_version": clean(look.tool_version),
            "advisory_date": look.advisory_date,
            "sandbox": look.sandbox,
            "observations": len(look.outcome.observations)
            if isinstance(look.outcome, Completed)
            else 0,
        }
    elif before is None:
        row |= {
            "revision": "",
            "ref": ref,
            "tool_version": "",
            "advisory_date": "",
            "sandbox": "",
            "observations": 0,
        }
    if before is None:
        connection.execute(insert(heads), [row])
    else:
        connection.execute(
            update(heads)
            .where(heads.c.target_id == target, heads.c.scanner == look.scanner)
            .values(row)
        )


def write_gaps(connection: Connection, gaps: Sequence[Gap]) -> str | None:
    """Keeps the gaps once per content; None for none at all."""
    if not gaps:
        return None
    body = dump_gaps(gaps)
    digest = hashlib.sha256(body).hexdigest()
    total = sum(gap.count for gap in gaps)
    insert_new(connection, gap_sets, [{"digest": digest, "total": total, "body": body.decode()}])
    return digest


def write_scan_key(connection: Connection, key: ScanKey | None) -> str | None:
    """Keeps the parts of the key under its digest."""
    if key is None:
        return None
    insert_new(
        connection,
        scan_keys,
        [
            {
                "digest": key.digest,
                "tool": key.tool,
                "adapter": key.adapter,
                "rules": key.rules,
                "options": key.options,
                "advisories": key.advisories,
            }
        ],
    )
    return key.digest
