"""Who is told what, how and when: from what there is to tell to messages. Pure.

One thread per subject and channel. Within a channel a regression goes by one rule only: the first
that fits, one that sends at once before one that collects. What falls into quiet hours waits until
they end; what would be a flood becomes one message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from compline.alerts.bundle import Item, bundle
from compline.alerts.calendar import next_digest, quiet_until
from compline.alerts.messages import Entry, Event, title_of, ungraded, why
from compline.config.alerts import CONSOLE, OWNERS, Alerts, Rule, When
from compline.findings.facts import TOLD
from compline.findings.graph import Reach, ReachOf, nothing
from compline.findings.regressions import Regression
from compline.model import RegressionKind
from compline.store.digests import Wait
from compline.store.ids import is_finding_id
from compline.store.routing import Inbox, Plan
from compline.store.threads import Thread, thread_subject, told_once
from compline.store.worse import RegressionView


@dataclass(frozen=True, slots=True)
class Router:
    """The rules of one configuration."""

    alerts: Alerts
    organisation: str
    new_id: Callable[[], str]
    """Gives the id of a delivery."""
    owners: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Number of a regression to whoever owns it."""
    reach: ReachOf = field(default=nothing)

    def plan(self, inbox: Inbox, now: datetime) -> Plan:
        """What to send now, what waits, and what the threads are from now on."""
        desk = _Desk(self, inbox, now)
        for view in inbox.fresh:
            desk.take(view)
        for entry in inbox.due:
            desk.take_due(entry.id, entry.view, entry.channel, entry.rule)
        for well in inbox.well:
            desk.end(well.thread, well.why)
        for thread in inbox.silent:
            desk.remind(thread)
        closing = Counter(inbox.open_under)
        closing.subtract(desk.closed)
        ended = {root for root in desk.closed if closing[root] <= 0}
        drafts, threads = bundle(
            desk.items.values(), self.organisation, self.alerts.flood, ended, self.new_id, now
        )
        return Plan(drafts, (*threads, *desk.silently), tuple(desk.waits), tuple(desk.done))

    def destinations(self, view: RegressionView) -> dict[str, Rule]:
        """The channels that are to hear of it, each with the rule by which."""
        found: dict[str, Rule] = {}
        for rule in self.alerts.rules_in_force():
            if not fits(rule.when, view):
                continue
            for channel in self._channels(rule, view):
                before = found.get(channel)
                if before is None or (before.digest is not None and rule.digest is None):
                    found[channel] = rule
        return found

    def _channels(self, rule: Rule, view: RegressionView) -> list[str]:
        channels = [name for name in rule.to if name != OWNERS]
        if OWNERS in rule.to:
            settings = self.alerts.owners
            named = self.owners.get(view.id, ())
            theirs = [name for owner in named for name in settings.channels.get(owner, ())]
            channels += theirs or settings.otherwise
        return list(dict.fromkeys(channels))


def fits(when: When, view: RegressionView) -> bool:
    """Whether all conditions hold."""
    regression, labels = view.regression, view.labels
    if when.kinds and regression.kind not in when.kinds:
        return False
    # A widened permission is one whatever else a finding says of the same subject.
    graded = regression.severity if regression.kind not in TOLD else None
    if graded is not None and not graded.reaches(when.severity):
        return False
    if when.scanners and regression.scanner not in when.scanners:
        return False
    if when.environments and labels.get("environment") not in when.environments:
        return False
    return all(
        labels.get(name) in ([wanted] if isinstance(wanted, str) else wanted)
        for name, wanted in when.labels.items()
    )


