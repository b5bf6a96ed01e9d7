"""Whether Compline itself is well: what an outside monitor asks, and what upkeep alarms about."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from compline.config.alerts import CONSOLE
from compline.config.schema import Schedule
from compline.model import RegressionKind, Severity
from compline.pipeline.distrust import distrusted, subject_of
from compline.pipeline.recheck import rechecked
from compline.pipeline.refresh import refreshed
from compline.pipeline.session import Session
from compline.store.alarms import alarms_on, beat, end_alarm, pulse, raise_alarm
from compline.store.outbox import count_dead
from compline.store.vitals import advisory_dates, first_sign, last_started, oldest_waiting

UPKEEP = "upkeep"
"""The heartbeat of the upkeep DAG."""
_ASKED = "health"
_SILENT_UPKEEPS = 4
"""Rounds of upkeep that may fail to appear."""
_COMPARED_WITHIN = timedelta(days=7)
"""A sample of the cache is compared each day, as far as the time goes."""
_EARLY = timedelta(minutes=1)
"""Clocks differ: a run that started so much before its time is the run of that time."""
_KINDS = (RegressionKind.SILENCE, RegressionKind.HEALTH, RegressionKind.ADVISORIES_STALE)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that should be so."""

    subject: str
    """Stable: `schedule/nightly/start`, `outbox`, ..."""
    ok: bool
    says: str
    """What is so; where it is not well, what to do."""
    kind: RegressionKind = RegressionKind.HEALTH
    severity: Severity = Severity.HIGH


def check_health(session: Session) -> tuple[Check, ...]:
    """Everything that can be asked of a store that can be opened."""
    return (
        *_writing(session),
        *(
            check
            for name, schedule in session.config.schedules.items()
            for check in _schedule(session, name, schedule)
        ),
        _upkeep(session),
        _outbox(session),
        _dead(session),
        *_advisories(session),
        *_refreshes(session),
        *_cache(session),
    )


def alarm(session: Session) -> tuple[Check, ...]:
    """Tells what is not well, once until it is well again; gives what is not well now."""
    store, now = session.store, session.now()
    bad = tuple(check for check in check_health(session) if not check.ok)
    for check in bad:
        title = f"{check.subject}: {check.says}"
        raise_alarm(store, check.kind, check.subject, check.severity, title, "", now)
    still = {(check.kind.value, check.subject) for check in bad}
    for kind, subject in alarms_on(store, _KINDS):
        if (kind, subject) not in still:
            end_alarm(store, RegressionKind(kind), subject)
    return bad


def _writing(session: Session) -> Iterator[Check]:
    try:
        beat(session.store, _ASKED, session.now())
    except Exception as error:  # each database has its own ways to be unable
        yield Check("store", False, f"it cannot be written ({type(error).__name__})")
    else:
        yield Check("store", True, "it can be written")
    try:
        with tempfile.TemporaryFile(dir=session.workspace) as file:
            file.write(os.urandom(4096))
            file.flush()
    except OSError as error:
        yield Check("workspace", False, f"{session.workspace} cannot be written: {error.strerror}")
    else:
        yield Check("workspace", True, "it can be written")


def _schedule(session: Session, name: str, schedule: Schedule) -> Iterator[Check]:
    settings, now = session.config.health, session.now()
    subject = f"schedule/{name}"
    kind, severity = RegressionKind.SILENCE, Severity.CRITICAL
    try:
        expected = _last_due(schedule, now - timedelta(minutes=settings.start_minutes))
    except (CroniterError, ZoneInfoNotFoundError, ValueError) as error:
        yield Check(f"{subject}/start", False, f"its time cannot be read: {error}", kind, severity)
        return
    last = last_started(session.store, name)
    began = first_sign(session.store)
    started = last is not None and last[0] >= expected - _EARLY
    if started or began is None or began > expected:
        says = f"last started {_moment(last[0])}" if last else "not due yet"
        yield Check(f"{subject}/start", True, says, kind, severity)
    else:
        says = f"it did not start at {_moment(expected)}: see the DAG compliance_{name} in Airflow"
        yield Check(f"{subject}/start", False, says, kind, severity)
    limit = timedelta(hours=settings.finish_hours)
    if last is not None and last[1] is None and last[0] + limit <= now:
        says = (
            f"it started {_moment(last[0])} and has not finished: "
            f"see the DAG compliance_{name} in Airflow"
        )
        yield Check(f"{subject}/finish", False, says, kind, severity)
    else:
        says = f"last finished {_moment(last[1])}" if last and last[1] else "not due yet"
        yield Check(f"{subject}/finish", True, says, kind, severity)


