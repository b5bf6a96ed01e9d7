"""What time alone makes worse: waivers end, deadlines pass, targets are not looked at, or are gone.

Each part is one transaction that tells what it changes, and everything is told once: a second call
at the same time finds nothing left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from compline.findings.regressions import (
    Regression,
    RegressionKind,
    deadline_missed,
    target_stale,
    waiver_expired,
)
from compline.findings.waivers import WaiverState
from compline.model import Severity, State
from compline.store.gone import resolve_gone
from compline.store.handle import Store
from compline.store.rows import in_chunks
from compline.store.schema import (
    findings,
    heads,
    regressions,
    targets,
    waived,
    waivers,
)
from compline.store.waived import refresh_waived
from compline.store.write import write_regressions


@dataclass(frozen=True, slots=True)
class Lapsed:
    """How much was told."""

    waivers: int
    deadlines: int
    stale: int
    gone: int
    """Findings of targets that are not listed any more."""


def lapse(store: Store, run: int | None, now: datetime, *, stale_days: int) -> Lapsed:
    """Tells, and writes down, what has lapsed until now.

    Args:
        store: where.
        run: in whose name; without one nothing is resolved, since an event needs a run.
        now: the time.
        stale_days: after so many days without a look a target is stale, and one that is not
            listed is believed to be gone.
    """
    limit = now - timedelta(days=stale_days)
    return Lapsed(
        _expire_waivers(store, run, now),
        _miss_deadlines(store, run, now),
        _tell_stale(store, run, now, limit),
        0 if run is None else resolve_gone(store, run, now, limit),
    )


def _expire_waivers(store: Store, run: int | None, now: datetime) -> int:
    alive = [WaiverState.ACTIVE.value, WaiverState.PENDING.value]
    over = and_(waivers.c.state.in_(alive), waivers.c.expires_at <= now)
    with store.reading() as connection:
        if connection.execute(select(waivers.c.id).where(over).limit(1)).first() is None:
            return 0
    with store.writing() as connection:
        ended = connection.execute(
            select(waivers).where(over).order_by(waivers.c.id).with_for_update(key_share=True)
        ).all()
        for chunk in in_chunks([row.id for row in ended]):
            connection.execute(
                update(waivers)
                .where(waivers.c.id.in_(chunk))
                .values(state=WaiverState.EXPIRED.value, ended_at=now, ended_by="time")
            )
        told = 0
        for row in ended:
            counting = _counting_again(connection, row.id, now)
            if row.state != WaiverState.ACTIVE.value or not counting:
                continue
            told += 1
            first, about = counting[0], None
            if row.finding_id:
                about = (first.target, first.id, Severity(first.severity), first.title)
            worse = waiver_expired(row.id, row.owner, about, len(counting))
            number = first.target_id if about else None
            write_regressions(connection, (worse,), run=run, target=number, now=now)
    return told


def _counting_again(connection: Connection, waiver: str, now: datetime) -> Sequence[Row[Any]]:
    """Open findings that a waiver held and that nothing holds any more."""
    held = select(waived.c.finding_id).where(
        waived.c.waiver_id == waiver, waived.c.voided_at.is_(None)
    )
    refresh_waived(connection, connection.scalars(held).all())
    return connection.execute(
        select(findings, targets.c.name.label("target"))
        .join(targets, targets.c.id == findings.c.target_id)
        .where(findings.c.id.in_(held), _open(now))
        .order_by(findings.c.id)
    ).all()


def _miss_deadlines(store: Store, run: int | None, now: datetime) -> int:
    listed = select(targets.c.id).where(targets.c.state == "listed")
    missed = and_(
        findings.c.due_at <= now,
        findings.c.breached_at.is_(None),
        findings.c.target_id.in_(listed),
        _open(now),
    )
    with store.reading() as connection:
        if connection.execute(select(findings.c.id).where(missed).limit(1)).first() is None:
            return 0
    with store.writing() as connection:
        rows = connection.execute(
            update(findings)
            .where(missed)
            .values(breached_at=now)
            .returning(
                findings.c.id,
                findings.c.target_id,
                findings.c.severity,
                findings.c.title,
                findings.c.due_at,
            )
        ).all()
        names = _names(connection)
        by_target: dict[int, list[Regression]] = {}
        for row in sorted(rows, key=lambda row: (row.target_id, row.id)):
            by_target.setdefault(row.target_id, []).append(
                deadline_missed(
                    names[row.target_id], row.id, Severity(row.severity), row.title, row.due_at
                )
            )
        for number, worse in by_target.items():
            write_regressions(connection, tuple(worse), run=run, target=number, now=now)
    return len(rows)


def _tell_stale(store: Store, run: int | None, now: datetime, limit: datetime) -> int:
    """Per target and scanner once; a skipped look was a look."""
    since = func.coalesce(heads.c.completed_at, targets.c.first_seen)
    told = (
        select(regressions.c.id)
        .where(
            regressions.c.target_id == targets.c.id,
            regressions.c.kind == RegressionKind.TARGET_STALE.value,
            regressions.c.scanner == func.coalesce(heads.c.scanner, ""),
            regressions.c.at > since,
        )
        .exists()
    )
    query = (
        select(
            targets.c.id,
            targets.c.name,
            heads.c.scanner,
            heads.c.completed_at,
        )
        .select_from(targets)
        .outerjoin(heads, heads.c.target_id == targets.c.id)
        .where(
            targets.c.state == "listed",
            or_(heads.c.outcome.is_(None), heads.c.outcome != "skipped"),
            since < limit,
            ~told,
        )
        .order_by(targets.c.id, heads.c.scanner)
    )
    with store.reading() as connection:
        if connection.execute(query.limit(1)).first() is None:
            return 0
    with store.writing() as connection:
        # Another one who tells the same waits here, and then sees what was told.
        stale = select(query.subquery().c.id)
        connection.execute(
            select(targets.c.id)
            .where(targets.c.id.in_(stale))
            .order_by(targets.c.id)
            .with_for_update()
        ).all()
        rows = connection.execute(query).all()
        for row in rows:
            worse = target_stale(row.name, row.scanner or "", row.completed_at)
            write_regressions(connection, (worse,), run=run, target=row.id, now=now)
    return len(rows)


def _open(now: datetime) -> Any:
    """Findings that count: open, not merged away, not waived."""
    return and_(
        findings.c.state == State.OPEN.value,
        findings.c.merged_into.is_(None),
        or_(findings.c.waived_until.is_(None), findings.c.waived_until <= now),
    )


def _names(connection: Connection) -> dict[int, str]:
    rows = connection.execute(select(targets.c.id, targets.c.name))
    return {row.id: row.name for row in rows}
