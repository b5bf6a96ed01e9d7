"""Risk and deadlines of all open findings, anew: when policy, labels or exploits change.

A handful of statements, which write only what differs. Records keep both up to date by themselves.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    cast,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from compline.findings.deadlines import DeadlinePolicy
from compline.findings.risk import RiskPolicy, exploits, without_exploits
from compline.model import FindingKind, State
from compline.store.columns import Moment
from compline.store.handle import Store
from compline.store.load import PRESENT
from compline.store.rows import in_chunks
from compline.store.runs import last_mark
from compline.store.schema import findings, runs, targets, witnesses

_MARK = "urgency"
"""Key in a run's summary: the digest of what risk and deadlines were last worked out from."""
_TARGETS = 50
"""In one transaction; whoever records meanwhile does not wait for all of them."""
_OPEN = and_(findings.c.state == State.OPEN.value, findings.c.merged_into.is_(None))


def last_urgency(store: Store) -> str:
    """The digest that stands; empty if none is known."""
    return str(last_mark(store, _MARK) or "")


def refresh_urgency(
    store: Store,
    run: int,
    digest: str,
    deadlines: DeadlinePolicy,
    risks: RiskPolicy,
    now: datetime,
) -> int:
    """Works out risk and deadline of every open finding; gives how many rows were written.

    Args:
        store: where.
        run: remembers the digest in its summary.
        digest: of everything that both depend on besides the findings.
        deadlines: the policy.
        risks: the policy.
        now: a deadline that lies ahead of it can be missed again.
    """
    with store.reading() as connection:
        query = select(targets.c.id, targets.c.labels, targets.c.reaches)
        known = connection.execute(query).all()
    labels = {row.id: row.labels for row in known}
    exposed = {row.id: risks.exposed(row.labels, row.reaches) for row in known}
    written = 0
    for chunk in in_chunks(sorted(labels), _TARGETS):
        own = {number: labels[number] for number in chunk}
        with store.writing() as connection:
            written += _deadlines(connection, deadlines, own, now)
            written += _risks(connection, risks, {number: exposed[number] for number in chunk})
    with store.writing() as connection:
        summary = connection.scalar(select(runs.c.summary).where(runs.c.id == run)) or {}
        connection.execute(
            update(runs).where(runs.c.id == run).values(summary={**summary, _MARK: digest})
        )
    return written


def kept_mark(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the end of a run must keep of its summary."""
    return {_MARK: summary[_MARK]} if _MARK in summary else {}


class _Later(FunctionElement[datetime]):
    """SQL: a moment so many days after another, to the microsecond, on both databases."""

    name = "later"
    type = Moment()
    inherit_cache = True

    def __init__(self, moment: ColumnElement[Any], days: int) -> None:
        super().__init__(moment, literal(days))


@compiles(_Later, "sqlite")
def _later_sqlite(element: _Later, compiler: Any, **kw: Any) -> str:
    moment, days = (compiler.process(item, **kw) for item in element.clauses)
    return f"(strftime('%Y-%m-%d', {moment}, {days} || ' days') || substr({moment}, 11))"


@compiles(_Later, "postgresql")
def _later_postgresql(element: _Later, compiler: Any, **kw: Any) -> str:
    moment, days = (compiler.process(item, **kw) for item in element.clauses)
    return f"({moment} + {days} * interval '24 hours')"


def _deadlines(
    connection: Connection,
    policy: DeadlinePolicy,
    labels: Mapping[int, Mapping[str, str]],
    now: datetime,
) -> int:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for number, own in labels.items():
        groups[tuple(sorted(policy.days_for(own).items()))].append(number)
    written = 0
    for days, numbers in groups.items():
        table = dict(days)  # type: ignore[call-overload]
        due: ColumnElement[Any] = null()
        if table:
            due = case(
                {
                    severity.value: _Later(findings.c.opened_at, allowed)
                    for severity, allowed in table.items()
                },
                value=findings.c.severity,
                else_=null(),
            )
        breached = case((due <= literal(now, Moment), findings.c.breached_at), else_=null())
        within = findings.c.target_id.in_(numbers)
        written += connection.execute(
            update(findings)
            .where(_OPEN, within, findings.c.due_at.is_distinct_from(due))
            .values(due_at=due, breached_at=breached)
        ).rowcount
    return written


def _risks(connection: Connection, policy: RiskPolicy, exposure: Mapping[int, int]) -> int:
    groups: dict[int, list[int]] = defaultdict(list)
    for number, exposed in exposure.items():
        groups[exposed].append(number)
    plain = _OPEN
    if policy.knows_exploits:
        plain = and_(_OPEN, findings.c.kind != FindingKind.DEPENDENCY.value)
    written = 0
    for exposed, numbers in groups.items():
        wanted = cast(findings.c.rank, Integer) * without_exploits(1, 0) + exposed
        within = findings.c.target_id.in_(numbers)
        written += connection.execute(
            update(findings).where(plain, within, findings.c.risk != wanted).values(risk=wanted)
        ).rowcount
    if policy.knows_exploits:
        changed = list(_exploited(connection, policy, exposure))
        if changed:
            connection.execute(
                update(findings)
                .where(findings.c.id == bindparam("finding"))
                .values(risk=bindparam("now_risk")),
                changed,
            )
        written += len(changed)
    return written


def _exploited(
    connection: Connection, policy: RiskPolicy, exposure: Mapping[int, int]
) -> Iterator[dict[str, Any]]:
    """Open findings about advisories whose number is not what it should be."""
    query = select(findings.c.id, findings.c.rank, findings.c.target_id, findings.c.risk).where(
        _OPEN,
        findings.c.kind == FindingKind.DEPENDENCY.value,
        findings.c.target_id.in_(list(exposure)),
    )
    for chunk in in_chunks(connection.execute(query).all()):
        aliases: dict[str, set[str]] = defaultdict(set)
        said = select(witnesses.c.finding_id, witnesses.c.observation).where(
            witnesses.c.finding_id.in_([row.id for row in chunk]), witnesses.c.state.in_(PRESENT)
        )
        for finding, observation in connection.execute(said):
            # Of a long text one list: the codec would build all of it.
            aliases[finding].update(json.loads(observation).get("aliases", ()))
        for row in chunk:
            wanted = without_exploits(row.rank, exposure.get(row.target_id, 0))
            wanted += exploits(sorted(aliases[row.id]), policy)
            if wanted != row.risk:
                yield {"finding": row.id, "now_risk": wanted}
