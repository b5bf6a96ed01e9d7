"""The rows of looks besides their findings: ledger, heads, gaps, ScanKeys, evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite

from compline.codec import dump_gaps
from compline.findings.known import Head
from compline.findings.regressions import stale
from compline.model import Completed, Failed, Gap, Look, ScanKey, Skipped
from compline.store.rows import clean
from compline.store.schema import evidence, gap_sets, heads, ledger, scan_keys


@dataclass(frozen=True, slots=True)
class Visit:
    """The looks of one run at one target."""

    run: int
    target: int
    ref: str
    looked_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A look on its way into the ledger."""

    look: Look
    result: str
    reason: str = ""
    """Why it was not taken as it is; else the outcome's own words are written."""
    head: Head | None = None
    """What was known of the scanner before."""
    held_lost: int = 0
    moves_head: bool = True
    """Whether the next plan and record are to compare with it."""


def outcome_of(look: Look) -> str:
    """The outcome in one word."""
    if isinstance(look.outcome, Completed):
        return "completed"
    return "skipped" if isinstance(look.outcome, Skipped) else "failed"


def write_looks(connection: Connection, visit: Visit, entries: Sequence[Entry]) -> None:
    """Writes the looks' ledger rows with all that they refer to, and moves the heads."""
    looks = [entry.look for entry in entries]
    _insert_new(
        connection,
        scan_keys,
        [_scan_key_row(look.scan_key) for look in looks if look.scan_key is not None],
    )
    gaps = {look.scanner: _gap_row(_gaps(look)) for look in looks if _gaps(look)}
    _insert_new(connection, gap_sets, list(gaps.values()))
    digests = {scanner: str(row["digest"]) for scanner, row in gaps.items()}
    connection.execute(
        _insert_or_replace(connection.dialect.name, ledger),
        [_ledger_row(visit, entry, digests.get(entry.look.scanner)) for entry in entries],
    )
    _insert_new(
        connection,
        evidence,
        [
            {
                "run_id": visit.run,
                "target_id": visit.target,
                "scanner": look.scanner,
                "digest": digest,
            }
            for look in looks
            for digest in look.evidence
        ],
    )
    moving = [entry for entry in entries if entry.moves_head]
    rows = [_head_row(visit, entry, digests.get(entry.look.scanner)) for entry in moving]
    new = [row for row, entry in zip(rows, moving, strict=True) if entry.head is None]
    if new:
        connection.execute(insert(heads), new)
    for completed in (True, False):
        # Only a completed look that is believed replaces what the last one has found out.
        known = [
            {f"now_{name}": value for name, value in row.items()}
            for row, entry in zip(rows, moving, strict=True)
            if entry.head is not None and _believed(entry) is completed
        ]
        if known:
            connection.execute(_head_update(completed), known)


def _gaps(look: Look) -> tuple[Gap, ...]:
    return look.outcome.gaps if isinstance(look.outcome, Completed) else ()


def _seen(look: Look) -> int:
    return len(look.outcome.observations) if isinstance(look.outcome, Completed) else 0


def _believed(entry: Entry) -> bool:
    return isinstance(entry.look.outcome, Completed) and not entry.held_lost


def _gap_row(gaps: Sequence[Gap]) -> dict[str, Any]:
    body = dump_gaps(gaps)
    return {
        "digest": hashlib.sha256(body).hexdigest(),
        "total": sum(gap.count for gap in gaps),
        "body": body.decode(),
    }


def _scan_key_row(key: ScanKey) -> dict[str, Any]:
    return {
        "digest": key.digest,
        "tool": key.tool,
        "adapter": key.adapter,
        "rules": key.rules,
        "options": key.options,
        "advisories": key.advisories,
    }


def _ledger_row(visit: Visit, entry: Entry, gaps: str | None) -> dict[str, Any]:
    look = entry.look
    reason = entry.reason
    if not reason and isinstance(look.outcome, Skipped):
        reason = look.outcome.reason
    elif not reason and isinstance(look.outcome, Failed):
        reason = look.outcome.error
    return {
        "run_id": visit.run,
        "target_id": visit.target,
        "scanner": look.scanner,
        "outcome": outcome_of(look),
        "result": entry.result,
        "reason": clean(reason),
        "gap_set": gaps,
        "warnings": [clean(text) for text in look.warnings],
        "revision": look.revision,
        "ref": visit.ref,
        "scan_key": look.scan_key.digest if look.scan_key else None,
        "tool_version": clean(look.tool_version),
        "advisory_date": look.advisory_date,
        "reused_from": None,
        "sandbox": look.sandbox,
        "seconds": look.seconds,
        "changed": look.changed,
        "fresh": look.fresh,
        "observations": _seen(look),
        "files_read": look.files.read if look.files else None,
        "files": look.files.files if look.files else None,
        "looked_at": visit.looked_at,
        "recorded_at": visit.now,
    }


def _head_row(visit: Visit, entry: Entry, gaps: str | None) -> dict[str, Any]:
    """All columns of `heads`; those of the completed look are only used if it is believed."""
    look, before, believed = entry.look, entry.head, _believed(entry)
    completed = isinstance(look.outcome, Completed)
    return {
        "target_id": visit.target,
        "scanner": look.scanner,
        "outcome": outcome_of(look),
        "run_id": visit.run,
        "looked_at": visit.looked_at,
        "stale_advisories": stale(look) if completed else bool(before and before.stale_advisories),
        "held_lost": entry.held_lost if completed else (before.held_lost if before else 0),
        "completed_at": visit.looked_at if believed else None,
        "scanned_run": visit.run if believed else None,
        "revision": look.revision if believed else "",
        "ref": visit.ref,
        "scan_key": look.scan_key.digest if believed and look.scan_key else None,
        "gap_set": gaps if believed else None,
        "tool_version": clean(look.tool_version) if believed else "",
        "advisory_date": look.advisory_date if believed else "",
        "sandbox": look.sandbox if believed else "",
        "observations": _seen(look) if believed else 0,
    }


_LATEST = ("outcome", "run_id", "looked_at", "stale_advisories", "held_lost")


@cache
def _head_update(completed: bool) -> Any:
    keys = ("target_id", "scanner")
    names = [
        column.name
        for column in heads.columns
        if column.name in _LATEST or (completed and column.name not in keys)
    ]
    return (
        update(heads)
        .where(
            heads.c.target_id == bindparam("now_target_id"),
            heads.c.scanner == bindparam("now_scanner"),
        )
        .values({name: bindparam(f"now_{name}") for name in names})
    )


@cache
def _insert_or_skip(dialect: str, table: Table) -> Insert:
    kind = sqlite if dialect == "sqlite" else postgresql
    statement: Insert = kind.insert(table).on_conflict_do_nothing()
    return statement


@cache
def _insert_or_replace(dialect: str, table: Table) -> Insert:
    kind = sqlite if dialect == "sqlite" else postgresql
    statement = kind.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {item.name: statement.excluded[item.name] for item in table.columns}
    replacing: Insert = statement.on_conflict_do_update(
        index_elements=keys,
        set_={name: value for name, value in changed.items() if name not in keys},
    )
    return replacing


def _insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts what is not there yet; rows that are stay as they are."""
    if rows:
        # In one order for everybody, so that two writers cannot wait for each other.
        ordered = sorted(rows, key=lambda row: str(row["digest"]))
        connection.execute(_insert_or_skip(connection.dialect.name, table), ordered)
