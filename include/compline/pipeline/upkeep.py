"""What time alone brings about: what lapses, what is silent, what waits, what may go."""

from __future__ import annotations

from datetime import timedelta

from compline.pipeline.health import UPKEEP, Check, alarm
from compline.pipeline.progress import Progress
from compline.pipeline.prune import prune_store
from compline.pipeline.retention import prune_evidence
from compline.pipeline.session import Session
from compline.store.alarms import beat, pulse
from compline.store.lapse import lapse

_RETENTION = "retention"
_DAY = timedelta(days=1)


def tend(session: Session) -> None:
    """Writes down which waivers, deadlines and looks have lapsed; a heartbeat of its own."""
    lapsed = lapse(
        session.store, None, session.now(), stale_days=session.config.lifecycle.stale_days
    )
    beat(session.store, UPKEEP, session.now())
    text = f"{lapsed.waivers} waivers, {lapsed.deadlines} deadlines and {lapsed.stale} looks lapsed"
    session.report(Progress("upkeep", text, "✓"))


def watch(session: Session) -> tuple[Check, ...]:
    """Alarms about what is not well; gives it."""
    bad = alarm(session)
    for check in bad:
        session.report(Progress("upkeep", f"{check.subject}: {check.says}", "✗"))
    return bad


def keep_house(session: Session) -> bool:
    """Retention, once a day; gives whether it was time.

    Raises:
        EvidenceUnavailable: the locker cannot be reached.
    """
    last = pulse(session.store, _RETENTION)
    if last is not None and session.now() < last.at + _DAY:
        return False
    # Evidence first: which look it proves is written in the ledger, and rows of that go too.
    pruned = prune_evidence(session)
    rows = sum(sort.number for sort in prune_store(session))
    beat(session.store, _RETENTION, session.now())
    documents = len(pruned.removed) + pruned.unclaimed
    text = f"retention: {documents} documents of evidence and {rows} rows removed"
    session.report(Progress("upkeep", text, "✓"))
    return True
