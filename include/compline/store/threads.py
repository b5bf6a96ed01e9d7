"""What has been said to whom: one thread per subject and channel, and when it is well again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from compline.findings.facts import TOLD
from compline.findings.known import WitnessState
from compline.findings.regressions import Regression
from compline.model import RegressionKind, Severity, State
from compline.store.ids import is_finding_id
from compline.store.rows import clean, in_chunks
from compline.store.schema import alarms, findings, heads, targets, threads, witnesses

_ONCE = TOLD | {RegressionKind.BASELINE, RegressionKind.WAIVER_EXPIRED}
"""Kinds that are told and done: nothing of them could become well again. Of a finding they belong
to its thread, which is another matter."""

A_RUN = "run:"
"""How the subject begins where another DAG tells of one run of it, which is over."""


@dataclass(frozen=True, slots=True)
class Thread:
    """What one channel has been told of one subject."""

    channel: str
    subject: str
    """See `thread_subject`."""
    rule: str
    kind: RegressionKind
    """Of the regression that was told last."""
    about: str
    """The regression's own subject."""
    target: str
    scanner: str
    severity: Severity | None
    title: str
    """The subject line of all its messages."""
    root: str
    """Its first delivery, which may have told of other subjects too."""
    open: bool
    opened_at: datetime
    last_sent_at: datetime
    reminders: int = 0


@dataclass(frozen=True, slots=True)
class Well:
    """An open thread whose subject is well again."""

    thread: Thread
    why: str


def thread_subject(regression: Regression) -> str:
    """What its thread is about: a finding, whatever happens to it; else kind and subject."""
    if is_finding_id(regression.subject):
        return regression.subject
    return f"{regression.kind.value}:{regression.subject}"


def told_once(regression: Regression) -> bool:
    """Whether its thread ends with the first message."""
    if regression.kind is RegressionKind.REPORTED:
        return regression.subject.startswith(A_RUN)
    return regression.kind in _ONCE and not is_finding_id(regression.subject)


def read_threads(connection: Connection, subjects: Iterable[str]) -> dict[tuple[str, str], Thread]:
    """The threads about these subjects, by channel and subject."""
    found = {}
    for chunk in in_chunks(sorted(set(subjects))):
        for row in connection.execute(select(threads).where(threads.c.subject.in_(chunk))):
            found[row.channel, row.subject] = _thread(row)
    return found


def silent_since(connection: Connection, moment: datetime) -> tuple[Thread, ...]:
    """Open threads in which nothing was said since then, the oldest first."""
    query = (
        select(threads)
        .where(threads.c.state == "open", threads.c.last_sent_at <= moment)
        .order_by(threads.c.last_sent_at, threads.c.id)
    )
    return tuple(_thread(row) for row in connection.execute(query))


def open_under(connection: Connection, roots: Iterable[str]) -> dict[str, int]:
    """How many threads are open under these first deliveries."""
    counts: dict[str, int] = {}
    for chunk in in_chunks(sorted(set(roots))):
        query = (
            select(threads.c.root, func.count().label("number"))
            .where(threads.c.root.in_(chunk), threads.c.state == "open")
            .group_by(threads.c.root)
        )
        counts.update({row.root: row.number for row in connection.execute(query)})
    return counts


def write_threads(connection: Connection, changed: Sequence[Thread]) -> None:
    """Makes the threads what they are given as."""
    if not changed:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(threads)
    names = set(threads.c.keys()) - {"id", "channel", "subject"}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["channel", "subject"],
            set_={name: statement.excluded[name] for name in names},
        ),
        [
            {
                "channel": one.channel,
                "subject": one.subject,
                "rule": one.rule,
                "kind": one.kind.value,
                "about": one.about,
                "target": one.target,
                "scanner": one.scanner,
                "severity": one.severity.value if one.severity else None,
                "title": clean(one.title),
                "root": one.root,
                "state": "open" if one.open else "closed",
                "opened_at": one.opened_at,
                "last_sent_at": one.last_sent_at,
                "reminders": one.reminders,
            }
            for one in changed
        ],
    )


def well_again(connection: Connection, now: datetime) -> tuple[Well, ...]:
    """The open threads that have come to a good end, the oldest first."""
    found = [*_well_findings(connection, now), *_well_looks(connection), *_ended(connection)]
    return tuple(sorted(found, key=lambda one: (one.thread.opened_at, one.thread.subject)))


def settled_findings(connection: Connection, ids: Iterable[str], now: datetime) -> set[str]:
    """Those of the findings that are resolved, merged away or waived."""
    settled: set[str] = set()
    for chunk in in_chunks(sorted(set(ids))):
        query = select(findings.c.id).where(
            findings.c.id.in_(chunk),
            or_(_settled(findings, now), findings.c.merged_into.is_not(None)),
        )
        settled.update(connection.scalars(query))
    return settled


