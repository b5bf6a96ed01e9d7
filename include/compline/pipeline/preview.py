"""What the rules of today would have sent over the last days: routing over the past, unsent."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from compline.alerts.messages import Message
from compline.alerts.routing import Router
from compline.pipeline.route import owners_of, router
from compline.pipeline.session import Session
from compline.store.digests import Waiting
from compline.store.findings import FindingFilter, list_findings
from compline.store.ids import is_finding_id
from compline.store.routing import Inbox, Plan
from compline.store.threads import Thread, Well
from compline.store.worse import RegressionView, list_regressions

_TICK = timedelta(hours=1)
"""How often digests, reminders and ends of quiet hours are looked for."""


@dataclass(frozen=True, slots=True)
class Previewed:
    """A message that would have been sent."""

    at: datetime
    channel: str
    message: Message


def preview(session: Session, days: int = 30) -> tuple[Previewed, ...]:
    """The messages of the last so many days, the oldest first; nothing is written or sent.

    Resolutions are taken from the findings as they are now: of what was resolved and came back
    only the last end is known, and of what is not about a finding none.
    """
    now = session.now()
    views = list_regressions(session.store, since=now - timedelta(days=days))
    numbers = itertools.count(1)
    made = replace(
        router(session, owners_of(session, views)), new_id=lambda: f"preview-{next(numbers)}"
    )
    past = _Past(made, {view.id: view for view in views}, _resolved(session, views))
    sent = []
    for moment, fresh in _moments(made, views, past.resolved, now).items():
        plan = past.live(moment, fresh)
        sent += [
            Previewed(moment, draft.channel, Message.from_json(draft.payload))
            for draft in plan.drafts
        ]
    return tuple(sent)


@dataclass(slots=True)
class _Past:
    """The part of the store that routing reads and writes, in memory."""

    router: Router
    views: Mapping[int, RegressionView]
    resolved: Mapping[str, datetime]
    """Finding to when it was last resolved."""
    threads: dict[tuple[str, str], Thread] = field(default_factory=dict)
    waiting: dict[int, Waiting] = field(default_factory=dict)

    def live(self, moment: datetime, fresh: Sequence[RegressionView]) -> Plan:
        """One pass of routing."""
        plan = self.router.plan(self._inbox(moment, fresh), moment)
        self.threads |= {(one.channel, one.subject): one for one in plan.threads}
        for number in plan.done:
            del self.waiting[number]
        for wait in plan.waits:
            number = max(self.waiting, default=0) + 1
            view = self.views[wait.regression]
            self.waiting[number] = Waiting(number, wait.channel, wait.rule, wait.due_at, view)
        return plan

    def _inbox(self, moment: datetime, fresh: Sequence[RegressionView]) -> Inbox:
        opened = [thread for thread in self.threads.values() if thread.open]
        silence = self.router.alerts.silence
        return Inbox(
            tuple(fresh),
            tuple(entry for entry in self.waiting.values() if entry.due_at <= moment),
            tuple(
                Well(thread, "resolved")
                for thread in opened
                if thread.opened_at < self.resolved.get(thread.subject, thread.opened_at) <= moment
            ),
            tuple(
                thread
                for thread in opened
                if silence is not None and thread.last_sent_at <= moment - silence
            ),
            self.threads,
            frozenset(name for name, at in self.resolved.items() if at <= moment),
            Counter(thread.root for thread in opened),
        )


def _moments(
    router: Router,
    views: Sequence[RegressionView],
    resolved: Mapping[str, datetime],
    now: datetime,
) -> dict[datetime, list[RegressionView]]:
    """When routing would have had something to do, and what was fresh then: a run at a time."""
    ends: dict[int, datetime] = {}
    for view in views:
        if view.run is not None:
            ends[view.run] = max(view.at, ends.get(view.run, view.at))
    found: dict[datetime, list[RegressionView]] = {}
    for view in views:
        found.setdefault(view.at if view.run is None else ends[view.run], []).append(view)
    for at in resolved.values():
        found.setdefault(at, [])
    rules = router.alerts.rules_in_force()
    if found and any(rule.digest or rule.quiet or rule.remind_days for rule in rules):
        tick = min(found).replace(minute=0, second=0, microsecond=0) + _TICK
        while tick <= now:
            found.setdefault(tick, [])
            tick += _TICK
    return {moment: found[moment] for moment in sorted(found) if moment <= now}


def _resolved(session: Session, views: Sequence[RegressionView]) -> dict[str, datetime]:
    ids = {view.regression.subject for view in views if is_finding_id(view.regression.subject)}
    if not ids:
        return {}
    found = list_findings(session.store, FindingFilter(ids=tuple(ids)))
    return {finding.id: finding.resolved_at for finding in found if finding.resolved_at}
