"""One transaction that turns what got worse, or well, into deliveries.

Everything that routing may look at is read under a lock, a pure planner says what to send, and
deliveries, threads and what waits are written together with the mark on the regressions: whoever
dies on the way has done nothing, and two that route at once do it one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from compline.store.digests import Wait, Waiting, drop_entries, due_entries, write_waits
from compline.store.handle import Store
from compline.store.ids import is_finding_id
from compline.store.rows import clean, in_chunks
from compline.store.schema import deliveries, regressions
from compline.store.threads import (
    Thread,
    Well,
    open_under,
    read_threads,
    settled_findings,
    silent_since,
    thread_subject,
    well_again,
    write_threads,
)
from compline.store.worse import RegressionView, regression_view, select_regressions


@dataclass(frozen=True, slots=True)
class Inbox:
    """What there is to route."""

    fresh: tuple[RegressionView, ...] = ()
    """What nobody has routed yet, the oldest first."""
    due: tuple[Waiting, ...] = ()
    """What has waited for a digest or for the end of quiet hours."""
    well: tuple[Well, ...] = ()
    silent: tuple[Thread, ...] = ()
    """Open threads in which nothing was said for as long as a reminder waits."""
    threads: Mapping[tuple[str, str], Thread] = field(default_factory=dict)
    """By channel and subject: of all of the above."""
    settled: frozenset[str] = frozenset()
    """Findings among them that are resolved, merged or waived by now."""
    open_under: Mapping[str, int] = field(default_factory=dict)
    """First delivery to the number of open threads that began with it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message for a channel."""

    id: str
    """Of the delivery; never changes."""
    channel: str
    subject: str
    """What the thread is about."""
    payload: Mapping[str, Any]
    """Plain JSON values, without secrets."""
    thread: str = ""
    """The delivery that began the thread; empty: this one."""
    rule: str = ""
    event: str = "opened"
    run: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What routing has decided."""

    drafts: tuple[Draft, ...] = ()
    threads: tuple[Thread, ...] = ()
    """As they are from now on."""
    waits: tuple[Wait, ...] = ()
    done: tuple[int, ...] = ()
    """Numbers of the entries in `due` that wait no longer."""


Planner = Callable[[Inbox], Plan]


def route(
    store: Store,
    planner: Planner,
    now: datetime,
    *,
    silent_since: datetime | None = None,
    only: Sequence[int] | None = None,
) -> Plan:
    """Routes everything that is there; gives what was decided.

    Args:
        store: where.
        planner: called inside the transaction; if it raises, nothing has happened.
        now: the time.
        silent_since: threads in which nothing was said since then are offered for a reminder;
            None offers none.
        only: numbers of the fresh regressions to route; None: all of them.
    """
    with store.writing() as connection:
        _alone(connection)
        inbox = read_inbox(connection, now, silent=silent_since, only=only)
        plan = planner(inbox)
        _write_drafts(connection, plan.drafts, now)
        write_threads(connection, plan.threads)
        write_waits(connection, plan.waits)
        drop_entries(connection, plan.done)
        for chunk in in_chunks([view.id for view in inbox.fresh]):
            connection.execute(
                update(regressions).where(regressions.c.id.in_(chunk)).values(routed=True)
            )
    return plan


def inbox_of(store: Store, now: datetime, silent_since: datetime | None = None) -> Inbox:
    """What `route` would find at that time; by when it runs, more may be fresh."""
    with store.reading() as connection:
        return read_inbox(connection, now, silent=silent_since)


def read_inbox(
    connection: Connection,
    now: datetime,
    *,
    silent: datetime | None = None,
    only: Sequence[int] | None = None,
) -> Inbox:
    """Everything that routing may look at."""
    fresh = _unrouted(connection, only)
    due = due_entries(connection, now)
    well = well_again(connection, now)
    quiet = silent_since(connection, silent) if silent is not None else ()
    views = [*fresh, *(entry.view for entry in due)]
    subjects = [thread_subject(view.regression) for view in views]
    known = read_threads(connection, subjects)
    known |= {(one.channel, one.subject): one for one in (*quiet, *(w.thread for w in well))}
    ids = [view.regression.subject for view in views if is_finding_id(view.regression.subject)]
    return Inbox(
        fresh,
        due,
        well,
        quiet,
        known,
        frozenset(settled_findings(connection, ids, now)),
        open_under(connection, [one.thread.root for one in well]),
    )


def _alone(connection: Connection) -> None:
    """One router at a time; on SQLite there is one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE threads IN SHARE ROW EXCLUSIVE MODE")


def _unrouted(connection: Connection, only: Sequence[int] | None) -> tuple[RegressionView, ...]:
    query = select_regressions().where(regressions.c.routed.is_(False)).order_by(regressions.c.id)
    rows = connection.execute(query).all()
    chosen = None if only is None else set(only)
    return tuple(regression_view(row) for row in rows if chosen is None or row.id in chosen)


def _write_drafts(connection: Connection, drafts: Sequence[Draft], now: datetime) -> None:
    if drafts:
        connection.execute(
            insert(deliveries),
            [
                {
                    "id": draft.id,
                    "run_id": draft.run,
                    "channel": draft.channel,
                    "rule": draft.rule,
                    "event": draft.event,
                    "subject": clean(draft.subject),
                    "thread": draft.thread or draft.id,
                    "payload": dict(draft.payload),
                    "state": "pending",
                    "attempts": 0,
                    "not_before": now,
                    "error": "",
                    "created_at": now,
                }
                for draft in drafts
            ],
        )