def _settled(table: Any, now: datetime) -> Any:
    return or_(table.c.state == State.RESOLVED.value, table.c.waived_until > now)


def _well_findings(connection: Connection, now: datetime) -> Iterable[Well]:
    """What was merged ends with the finding that it turned out to be: merging is no news."""
    told, whole = findings.alias("told"), findings.alias("whole")
    query = (
        select(threads, whole.c.cause, whole.c.waived_until, whole.c.state.label("finding_state"))
        .join(told, told.c.id == threads.c.subject)
        .join(whole, whole.c.id == func.coalesce(told.c.merged_into, told.c.id))
        .where(threads.c.state == "open", _settled(whole, now))
    )
    for row in connection.execute(query):
        if row.finding_state == State.RESOLVED.value:
            why = f"resolved ({row.cause})" if row.cause else "resolved"
        else:
            why = f"waived until {row.waived_until:%Y-%m-%d}"
        yield Well(_thread(row), why)


_OF_LOOKS = (
    RegressionKind.COVERAGE_LOST,
    RegressionKind.CANARY_MISSED,
    RegressionKind.DROP_HELD,
    RegressionKind.ADVISORIES_STALE,
    RegressionKind.TARGET_VANISHED,
    RegressionKind.TARGET_STALE,
)


def _well_looks(connection: Connection) -> Iterable[Well]:
    """Threads about looks at a target, by the heads of its scanners."""
    query = (
        select(
            threads, targets.c.id.label("number"), targets.c.state.label("target_state"),
            heads.c.outcome, heads.c.held_lost, heads.c.stale_advisories, heads.c.completed_at,
        )
        .join(targets, targets.c.name == threads.c.target)
        .outerjoin(
            heads,
            and_(
                heads.c.target_id == targets.c.id,
                or_(heads.c.scanner == threads.c.scanner, threads.c.scanner == ""),
            ),
        )
        .where(threads.c.state == "open", threads.c.kind.in_([kind.value for kind in _OF_LOOKS]))
    )  # fmt: skip
    rows = connection.execute(query).all()
    hidden = _hidden(connection, {row.number for row in rows})
    found: dict[tuple[str, str], Well] = {}
    for row in rows:
        why = _why_well(row, hidden)
        if why:
            found[row.channel, row.subject] = Well(_thread(row), why)
    return found.values()


def _why_well(row: Any, hidden: set[tuple[int, str]]) -> str:
    """Empty while it is not."""
    kind = RegressionKind(row.kind)
    if kind is RegressionKind.TARGET_VANISHED:
        return "it is listed again" if row.target_state == "listed" else ""
    if row.target_state == "vanished":
        return "the target is no longer listed"
    if kind is RegressionKind.TARGET_STALE:
        looked = row.completed_at is not None and row.completed_at > row.opened_at
        return "it was looked at again" if looked else ""
    if kind is RegressionKind.DROP_HELD:
        return "nothing is held any more" if row.held_lost == 0 else ""
    if kind is RegressionKind.ADVISORIES_STALE:
        return "the advisories are recent again" if row.stale_advisories is False else ""
    covered = row.outcome == "completed" and (row.number, row.scanner) not in hidden
    return "it is covered again" if covered else ""


def _hidden(connection: Connection, numbers: set[int]) -> set[tuple[int, str]]:
    """Targets and scanners that have findings in a gap."""
    query = (
        select(witnesses.c.target_id, witnesses.c.scanner)
        .where(
            witnesses.c.state == WitnessState.UNSEEN.value,
            witnesses.c.target_id.in_(sorted(numbers)),
        )
        .distinct()
    )
    return {(number, scanner) for number, scanner in connection.execute(query)}


def _ended(connection: Connection) -> Iterable[Well]:
    """Threads about alarms that are no longer on."""
    kinds = [RegressionKind.SILENCE, RegressionKind.HEALTH, RegressionKind.REPORTED]
    on = select(alarms.c.kind, alarms.c.subject)
    query = select(threads).where(
        threads.c.state == "open",
        or_(
            threads.c.kind.in_([kind.value for kind in kinds]),
            and_(threads.c.kind == RegressionKind.ADVISORIES_STALE.value, threads.c.target == ""),
        ),
        tuple_(threads.c.kind, threads.c.about).not_in(on),
    )
    return [Well(_thread(row), "it is well again") for row in connection.execute(query)]


def _thread(row: Any) -> Thread:
    return Thread(
        channel=row.channel,
        subject=row.subject,
        rule=row.rule,
        kind=RegressionKind(row.kind),
        about=row.about,
        target=row.target,
        scanner=row.scanner,
        severity=Severity(row.severity) if row.severity else None,
        title=row.title,
        root=row.root,
        open=row.state == "open",
        opened_at=row.opened_at,
        last_sent_at=row.last_sent_at,
        reminders=row.reminders,
    )
