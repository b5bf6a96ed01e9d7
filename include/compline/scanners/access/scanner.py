"""Theft of models: who fetched what out of habit, by the access logs of what hands models out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from compline.model import (
    Completed,
    Failed,
    Gap,
    GapReason,
    Look,
    Outcome,
    ScanKey,
    Skipped,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.access import memory as kept
from compline.scanners.access.activity import KEPT_DAYS
from compline.scanners.access.canary import CanaryMissed, prove
from compline.scanners.access.findings import RULES, observations
from compline.scanners.access.habits import MOST_PAIRS, since
from compline.scanners.access.judge import allowed, judge
from compline.scanners.access.memory import Memory
from compline.scanners.access.reading import Means, Reading
from compline.scanners.access.setup import Setup
from compline.scanners.interface import Job, ScanContext
from compline.scanners.live import Notes, looks_at
from compline.scanners.logs.files import files_of
from compline.scanners.logs.log import Log

ADAPTER = "1"
"""Raised whenever the same lines would be read or judged otherwise."""
_HABITS = "habits"
"""The path of gaps about what cannot be judged, though the lines were read."""
_GONE_DAYS = 30
"""How long it is remembered how far a file was read that is not there any more."""


class ModelAccess:
    """Downloads of models that are out of habit; only what has grown is read."""

    name = "model-access"
    kinds = frozenset({TargetKind.LOG})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """The parsers and rules, and of all targets the parameters."""
        access = [
            {"format": log.format, "access": log.access and log.access.model_dump(mode="json")}
            for log in context.config.targets.logs
        ]
        return _key(access)

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """Looks at each target in turn; whatever goes wrong with one is its own Failed look."""
        yield from looks_at(
            jobs,
            self.name,
            context,
            f"compline model-access {ADAPTER}",
            (CanaryMissed,),
            "downloads of models",
            partial(self._judge, context),
        )

    def _judge(self, context: ScanContext, job: Job, notes: Notes) -> Outcome:
        target = job.target
        if target.settings.get("format", "plain") == "plain":
            return Skipped("its format is plain: not an access log")
        setup = Setup.of(target)
        notes.key = _key([setup.format, setup.access.model_dump(mode="json")])
        prove(setup.format)
        settings = context.config.scanners.model_access
        logs, gaps = files_of(target.settings.get("files") or (), settings.newest)
        if not logs:
            why = f"{gaps[0].path} {gaps[0].detail}" if gaps else "no file has such a name"
            return Failed(f"no log could be looked at: {why}")
        today = context.now.astimezone(setup.zone).date()
        memory, usable = kept.from_bytes(context.memory(target.name, self.name), setup.reading)
        oldest = since(today, setup.access.habit_days)
        means = Means(setup.parse, setup.download_of(), setup.zone, context.now, oldest)
        reading = Reading(memory, means)
        logs.sort(key=lambda log: (log.written, log.shown))
        reading.read(logs, settings.read_mb << 20, time.monotonic() + settings.seconds)
        failed = _failure(setup, reading, logs, gaps, context.now)
        if failed is not None:
            return failed
        memory.forget(oldest, since(today, setup.access.keep_days), since(today, _GONE_DAYS))
        memory.activity.forget(since(today, KEPT_DAYS))
        memory.activity.whole = not (gaps or reading.gaps)
        recent = since(today, setup.access.keep_days)
        new = {(pair, day) for pair, day in reading.touched if day >= recent}
        memory.note(judge(memory.habits, new, setup.rules))
        gaps += reading.gaps
        gaps += _blind(setup, memory, reading, usable=usable, now=context.now, logs=logs)
        told = [e for e in memory.events.values() if not allowed(e.principal, setup.rules)]
        found = observations(told, self.name)
        notes.memory = kept.to_bytes(memory)
        notes.evidence.append(_evidence(target, reading, gaps))
        return Completed(found, tuple(gaps))


def _failure(
    setup: Setup, reading: Reading, logs: Sequence[Log], gaps: Sequence[Gap], now: datetime
) -> Failed | None:
    """Why nothing can be said at all; what was read then counts as not read."""
    total = reading.total
    if total.read and total.broken == total.read:
        return Failed(
            f"none of {total.read} new lines is of the format {setup.format}: see `format` and "
            "docs/checks/model-access.md for the log format that the server must write"
        )
    silent = _silent_since(setup, logs, now)
    if silent is not None and not total.read:
        return Failed(
            f"nothing was logged since {silent:%Y-%m-%d %H:%M} UTC: does the server still log, "
            "and here? (`access.silent_hours`)"
        )
    if reading.gaps and len(reading.gaps) >= len(logs) and not total.read:
        return Failed(f"no log could be read: {reading.gaps[0].path} {reading.gaps[0].detail}")
    return None


def _silent_since(setup: Setup, logs: Sequence[Log], now: datetime) -> datetime | None:
    last = datetime.fromtimestamp(max(log.written for log in logs), now.tzinfo)
    hours = setup.access.silent_hours
    return last if hours and now - last > timedelta(hours=hours) else None


def _blind(
    setup: Setup,
    memory: Memory,
    reading: Reading,
    *,
    usable: bool,
    now: datetime,
    logs: Sequence[Log],
) -> Iterator[Gap]:
    """What cannot be judged though the lines were read."""
    habits = memory.habits
    if not usable:
        detail = "the settings by which lines are read have changed: habits are learnt anew"
        yield Gap(GapReason.PARTIAL, _HABITS, detail)
    silent = _silent_since(setup, logs, now)
    if silent is not None:
        detail = f"nothing was logged since {silent:%Y-%m-%d %H:%M} UTC"
        yield Gap(GapReason.TRUNCATED, "", detail)
    today = now.astimezone(setup.zone).date()
    if habits.began is None or since(today, setup.access.learning_days) < habits.began:
        days = (today - habits.began).days if habits.began else 0
        detail = (
            f"learning: {days} of {setup.access.learning_days} days; until then only anonymous "
            "downloads and fixed quiet hours are seen"
        )
        yield Gap(GapReason.PARTIAL, _HABITS, detail)
    if not habits.pairs:
        detail = "no line so far is a download of a model: do `access.paths` fit?"
        yield Gap(GapReason.PARTIAL, _HABITS, detail)
    if reading.total.nameless:
        detail = "the log names no users: networks are taken for them, anonymous ones not seen"
        yield Gap(GapReason.UNSUPPORTED, "principals", detail, count=reading.total.nameless)
    if habits.left:
        detail = f"more than {MOST_PAIRS} pairs of principal and model; downloads left out"
        yield Gap(GapReason.TOO_MANY, _HABITS, detail, count=habits.left)


def _evidence(target: Target, reading: Reading, gaps: Sequence[Gap]) -> bytes:
    events = sorted(reading.memory.events.values(), key=lambda one: (one.day, one.rule))
    return canonical_json(
        {
            "target": target.name,
            "logs": reading.account,
            "events": [
                {
                    "rule": event.rule,
                    "principal": event.principal,
                    "model": event.model,
                    "day": event.day.isoformat(),
                    "detail": event.detail,
                }
                for event in events
            ],
            "gaps": [f"{gap.path} {gap.reason}: {gap.detail}" for gap in gaps],
        }
    )


def _key(options: object) -> ScanKey:
    return ScanKey(
        tool="compline", adapter=ADAPTER, rules=digest_of(sorted(RULES)), options=digest_of(options)
    )
