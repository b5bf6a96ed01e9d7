"""What routing would have written, in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from compline.alerts.messages import Message
from compline.alerts.routing import Router
from compline.config.alerts import Alerts
from compline.store.digests import Waiting
from compline.store.routing import Inbox, Plan
from compline.store.threads import Thread, Well
from compline.store.worse import RegressionView


class World:
    """What routing would have written, in memory."""

    def __init__(self, alerts: Alerts, now: datetime) -> None:
        numbers = itertools.count(1)
        self.router = Router(alerts, "acme", lambda: f"d{next(numbers)}")
        self.now = now
        self.threads: dict[tuple[str, str], Thread] = {}
        self.waiting: dict[int, Waiting] = {}
        self.views: dict[int, RegressionView] = {}
        self.plan = Plan()

    def route(
        self,
        *fresh: RegressionView,
        well: Iterable[str] = (),
        settled: Iterable[str] = (),
        owners: Mapping[int, tuple[str, ...]] | None = None,
    ) -> list[tuple[str, Message]]:
        """One pass; gives channel and message."""
        self.views |= {view.id: view for view in fresh}
        opened = [one for one in self.threads.values() if one.open]
        under: dict[str, int] = {}
        for one in opened:
            under[one.root] = under.get(one.root, 0) + 1
        silence = self.router.alerts.silence
        inbox = Inbox(
            fresh,
            tuple(entry for entry in self.waiting.values() if entry.due_at <= self.now),
            tuple(Well(one, "resolved (code)") for one in opened if one.subject in set(well)),
            tuple(
                one
                for one in opened
                if silence is not None and one.last_sent_at <= self.now - silence
            ),
            self.threads,
            frozenset(settled),
            under,
        )
        router = replace(self.router, owners=owners or {})
        self.plan = router.plan(inbox, self.now)
        self.threads |= {(one.channel, one.subject): one for one in self.plan.threads}
        for number in self.plan.done:
            del self.waiting[number]
        for wait in self.plan.waits:
            number = max(self.waiting, default=0) + 1
            self.waiting[number] = Waiting(
                number, wait.channel, wait.rule, wait.due_at, self.views[wait.regression]
            )
        return [(one.channel, Message.from_json(one.payload)) for one in self.plan.drafts]

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


def told(sent: list[tuple[str, Message]]) -> list[tuple[str, str, list[str]]]:
    return [
        (channel, message.event.value, [entry.about for entry in message.entries])
        for channel, message in sent
    ]
