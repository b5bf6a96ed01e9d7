"""Advisories of live sources, brought up to date ahead of the night.

The night would ask by itself. Asked before it, a source that is down or that no firewall lets
through is told while there is time to mend it, and the night finds its answers kept.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from compline.config.schema import Config, Schedule
from compline.model import RegressionKind, Severity
from compline.pipeline.progress import Progress
from compline.pipeline.request import Request, select_targets
from compline.pipeline.session import Session
from compline.scanners.interface import CannotScan, Job, ScanContext
from compline.store.alarms import beat, end_alarm, pulse, raise_alarm
from compline.store.looks import last_looks

_AHEAD = timedelta(hours=2)
"""Of a night; never more than half of `advisories.recheck_hours`, so that what is asked now still
counts then."""
_RECENT_HOURS = 1
"""What was asked for so recently is not asked for again."""
_OSV, _TRIVY = "advisories/osv", "advisories/trivy-db"


def refreshed(config: Config) -> tuple[str, ...]:
    """The subjects of live sources, as far as an enabled scanner asks them."""
    scanners, advisories = config.scanners, config.advisories
    osv = advisories.osv == "online" and scanners.of("pip-audit").enabled
    by_trivy = any(
        scanners.of(name).enabled and "vuln" in scanners.of(name).scanners
        for name in ("trivy", "trivy-image")
    )
    live = str(advisories.trivy_db) == "online" or str(advisories.trivy_db).startswith("oci://")
    return (*([_OSV] if osv else []), *([_TRIVY] if live and by_trivy else []))


def refresh(session: Session) -> dict[str, str]:
    """Asks each live source if a night is near; gives what went wrong by subject.

    A source that fails is alarmed about, and asked again at the next call.
    """
    failed = {}
    for subject in refreshed(session.config):
        if not _is_time(session, subject):
            continue
        try:
            _ask(session, subject)
        except CannotScan as error:
            failed[subject] = str(error)
            title = f"{subject} could not be refreshed ahead of the night: {error}"
            kind = RegressionKind.HEALTH
            raise_alarm(session.store, kind, subject, Severity.HIGH, title, "", session.now())
            session.report(Progress("refresh", title, "✗"))
        else:
            beat(session.store, subject, session.now())
            end_alarm(session.store, RegressionKind.HEALTH, subject)
    return failed


def _is_time(session: Session, subject: str) -> bool:
    half = timedelta(hours=session.config.advisories.recheck_hours) / 2
    ahead, now, last = min(_AHEAD, half), session.now(), pulse(session.store, subject)
    nights = [next_due(schedule, now) for schedule in session.config.schedules.values()]
    near = [night for night in nights if night is not None and night - now <= ahead]
    return bool(near) and (last is None or last.at <= now - half)


def next_due(schedule: Schedule, after: datetime) -> datetime | None:
    """When it starts next; None where its time cannot be read, which `compline health` tells."""
    try:
        due: datetime = croniter(
            schedule.cron, after.astimezone(ZoneInfo(schedule.timezone))
        ).get_next(datetime)
    except (CroniterError, ZoneInfoNotFoundError, ValueError):
        return None
    return due


def _ask(session: Session, subject: str) -> None:
    # Not at the top: each start of the command line would load them for `compline health`.
    from compline.scanners.pip_audit.scanner import refresh as refresh_osv
    from compline.scanners.trivy.command import database_of

    context = _impatient(session.scan_context())
    if subject == _OSV:
        listed = {one.name: one for one in select_targets(session.config, Request())}
        jobs = [
            Job(listed[look.target], look.revision)
            for look in last_looks(session.store).values()
            if look.scanner == "pip-audit" and look.target in listed
        ]
        text = f"OSV answers for {refresh_osv(jobs, context)} releases are recent"
    else:
        database = database_of(context)
        if database.warnings:
            raise CannotScan("; ".join(database.warnings))
        text = f"the Trivy database is of {database.date}"
    session.report(Progress("refresh", text, "✓"))


def _impatient(context: ScanContext) -> ScanContext:
    """For which an answer is old after an hour."""
    recent = context.config.advisories.model_copy(update={"recheck_hours": _RECENT_HOURS})
    return replace(context, config=context.config.model_copy(update={"advisories": recent}))
