"""Writes a decision of the lifecycle: set-based, in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, delete, select, update

from compline.codec import dump_observation
from compline.findings.decision import Decision, FindingChange, Urgency
from compline.findings.regressions import Regression, RegressionKind
from compline.model import Observation, State
from compline.store.bulk import insert_rows
from compline.store.columns import Moment
from compline.store.facts import write_facts
from compline.store.merges import merge
from compline.store.rows import clean, in_chunks, recall_keys
from compline.store.schema import events, findings, regressions, witnesses
from compline.store.summary import scanners_text, summarise
from compline.store.waived import write_waiver_changes


def write_decision(
    connection: Connection,
    decision: Decision,
    *,
    run: int,
    target: int,
    at: datetime,
    now: datetime,
) -> None:
    """Writes everything that the decision changes, and nothing else.

    Args:
        connection: a writing transaction that holds the target.
        decision: of the lifecycle.
        run: the run that looked.
        target: the target's number.
        at: when the looks were taken; findings and witnesses are first seen then.
        now: the time of writing, for events.
    """
    seen_by: dict[str, set[str]] = defaultdict(set)
    for item in decision.added:
        seen_by[item.finding].add(item.observation.scanner)
    if decision.opened:
        insert_rows(
            connection,
            findings,
            [
                {
                    "id": item.id,
                    "target_id": target,
                    "kind": item.kind.value,
                    "state": State.OPEN.value,
                    "severity": item.severity.value,
                    "rank": item.severity.rank,
                    "confidence": item.confidence.value,
                    "title": clean(item.title),
                    "first_seen": at,
                    "first_revision": item.revision,
                    "first_run": run,
                    "opened_run": run,
                    "opened_at": at,
                    "cause": "",
                    "risk": item.risk,
                    "due_at": item.due_at,
                    "scanners": scanners_text(seen_by.pop(item.id)),
                }
                for item in decision.opened
            ],
        )
    if decision.added:
        insert_rows(
            connection,
            witnesses,
            [
                {
                    "finding_id": item.finding,
                    "target_id": target,
                    "scanner": item.observation.scanner,
                    "state": "seen",
                    "key": recall_keys(item.observation)[0],
                    "observation": _text(item.observation),
                    "first_seen": at,
                    "first_revision": item.revision,
                    "first_run": run,
                }
                for item in decision.added
            ],
        )
    _update_witnesses(connection, decision)
    _update_findings(connection, decision.findings, run, at)
    _update_urgency(connection, decision.urgencies, now)
    told = merge(connection, decision.merged, decision.events)
    touched = {*seen_by, *(name for pair in decision.merged for name in pair)}
    touched |= _turned(connection, decision)
    if decision.opened or decision.findings or touched:
        summarise(connection, target, touched)
    if told:
        insert_rows(
            connection,
            events,
            [
                {
                    "finding_id": item.finding,
                    "run_id": run,
                    "at": now,
                    "kind": item.kind.value,
                    "data": dict(item.data),
                }
                for item in told
            ],
        )
    write_waiver_changes(connection, decision.waivers, now)
    write_facts(connection, decision.facts, run=run, target=target, at=at)
    write_regressions(connection, decision.regressions, run=run, target=target, now=now)


def write_regressions(
    connection: Connection,
    worse: tuple[Regression, ...],
    *,
    run: int | None,
    target: int | None,
    now: datetime,
) -> None:
    """The outbox's input, in the same transaction as the change that it tells of.

    Without a target they are about the whole organisation.
    """
    if worse:
        insert_rows(
            connection,
            regressions,
            [
                {
                    "run_id": run,
                    "target_id": target,
                    "scanner": item.scanner,
                    "kind": item.kind.value,
                    "subject": item.subject,
                    "severity": item.severity.value if item.severity else None,
                    "title": clean(item.title),
                    "detail": clean(item.detail),
                    "cause": item.cause.as_json(),
                    "at": now,
                    "routed": False,
                }
                for item in worse
            ],
        )


def withdraw_lost_coverage(connection: Connection, *, run: int, target: int, scanner: str) -> None:
    """A retry of this run could look after all: what nobody was told yet is not told."""
    connection.execute(
        delete(regressions).where(
            regressions.c.run_id == run,
            regressions.c.target_id == target,
            regressions.c.scanner == scanner,
            regressions.c.kind == RegressionKind.COVERAGE_LOST.value,
            regressions.c.routed.is_(False),
        )
    )


def _update_witnesses(connection: Connection, decision: Decision) -> None:
    moved, stayed = [], []
    for item in decision.witnesses:
        values = {"number": item.id, "now_state": item.state.value, "now_seen": item.last_seen}
        if item.observation is None:
            stayed.append(values)
        else:
            values["now_key"] = recall_keys(item.observation)[0]
            values["now_observation"] = _text(item.observation)
            moved.append(values)
    statement = (
        update(witnesses)
        .where(witnesses.c.id == bindparam("number"))
        .values(state=bindparam("now_state"), last_seen=bindparam("now_seen"))
    )
    if stayed:
        connection.execute(statement, stayed)
    if moved:
        connection.execute(
            statement.values(key=bindparam("now_key"), observation=bindparam("now_observation")),
            moved,
        )


def _turned(connection: Connection, decision: Decision) -> set[str]:
    """The findings of witnesses that came back, went, or are seen less well than before."""
    turned = [item.id for item in decision.witnesses if item.state is not item.was]
    return {
        finding
        for chunk in in_chunks(turned)
        for finding in connection.scalars(
            select(witnesses.c.finding_id).where(witnesses.c.id.in_(chunk))
        )
    }


def _update_findings(
    connection: Connection, changes: tuple[FindingChange, ...], run: int, at: datetime
) -> None:
    statement = (
        update(findings)
        .where(findings.c.id == bindparam("number"))
        .values(
            state=bindparam("now_state"),
            severity=bindparam("now_severity"),
            rank=bindparam("now_rank"),
            confidence=bindparam("now_confidence"),
            title=bindparam("now_title"),
        )
    )
    resolved = statement.values(resolved_run=run, resolved_at=at, cause=bindparam("now_cause"))
    reopened = statement.values(
        resolved_run=None,
        resolved_at=None,
        cause="",
        opened_run=run,
        opened_at=at,
    )
    for chosen, items in (
        (resolved, [item for item in changes if item.state is State.RESOLVED]),
        (reopened, [item for item in changes if item.reopened]),
        (
            statement,
            [item for item in changes if item.state is State.OPEN and not item.reopened],
        ),
    ):
        if items:
            connection.execute(
                chosen,
                [
                    {
                        "number": item.id,
                        "now_state": item.state.value,
                        "now_severity": item.severity.value,
                        "now_rank": item.severity.rank,
                        "now_confidence": item.confidence.value,
                        "now_title": clean(item.title),
                    }
                    | ({"now_cause": item.cause} if item.state is State.RESOLVED else {})
                    for item in items
                ],
            )


def _update_urgency(connection: Connection, urgencies: tuple[Urgency, ...], now: datetime) -> None:
    if urgencies:
        connection.execute(
            update(findings)
            .where(findings.c.id == bindparam("number"))
            .values(
                risk=bindparam("now_risk"),
                due_at=bindparam("now_due"),
                # A deadline that lies ahead again can be missed again.
                breached_at=case(
                    (bindparam("now_due", type_=Moment) <= now, findings.c.breached_at),
                    else_=None,
                ),
            ),
            [
                {"number": item.finding, "now_risk": item.risk, "now_due": item.due_at}
                for item in urgencies
            ],
        )


def _text(observation: Observation) -> str:
    return dump_observation(observation).decode()
