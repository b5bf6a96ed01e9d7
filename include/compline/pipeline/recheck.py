"""Whether the results cache is still right: each day a small sample of it is scanned again.

Nothing of it is recorded: the looks count for nothing, and their evidence is not kept. What differs
is told, everything that the scanner keeps under that key is dropped, and its last looks are not
reused until they were taken anew (see `distrust`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from compline.model import Failed, RegressionKind, ScanKey, Severity, Target, digest_of
from compline.pipeline.distrust import distrusted, is_trusted, subject_of
from compline.pipeline.inputs import Inputs
from compline.pipeline.progress import Progress
from compline.pipeline.request import Request, select_targets
from compline.pipeline.sampled import Differing, SampledCache, TooMuchUnknown
from compline.pipeline.session import Session
from compline.pipeline.work import Work
from compline.scanners import registry
from compline.scanners.interface import CannotScan
from compline.store.alarms import beat, end_alarm, pulse, raise_alarm
from compline.store.looks import LastLook, last_looks

RECHECKED = ("bandit", "semgrep", "pip-audit", "trivy")
"""Those that keep what they find by content."""
_BEGUN = "recheck"
_DAY = timedelta(days=1)
_MOST_CONTENTS = 20
"""Of one kind of content and one target."""
_MOST_TARGETS = 2
_MOST_TRIES = 6
"""Targets that are tried until so many could be compared."""
_NAMED = 5
"""Contents that an alarm names."""
log = logging.getLogger(__name__)


def recheck(session: Session) -> tuple[Differing, ...] | None:
    """Scans a sample again, once a day; gives what differs, None when it was not time.

    Those who were compared least recently come first, so that all have their turn though the time
    (`health.recheck_minutes`) ends it.
    """
    last, minutes = pulse(session.store, _BEGUN), session.config.health.recheck_minutes
    if not minutes or (last is not None and session.now() < last.at + _DAY):
        return None
    beat(session.store, _BEGUN, session.now())
    end = time.monotonic() + minutes * 60
    differing: list[Differing] = []
    for scanner in sorted(rechecked(session), key=lambda name: _last(session, name)):
        if time.monotonic() > end:
            session.report(Progress("recheck", f"{scanner}: no time was left for it", "!"))
            continue
        differing += _recheck(session, scanner, end)
    return tuple(differing)


def rechecked(session: Session) -> tuple[str, ...]:
    """The scanners that are enabled and keep their results by content."""
    return tuple(name for name in RECHECKED if session.config.scanners.of(name).enabled)


def _last(session: Session, scanner: str) -> str:
    last = pulse(session.store, subject_of(scanner))
    return last.at.isoformat() if last is not None else ""


def _recheck(session: Session, scanner: str, end: float) -> list[Differing]:
    """Compares what it can of one scanner, and writes down what came of it."""
    try:
        key = registry.load(scanner).scan_key(session.scan_context())
    except Exception as error:  # its failed looks tell it each night
        session.report(Progress("recheck", f"{scanner}: {error}", "✗"))
        return []
    looks = [look for (_, name), look in last_looks(session.store).items() if name == scanner]
    chosen = list(_chosen(session, looks, key))
    compared = done = 0
    differing: list[Differing] = []
    for target, look in chosen[:_MOST_TRIES]:
        if done == _MOST_TARGETS or time.monotonic() > end:
            break
        cache = _compare(session, scanner, target, look)
        done += cache.compared > 0
        compared += cache.compared
        differing += cache.differing
    if differing:
        _distrust(session, scanner, differing)
    elif compared:
        _trust(session, scanner, looks)
    if compared or not chosen:
        beat(session.store, subject_of(scanner), session.now())
    text = f"{scanner}: {compared} kept results scanned again, {len(differing)} differ"
    session.report(Progress("recheck", text, "✗" if differing else "✓"))
    return differing


def _chosen(
    session: Session, looks: Sequence[LastLook], key: ScanKey
) -> Iterator[tuple[Target, LastLook]]:
    """Targets whose last look stands on what is kept under the key, drawn by the day."""
    listed = {one.name: one for one in select_targets(session.config, Request())}
    since, day = distrusted(session.store), session.now().date().isoformat()
    for look in sorted(looks, key=lambda look: digest_of([day, look.scanner, look.target])):
        parts = look.scan_key_parts
        same = parts is not None and replace(parts, advisories=key.advisories) == key
        stands = look.completed_at is not None and not look.held and is_trusted(look, since)
        if look.target in listed and look.revision and same and stands:
            yield listed[look.target], look


def _compare(session: Session, scanner: str, target: Target, look: LastLook) -> SampledCache:
    """Has the scanner look once more, with a sample of what it knows taken away."""
    cache = SampledCache(session.store, session.now().date().isoformat(), _MOST_CONTENTS)
    context = replace(session.scan_context(), cache=cache, evidence=session.evidence.aside())
    work = Work(target, session.now(), look.revision, look.ref, (scanner,))
    error = ""
    try:
        with closing(Inputs(session, work, "")) as inputs:
            for seen in registry.load(scanner).scan([inputs.job(scanner)], context):
                if isinstance(seen.outcome, Failed):
                    error = seen.outcome.error
    except (CannotScan, TooMuchUnknown) as problem:
        error = str(problem)
    except Exception as problem:  # nothing is known of this target; the others are still compared
        log.exception("%s cannot be compared on %s", scanner, target.name)
        error = f"{type(problem).__name__}; see the log"
    if cache.unanswered and not error:
        error = f"{cache.unanswered} contents gave no result that lasts"
    if error:
        session.report(Progress("recheck", f"{scanner} on {target.name}: {error}", "!"))
    return cache


def _distrust(session: Session, scanner: str, differing: Sequence[Differing]) -> None:
    """Tells it, then drops what is kept: in this order, so that a kill cannot make it unknown."""
    first = differing[0]
    more = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
    title = (
        f"{scanner}: the cached result of {first.content} is not what a new scan says: "
        f"{'; '.join(first.what[:_NAMED])}{more}"
    )
    detail = "\n".join(f"{one.content}: {'; '.join(one.what)}" for one in differing[:_NAMED])
    subject, kind = subject_of(scanner), RegressionKind.HEALTH
    # Of another time than this it would be news again, and trust what was taken since the first.
    end_alarm(session.store, kind, subject)
    raise_alarm(session.store, kind, subject, Severity.HIGH, title, detail, session.now())
    for key in {one.scan_key.digest: one.scan_key for one in differing}.values():
        session.store.cache.drop(scanner, key)


def _trust(session: Session, scanner: str, looks: Sequence[LastLook]) -> None:
    """Ends the alarm once no look stands on what was dropped."""
    since = distrusted(session.store)
    if all(is_trusted(look, since) for look in looks if look.completed_at is not None):
        end_alarm(session.store, RegressionKind.HEALTH, subject_of(scanner))
