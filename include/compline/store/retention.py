"""Which evidence may go, and which something still stands on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select

from compline.model import State
from compline.store.handle import Store
from compline.store.schema import evidence, findings, heads, ledger, runs, witnesses

_Look = tuple[int, int, str]
"""Run, target, scanner."""


def evidence_by_look(store: Store) -> dict[_Look, frozenset[str]]:
    """Every look's evidence, by run, target and scanner."""
    found: defaultdict[_Look, set[str]] = defaultdict(set)
    with store.reading() as connection:
        for row in connection.execute(select(evidence)):
            found[row.run_id, row.target_id, row.scanner].add(row.digest)
    return {look: frozenset(digests) for look, digests in found.items()}


def young_runs(store: Store, since: datetime, at_least: int) -> frozenset[int]:
    """Runs that began since then, the latest ones in any case, and those that are not finished."""
    with store.reading() as connection:
        latest = connection.execute(
            select(runs.c.id).where(runs.c.finished.is_not(None)).order_by(runs.c.id.desc())
        ).scalars()
        kept = set(list(latest)[:at_least])
        young = select(runs.c.id).where(or_(runs.c.started >= since, runs.c.finished.is_(None)))
        kept |= set(connection.execute(young).scalars())
    return frozenset(kept)


def standing_looks(store: Store, young: Iterable[int]) -> frozenset[_Look]:
    """Looks that something stands on, however old they are.

    That is: what the next night may reuse, what a kept run has reused, and for every open finding
    the looks that saw it first and last.
    """
    kept: set[_Look] = set()
    with store.reading() as connection:
        rows: Iterable[Any] = connection.execute(
            select(heads.c.scanned_run, heads.c.target_id, heads.c.scanner).where(
                heads.c.scanned_run.is_not(None)
            )
        )
        kept.update((row.scanned_run, row.target_id, row.scanner) for row in rows)
        # From the oldest kept run on: a run among those that is not kept itself costs little.
        reused = (
            select(ledger.c.reused_from, ledger.c.target_id, ledger.c.scanner)
            .where(ledger.c.reused_from.is_not(None), ledger.c.run_id >= min(young, default=0))
            .distinct()
        )
        kept.update(
            (row.reused_from, row.target_id, row.scanner) for row in connection.execute(reused)
        )
        of_open = (
            select(
                witnesses.c.first_run,
                witnesses.c.target_id,
                witnesses.c.scanner,
                ledger.c.run_id.label("last_run"),
                ledger.c.reused_from,
            )
            .join(findings, findings.c.id == witnesses.c.finding_id)
            # A witness that is still seen was last seen by its head's look, kept above.
            .outerjoin(
                ledger,
                and_(
                    ledger.c.target_id == witnesses.c.target_id,
                    ledger.c.scanner == witnesses.c.scanner,
                    ledger.c.looked_at == witnesses.c.last_seen,
                ),
            )
            .where(findings.c.state == State.OPEN.value)
            .distinct()
        )
        for row in connection.execute(of_open):
            kept.add((row.first_run, row.target_id, row.scanner))
            if row.last_run is not None:
                kept.add((row.reused_from or row.last_run, row.target_id, row.scanner))
    return frozenset(kept)
