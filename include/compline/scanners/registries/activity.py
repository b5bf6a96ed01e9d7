"""When accounts were last seen, by what the access logs' looks have learned; MLflow keeps none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from compline.model import Gap, GapReason, Observation, Severity, Target
from compline.scanners.access import memory as kept
from compline.scanners.access.setup import Setup
from compline.scanners.interface import ScanContext
from compline.scanners.registries.facts import Activity, RegistryFacts
from compline.scanners.registries.policy import AccessPolicy
from compline.scanners.registries.rules import observed

_LOGS_ARE_READ_BY = "model-access"
_PLACE = "activity/"
_LATE_DAYS = 2
"""Days without a line, after which a log tells nothing of who was not there."""


def activity_of(target: Target, context: ScanContext) -> Activity | None:
    """What the logs that name the registry tell; None where none does."""
    logs = [
        log
        for log in context.config.targets.logs
        if log.access and log.access.registry == target.name
    ]
    if not logs:
        return None
    today = context.now.date()
    last: dict[str, date] = {}
    since: list[date] = []
    troubles: list[str] = []
    for log in logs:
        setup = Setup.made(log.format, log.access or Setup.of(target).access)
        value = context.memory(log.name, _LOGS_ARE_READ_BY)
        memory, usable = kept.from_bytes(value, setup.reading)
        seen = memory.activity
        trouble = ""
        if value is None or not usable:
            trouble = f"the log {log.name} has not been read yet"
        elif seen.began is None or seen.ended is None:
            trouble = f"the log {log.name} names no users"
        elif seen.left or not seen.whole:
            trouble = f"the log {log.name} was not read to its end"
        elif seen.ended < today - timedelta(days=_LATE_DAYS):
            trouble = f"the log {log.name} tells nothing since {seen.ended}"
        troubles += [trouble] if trouble else []
        since += [seen.began] if seen.began else []
        for user, day in seen.last.items():
            last[user] = max(day, last.get(user, day))
    return Activity(today, last, max(since, default=None), "; ".join(troubles))


def last_seen(user: str, activity: Activity | None) -> str:
    """When an account was last seen, for people."""
    if activity is None:
        return (
            "unknown: MLflow keeps no last login, and no access log names the registry "
            "(targets.logs, access.registry)"
        )
    if user in activity.last:
        return f"{activity.last[user]}, by its access log"
    return f"unknown: {activity.trouble}" if activity.trouble else f"not since {activity.since}"


def judged(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    """Declared accounts that nobody uses; the others are findings by being there."""
    activity = facts.activity
    if policy.unused_days is None or activity is None or activity.trouble:
        return
    declared = policy.users
    admins = policy.admins or frozenset()
    before = activity.today - timedelta(days=policy.unused_days)
    for user in facts.users or ():
        last = activity.last.get(user.name)
        if declared is not None and user.name not in declared | admins:
            continue
        if last is not None and last < before:
            told = f"{user.name} was last there on {last}"
        elif last is None and activity.since is not None and activity.since < before:
            told = f"{user.name} has not been there since {activity.since}, when its log begins"
        else:
            continue
        yield observed(
            scanner,
            "unused-account",
            f"{_PLACE}{user.name}",
            f"{told}; the policy says {policy.unused_days} days at most",
            severity=Severity.MEDIUM if user.admin else None,
        )


def gaps(facts: RegistryFacts, policy: AccessPolicy) -> tuple[Gap, ...]:
    """Why it cannot be told who does not use an account, where the policy asks for it."""
    if policy.unused_days is None:
        return ()
    activity = facts.activity
    if activity is None:
        detail = "no access log names the registry (targets.logs, access.registry)"
        return (Gap(GapReason.UNSUPPORTED, _PLACE, detail),)
    if activity.trouble:
        return (Gap(GapReason.TRUNCATED, _PLACE, activity.trouble),)
    if activity.since is None or activity.today - activity.since <= timedelta(policy.unused_days):
        detail = (
            f"its logs begin on {activity.since}: too short to tell who was not there for "
            f"{policy.unused_days} days"
        )
        return (Gap(GapReason.TRUNCATED, _PLACE, detail),)
    return ()