def _last_due(schedule: Schedule, before: datetime) -> datetime:
    local = before.astimezone(ZoneInfo(schedule.timezone))
    due: datetime = croniter(schedule.cron, local).get_prev(datetime)
    return due.astimezone(UTC)


def _upkeep(session: Session) -> Check:
    last, now = pulse(session.store, UPKEEP), session.now()
    if last is None:
        return Check(UPKEEP, True, "the DAG compliance_upkeep has not run here yet")
    times = croniter(session.config.health.upkeep_cron, last.at.astimezone(UTC))
    due = [times.get_next(datetime) for _ in range(_SILENT_UPKEEPS)][-1]
    says = f"last ran {_moment(last.at)}"
    if now <= due:
        return Check(UPKEEP, True, says)
    return Check(UPKEEP, False, f"{says}: see the DAG compliance_upkeep in Airflow")


def _outbox(session: Session) -> Check:
    now = session.now()
    since, number = oldest_waiting(session.store, now)
    limit = timedelta(minutes=session.config.health.outbox_minutes)
    if since is None:
        return Check("outbox", True, "nothing waits")
    says = f"{number} wait, the oldest since {_moment(since)}"
    if since + limit > now:
        return Check("outbox", True, says)
    return Check("outbox", False, f"{says}: see `compline alerts list --state pending`")


def _dead(session: Session) -> Check:
    alerts = session.config.alerts
    known = {CONSOLE, *(channel.name for channel in alerts.channels)}
    dead = {name: n for name, n in count_dead(session.store).items() if name in known}
    if not dead:
        return Check("dead-letters", True, "none")
    counts = ", ".join(f"{number} to {name}" for name, number in sorted(dead.items()))
    says = f"{counts} were given up: see `compline alerts list --state dead`, then retry them"
    return Check("dead-letters", False, says)


def _advisories(session: Session) -> Iterator[Check]:
    limit = session.config.advisories.max_age_days
    for scanner, newest in sorted(advisory_dates(session.store).items()):
        subject = f"advisories/{scanner}"
        kind = RegressionKind.ADVISORIES_STALE
        try:
            age = (session.now().date() - date.fromisoformat(newest[:10])).days
        except ValueError:
            yield Check(subject, False, f"their date {newest!r} cannot be read", kind)
            continue
        says = f"of {newest[:10]}, {age} days old"
        if age > limit:
            says += f", beyond the {limit} of advisories.max_age_days: refresh their source"
        yield Check(subject, age <= limit, says, kind)


def _refreshes(session: Session) -> Iterator[Check]:
    """What `refresh` has written down about live sources."""
    failing = alarms_on(session.store, [RegressionKind.HEALTH])
    for subject in refreshed(session.config):
        since = failing.get((RegressionKind.HEALTH.value, subject))
        last = pulse(session.store, subject)
        asked = (
            f"last refreshed {_moment(last.at)}" if last else "not refreshed ahead of a night yet"
        )
        if since is None:
            yield Check(subject, True, asked)
        else:
            says = (
                f"it cannot be refreshed since {_moment(since)} ({asked}): see the task `refresh`"
            )
            yield Check(subject, False, says)


def _cache(session: Session) -> Iterator[Check]:
    """What `recheck` has written down about cached results."""
    if not session.config.health.recheck_minutes:
        return
    since = distrusted(session.store)
    for scanner in rechecked(session):
        subject, last = subject_of(scanner), pulse(session.store, subject_of(scanner))
        says = f"compared with a new scan {_moment(last.at)}" if last else "not compared yet"
        if scanner in since:
            text = (
                f"a cached result was wrong at {_moment(since[scanner])}: what was kept with it is "
                "dropped, and every target is looked at anew; over when a new sample agrees"
            )
            yield Check(subject, False, text)
        elif last is not None and last.at + _COMPARED_WITHIN < session.now():
            yield Check(subject, False, f"{says}, and not since: see the task `recheck`")
        else:
            yield Check(subject, True, says)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
