"""Believes a held look after all, because a person says so: what it did not show is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from compline.findings.decision import EventKind
from compline.findings.known import WitnessState
from compline.model import RunResult, State
from compline.store.bulk import insert_rows
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.load import PRESENT
from compline.store.rows import clean, in_chunks
from compline.store.schema import events, findings, heads, ledger, runs, targets, witnesses
from compline.store.summary import summarise
from compline.store.waived import hold_targets

ACCEPTED = "accepted"
"""The cause of such a resolution; kind of the run, and result of the ledger row, that say so."""
_FROM_LEDGER = (
    *("revision", "ref", "scan_key", "gap_set", "tool_version", "advisory_date", "sandbox"),
    "observations",
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What believing a held look has changed."""

    run: int
    """The run that stands for the acceptance, with its ledger row."""
    revision: str
    resolved: tuple[str, ...]
    """Findings that nobody sees any more."""
    witnesses: int
    """Statements that are gone; a finding that another scanner still sees stays open."""


def accept_drop(
    store: Store, target: str, scanner: str, *, by: str, reason: str, now: datetime
) -> Accepted:
    """Applies the newest held look of a scanner at a target, in one transaction.

    Undone by a later look that sees the findings: they reopen.

    Raises:
        StoreError: there is no such target, or no drop of the scanner is held there.
    """
    with store.writing() as connection:
        number = connection.scalar(select(targets.c.id).where(targets.c.name == target))
        if number is None:
            raise StoreError(f"there is no target {target!r}: `compline targets` lists them")
        hold_targets(connection, [number])
        held = _held_look(connection, number, target, scanner)
        run = connection.execute(
            insert(runs)
            .values(
                kind=ACCEPTED,
                parameters={"target": target, "scanner": scanner, "by": by, "reason": reason},
                started=now,
                finished=now,
                result=RunResult.CLEAN.value,
                summary={},
            )
            .returning(runs.c.id)
        ).scalar_one()
        _write_ledger(connection, held, run, f"accepted by {by}: {reason}", now)
        gone = _lose(connection, number, scanner)
        resolved = _resolve(connection, sorted(set(gone)), run, held.looked_at)
        told = {"scanner": scanner, "revision": held.revision, "by": by, "reason": reason}
        insert_rows(
            connection,
            events,
            [
                {
                    "finding_id": finding,
                    "run_id": run,
                    "at": now,
                    "kind": EventKind.RESOLVED.value
                    if finding in resolved
                    else EventKind.WITNESS_GONE.value,
                    "data": {**told, "cause": ACCEPTED},
                }
                for finding in sorted(set(gone))
            ],
        )
        summarise(connection, number, set(gone))
        connection.execute(
            update(heads)
            .where(heads.c.target_id == number, heads.c.scanner == scanner)
            .values(
                held_lost=0,
                completed_at=held.looked_at,
                scanned_run=held.run_id,
                **{name: getattr(held, name) for name in _FROM_LEDGER},
            )
        )
    return Accepted(run, held.revision, tuple(sorted(resolved)), len(gone))


def _held_look(connection: Connection, number: int, target: str, scanner: str) -> Row[Any]:
    """The ledger row of the scanner's newest held look."""
    lost = connection.scalar(
        select(heads.c.held_lost).where(heads.c.target_id == number, heads.c.scanner == scanner)
    )
    held = connection.execute(
        select(ledger)
        .where(ledger.c.target_id == number, ledger.c.scanner == scanner, ledger.c.result == "held")
        .order_by(ledger.c.looked_at.desc(), ledger.c.run_id.desc())
        .limit(1)
    ).first()
    if not lost or held is None:
        raise StoreError(
            f"no drop of {scanner} is held at {target}: `compline coverage` shows them"
        )
    return held


def _write_ledger(
    connection: Connection, held: Row[Any], run: int, reason: str, now: datetime
) -> None:
    values = dict(held._mapping)
    connection.execute(
        insert(ledger).values(
            **values
            | {
                "run_id": run,
                "result": ACCEPTED,
                "reason": clean(reason),
                "reused_from": held.reused_from or held.run_id,
                "seconds": 0.0,
                "fresh": False,
                "recorded_at": now,
            }
        )
    )


def _lose(connection: Connection, number: int, scanner: str) -> list[str]:
    """The held witnesses are gone; gives their findings, one for each witness."""
    held = (
        (witnesses.c.target_id == number)
        & (witnesses.c.scanner == scanner)
        & (witnesses.c.state == WitnessState.HELD.value)
    )
    gone = connection.scalars(select(witnesses.c.finding_id).where(held)).all()
    connection.execute(update(witnesses).where(held).values(state=WitnessState.GONE.value))
    return list(gone)


def _resolve(connection: Connection, names: list[str], run: int, at: datetime) -> set[str]:
    """Those of the findings that no witness keeps open any more are resolved."""
    resolved: set[str] = set()
    for chunk in in_chunks(names):
        seen = (
            select(witnesses.c.id)
            .where(witnesses.c.finding_id == findings.c.id, witnesses.c.state.in_(PRESENT))
            .exists()
        )
        resolved |= set(
            connection.scalars(
                update(findings)
                .where(findings.c.id.in_(chunk), findings.c.state == State.OPEN.value, ~seen)
                .values(
                    state=State.RESOLVED.value, resolved_run=run, resolved_at=at, cause=ACCEPTED
                )
                .returning(findings.c.id)
            )
        )
    return resolved
