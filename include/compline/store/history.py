"""Reads what lies between two runs, and what was told of a finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from compline.findings.comparison import About, Basis, Happening
from compline.findings.facts import TOLD
from compline.model import Severity, digest_of
from compline.store.handle import Store
from compline.store.rows import in_chunks
from compline.store.schema import (
    digest_entries,
    events,
    findings,
    ledger,
    regressions,
    scan_keys,
    targets,
)
from compline.store.worse import RegressionView, regression_view, select_regressions


def happenings(
    store: Store, since: int, until: int
) -> tuple[tuple[Happening, ...], dict[str, About]]:
    """Every event up to run `until` of the findings that one of the runs after `since` touched."""
    touched = (
        select(events.c.finding_id)
        .where(events.c.run_id > since, events.c.run_id <= until)
        .distinct()
    )
    with store.reading() as connection:
        ids = sorted(connection.scalars(touched))
        found: list[Happening] = []
        about: dict[str, About] = {}
        for chunk in in_chunks(ids):
            query = (
                select(events)
                .where(events.c.finding_id.in_(chunk), events.c.run_id <= until)
                .order_by(events.c.id)
            )
            found += [
                Happening(row.finding_id, row.run_id, row.kind, row.data)
                for row in connection.execute(query)
            ]
            rows = connection.execute(
                select(findings.c.id, findings.c.title, findings.c.severity, targets.c.name)
                .join(targets, targets.c.id == findings.c.target_id)
                .where(findings.c.id.in_(chunk))
            )
            about |= {row.id: About(row.name, row.title, Severity(row.severity)) for row in rows}
    return tuple(found), about


def bases(store: Store, run: int) -> Mapping[tuple[str, str], Basis]:
    """By target and scanner, what the last look up to a run stood on."""
    latest = (
        select(ledger.c.target_id, ledger.c.scanner, func.max(ledger.c.run_id).label("run_id"))
        .where(ledger.c.run_id <= run, ledger.c.result.not_in(["adhoc", "superseded"]))
        .group_by(ledger.c.target_id, ledger.c.scanner)
        .subquery()
    )
    query = (
        select(ledger, scan_keys, targets.c.name, targets.c.kind)
        .join(
            latest,
            (latest.c.target_id == ledger.c.target_id)
            & (latest.c.scanner == ledger.c.scanner)
            & (latest.c.run_id == ledger.c.run_id),
        )
        .join(targets, targets.c.id == ledger.c.target_id)
        .outerjoin(scan_keys, scan_keys.c.digest == ledger.c.scan_key)
    )
    with store.reading() as connection:
        return {(row.name, row.scanner): _basis(row) for row in connection.execute(query)}


def changed_facts(store: Store, since: int, until: int) -> tuple[str, ...]:
    """What the runs after `since`, up to `until`, have told of facts, the oldest first."""
    query = (
        select(targets.c.name, regressions.c.title)
        .join(targets, targets.c.id == regressions.c.target_id)
        .where(
            regressions.c.run_id > since,
            regressions.c.run_id <= until,
            regressions.c.kind.in_(sorted(TOLD)),
        )
        .order_by(regressions.c.id)
    )
    with store.reading() as connection:
        return tuple(f"{name}: {title}" for name, title in connection.execute(query))


def told_of(store: Store, finding: str) -> tuple[RegressionView, ...]:
    """The finding's regressions, the oldest first."""
    query = select_regressions().where(regressions.c.subject == finding).order_by(regressions.c.id)
    with store.reading() as connection:
        return tuple(regression_view(row) for row in connection.execute(query))


def waiting_of(store: Store, finding: str) -> int:
    """How many regressions of the finding wait for a digest, or for the end of quiet hours."""
    query = (
        select(func.count())
        .select_from(digest_entries)
        .join(regressions, regressions.c.id == digest_entries.c.regression_id)
        .where(regressions.c.subject == finding)
    )
    with store.reading() as connection:
        return connection.scalar(query) or 0


def _basis(row: Any) -> Basis:
    method = ""
    if row.tool is not None:
        method = digest_of([row.tool, row.adapter, row.rules, row.options])
    # A service's revision is the time of asking: it always differs, and says nothing.
    revision = row.revision if row.kind in ("repository", "image") else ""
    return Basis(revision, method, row.advisories or "", row.outcome)