@dataclass(slots=True)
class _Desk:
    """One pass of routing: what it has put together so far."""

    router: Router
    inbox: Inbox
    now: datetime
    items: dict[tuple[str, str], Item] = field(default_factory=dict)
    """By channel and subject."""
    waits: list[Wait] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    silently: list[Thread] = field(default_factory=list)
    closed: Counter[str] = field(default_factory=Counter)
    """First delivery to how many threads under it end now."""
    ended: set[tuple[str, str]] = field(default_factory=set)
    """Channel and subject of what is well again, told or not yet."""

    def take(self, view: RegressionView) -> None:
        """Something fresh."""
        for channel, rule in self.router.destinations(view).items():
            if not self._is_news(channel, view.regression):
                continue
            due = next_digest(rule.digest, self.now) if rule.digest else self._pause(rule, view)
            if due is None:
                self._tell(view, channel, rule)
            else:
                self.waits.append(Wait(channel, rule.name, view.id, due))

    def take_due(self, entry: int, view: RegressionView, channel: str, name: str) -> None:
        """Something that has waited; what has settled by itself meanwhile is not told any more."""
        rule = self._rule(name, channel)
        settled = view.regression.subject in self.inbox.settled
        if rule is None or settled or not self._is_news(channel, view.regression):
            self.done.append(entry)
        elif rule.digest is not None or self._pause(rule, view) is None:
            self._tell(view, channel, rule)
            self.done.append(entry)

    def end(self, thread: Thread, reason: str) -> None:
        """It is well again."""
        self.ended.add((thread.channel, thread.subject))
        if (thread.channel, thread.subject) in self.items:
            return  # something new of it goes out now; the next pass sees what it then is
        rule = self._rule(thread.rule, thread.channel)
        closed = replace(thread, open=False, last_sent_at=self.now)
        if rule is None or not rule.resolved:
            self.silently.append(closed)
            self.closed[thread.root] += 1
        elif self._may_speak(rule, thread):
            self._add(thread, rule, Event.RESOLVED, closed, why=reason)
            self.closed[thread.root] += 1

    def remind(self, thread: Thread) -> None:
        """Nothing was done for a while."""
        rule = self._rule(thread.rule, thread.channel)
        key = (thread.channel, thread.subject)
        if rule is None or rule.remind_days is None or key in self.items or key in self.ended:
            return
        due = thread.last_sent_at + timedelta(days=rule.remind_days)
        if due <= self.now and self._may_speak(rule, thread):
            later = replace(thread, last_sent_at=self.now, reminders=thread.reminders + 1)
            since = thread.opened_at.date().isoformat()
            self._add(thread, rule, Event.REMINDER, later, since=since)

    def _tell(self, view: RegressionView, channel: str, rule: Rule) -> None:
        regression = view.regression
        subject = thread_subject(regression)
        known = self.inbox.threads.get((channel, subject))
        again = known is not None and known.open
        entry = Entry(
            Event.UPDATED if again else Event.OPENED,
            regression.kind.value,
            regression.subject,
            regression.target,
            regression.scanner,
            regression.severity.value if regression.severity else "",
            regression.title,
            regression.detail,
            why(regression.cause),
            self.router.owners.get(view.id, ()),
            reach=self.router.reach(regression.target),
        )
        before = self.items.get((channel, subject))
        thread = Thread(
            channel=channel,
            subject=subject,
            rule=rule.name,
            kind=regression.kind,
            about=regression.subject,
            target=regression.target,
            scanner=regression.scanner,
            severity=regression.severity,
            title=known.title if known else title_of(regression),
            root=known.root if known else "",
            open=not told_once(regression),
            opened_at=known.opened_at if known and known.open else self.now,
            last_sent_at=self.now,
            reminders=known.reminders if known and known.open else 0,
        )
        entries = (*before.entries, entry) if before else (entry,)
        self.items[channel, subject] = Item(rule, entries, thread, view.run)

    def _add(
        self,
        thread: Thread,
        rule: Rule,
        event: Event,
        later: Thread,
        *,
        why: str = "",
        since: str = "",
    ) -> None:
        entry = Entry(
            event,
            thread.kind.value,
            thread.about,
            thread.target,
            thread.scanner,
            thread.severity.value if thread.severity else "",
            ungraded(thread.title),
            why=why,
            since=since,
            reach=Reach() if event is Event.RESOLVED else self.router.reach(thread.target),
        )
        self.items[thread.channel, thread.subject] = Item(rule, (entry,), later, None)

    def _is_news(self, channel: str, regression: Regression) -> bool:
        """What is not about a finding is only recorded when it begins; of a finding the thread
        knows what was said."""
        thread = self.inbox.threads.get((channel, thread_subject(regression)))
        if thread is None or not thread.open or not is_finding_id(regression.subject):
            return True
        if regression.kind in TOLD:
            return True  # each is a change of its own, with its own before and after
        if regression.kind is RegressionKind.NEW:
            return False
        told = thread.severity.rank if thread.severity else -1
        graver = regression.severity is not None and regression.severity.rank > told
        return regression.kind is not thread.kind or graver

    def _pause(self, rule: Rule, view: RegressionView) -> datetime | None:
        """Until when it must wait; None if it goes out now."""
        grave = rule.quiet.break_through if rule.quiet else None
        severity = view.regression.severity
        if grave is not None and severity is not None and severity.reaches(grave):
            return None
        return quiet_until(rule.quiet, self.now)

    def _may_speak(self, rule: Rule, thread: Thread) -> bool:
        """Whether it is a time for news that can wait."""
        if rule.digest is not None:
            return next_digest(rule.digest, thread.last_sent_at) <= self.now
        return quiet_until(rule.quiet, self.now) is None

    def _rule(self, name: str, channel: str) -> Rule | None:
        """The rule of that name, or a plain one if it is gone; None if the channel is gone."""
        alerts = self.router.alerts
        known = {one.name for one in alerts.channels} | ({CONSOLE} if _console(alerts) else set())
        if channel not in known:
            return None
        rules: Sequence[Rule] = alerts.rules_in_force()
        return next((one for one in rules if one.name == name), Rule(name=name, to=[channel]))


def _console(alerts: Alerts) -> bool:
    return any(CONSOLE in rule.to for rule in alerts.rules_in_force())
