"""Who is told what, how and when: the pure router over made-up inboxes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from compline.alerts.messages import Message
from compline.alerts.routing import Router
from compline.config.alerts import Alerts
from compline.model import RegressionKind, Severity
from compline.store.digests import Waiting
from compline.store.routing import Inbox, Plan
from compline.store.threads import Thread, Well
from compline.store.worse import RegressionView

CRITICAL, HIGH, LOW = Severity.CRITICAL, Severity.HIGH, Severity.LOW


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
        silence = self.router.silence
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


@pytest.fixture
def world(kit: Any) -> Callable[..., World]:
    """A world with these rules."""
    return lambda *rules, **more: World(kit.alerts(*rules, **more), kit.start)


def told(sent: list[tuple[str, Message]]) -> list[tuple[str, str, list[str]]]:
    return [
        (channel, message.event.value, [entry.about for entry in message.entries])
        for channel, message in sent
    ]


class TestConditions:
    @pytest.mark.parametrize(
        ("when", "fits"),
        [
            ({}, True),
            ({"kinds": ["new"]}, True),
            ({"kinds": ["reopened", "coverage-lost"]}, False),
            ({"severity": "high"}, True),
            ({"severity": "critical"}, False),
            ({"labels": {"tier": "1"}}, True),
            ({"labels": {"tier": ["0", "1"]}}, True),
            ({"labels": {"tier": "2"}}, False),
            ({"labels": {"team": "risk"}}, False),
            ({"scanners": ["bandit"]}, True),
            ({"scanners": ["semgrep"]}, False),
            ({"environments": ["prod", "test"]}, True),
            ({"environments": ["lab"]}, False),
            ({"kinds": ["new"], "severity": "high", "labels": {"tier": "2"}}, False),
        ],
    )
    def test_all_must_hold(self, world: Any, kit: Any, when: Any, fits: bool) -> None:
        here = world({"name": "a", "when": when, "to": ["chat"]})
        view = kit.view(1, labels={"tier": "1", "environment": "prod"})
        assert bool(here.route(view)) is fits

    def test_what_has_no_severity_passes(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "when": {"severity": "critical"}, "to": ["chat"]})
        lost = kit.regression("api/bandit", RegressionKind.COVERAGE_LOST, None)
        assert told(here.route(kit.view(1, lost))) == [("chat", "opened", ["api/bandit"])]

    def test_a_target_without_the_label(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "when": {"environments": ["prod"]}, "to": ["chat"]})
        assert here.route(kit.view(1)) == []


class TestDestinations:
    def test_the_shorthand_is_one_rule_for_every_channel(self, world: Any, kit: Any) -> None:
        here = world(channels=("chat", "mail"), from_severity="high")
        low = kit.regression("CMP-2", severity=LOW)
        sent = here.route(kit.view(1), kit.view(2, low))
        assert told(sent) == [("chat", "opened", ["CMP-1"]), ("mail", "opened", ["CMP-1"])]

    def test_with_rules_the_shorthand_is_only_the_consoles(self, world: Any, kit: Any) -> None:
        rule = {"name": "a", "to": ["mail"], "when": {"severity": "critical"}}
        here = world(rule, channels=("chat", "mail"), console=True)
        assert told(here.route(kit.view(1))) == [("console", "opened", ["CMP-1"])]

    def test_a_channel_hears_of_it_once(self, world: Any, kit: Any) -> None:
        daily = {"name": "daily", "to": ["chat"], "digest": {"time": "08:00"}}
        page = {"name": "page", "to": ["chat"], "when": {"severity": "critical"}}
        here = world(daily, page, {"name": "also", "to": ["chat", "chat"]})
        grave = kit.view(1, kit.regression("CMP-1", severity=CRITICAL))
        assert [m.rule for _, m in here.route(grave)] == ["page"], "at once before later"
        assert [m.rule for _, m in here.route(kit.view(2))] == ["also"]
        assert here.plan.waits == ()

    def test_owners(self, world: Any, kit: Any) -> None:
        settings = {
            "channels": {"@risk": ["risk"], "a@b.example": ["risk", "chat"]},
            "otherwise": ["desk"],
        }
        here = world(
            {"name": "a", "to": ["owners"]}, channels=("chat", "desk", "risk"), owners=settings
        )
        owners = {1: ("@risk",), 2: ("@nobody",), 4: ("@risk", "a@b.example")}
        sent = here.route(*(kit.view(number) for number in (1, 2, 3, 4)), owners=owners)
        assert sorted((channel, m.entries[0].about) for channel, m in sent) == [
            ("chat", "CMP-4"),
            ("desk", "CMP-2"),
            ("desk", "CMP-3"),
            ("risk", "CMP-1"),
            ("risk", "CMP-4"),
        ]
        assert sent[0][1].entries[0].owners


class TestThreads:
    def test_nothing_is_said_twice(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"]})
        first = here.route(kit.view(1))
        assert told(first) == [("chat", "opened", ["CMP-1"])]
        [root] = here.plan.drafts
        same = kit.regression("CMP-1")
        assert here.route(kit.view(2, same)) == []
        assert here.route() == []
        raised = kit.regression("CMP-1", RegressionKind.SEVERITY_RAISED, CRITICAL)
        [(_, message)] = here.route(kit.view(3, raised))
        [draft] = here.plan.drafts
        assert (message.event.value, draft.thread, draft.id != root.id) == (
            "updated", root.id, True,
        )  # fmt: skip
        assert message.title == first[0][1].title, "the subject line is stable"
        assert here.route(kit.view(4, raised)) == []

    def test_the_end_and_a_new_beginning(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"]})
        here.route(kit.view(1))
        [root] = here.plan.drafts
        [(_, message)] = here.route(well=["CMP-1"])
        assert (message.event.value, message.closes) == ("resolved", (root.id,))
        assert message.entries[0].why == "resolved (code)"
        assert here.route(well=["CMP-1"]) == [], "said once"
        back = kit.regression("CMP-1", RegressionKind.REOPENED)
        [(_, again)] = here.route(kit.view(2, back))
        assert (again.event.value, here.plan.drafts[0].thread) == ("opened", root.id)

    def test_an_end_that_nobody_wants_to_hear_of(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "resolved": False})
        here.route(kit.view(1))
        assert here.route(well=["CMP-1"]) == []
        assert not here.threads["chat", "CMP-1"].open

    def test_two_things_about_one_finding_are_one_message(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"]})
        late = kit.regression("CMP-1", RegressionKind.DEADLINE_MISSED)
        [(_, message)] = here.route(kit.view(1), kit.view(2, late))
        assert [entry.kind for entry in message.entries] == ["new", "deadline-missed"]

    def test_a_baseline_is_told_and_done(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "remind_days": 1})
        first = kit.regression("api/baseline", RegressionKind.BASELINE, None)
        assert len(here.route(kit.view(1, first))) == 1
        here.later(days=9)
        assert here.route(well=["baseline:api/baseline"]) == []

    def test_a_run_of_another_dag_is_told_and_done(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "remind_days": 1})
        run = kit.regression("run:training/1", RegressionKind.REPORTED, target="")
        lasting = kit.regression("training", RegressionKind.REPORTED, target="")
        assert len(here.route(kit.view(1, run), kit.view(2, lasting))) == 2
        here.later(days=2)
        assert told(here.route()) == [("chat", "reminder", ["training"])]

    def test_a_channel_that_is_gone_is_not_written_to(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "digest": {"time": "08:00"}})
        here.route(kit.view(1))
        here.later(days=1)
        here.router = replace(here.router, alerts=kit.alerts(channels=("other",)))
        assert here.route() == []
        assert here.waiting == {}

    def test_a_rule_that_is_gone_leaves_its_threads(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"]})
        here.route(kit.view(1))
        here.router = replace(here.router, alerts=kit.alerts({"name": "b", "to": ["chat"]}))
        assert told(here.route(well=["CMP-1"])) == [("chat", "resolved", ["CMP-1"])]


class TestReminders:
    def test_again_and_again_while_nothing_is_done(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "remind_days": 7})
        here.route(kit.view(1))
        [root] = here.plan.drafts
        here.later(days=6, hours=23)
        assert here.route() == []
        here.later(hours=1)
        [(_, message)] = here.route()
        assert (message.event.value, here.plan.drafts[0].thread) == ("reminder", root.id)
        assert message.entries[0].since == "2026-03-02"
        assert here.route() == []
        here.later(days=7)
        assert here.threads["chat", "CMP-1"].reminders == 1
        assert told(here.route()) == [("chat", "reminder", ["CMP-1"])]
        here.later(days=7)
        assert told(here.route(well=["CMP-1"])) == [("chat", "resolved", ["CMP-1"])]
        here.later(days=70)
        assert here.route() == []


QUIET = {"start": "22:00", "end": "07:00", "break_through": "critical"}


class TestQuietHours:
    def test_what_is_not_grave_waits(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "quiet": QUIET})
        here.later(hours=11)  # 23:00
        grave = kit.regression("CMP-9", severity=CRITICAL)
        sent = here.route(kit.view(1), kit.view(2), kit.view(9, grave))
        assert told(sent) == [("chat", "opened", ["CMP-9"])]
        here.later(hours=7, minutes=59)
        assert here.route() == []
        here.later(minutes=1)
        sent = here.route(settled=["CMP-2"])
        assert told(sent) == [("chat", "opened", ["CMP-1"])], "the other has settled by itself"
        assert here.waiting == {}
        assert here.route() == []

    def test_ends_and_reminders_wait_too(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"], "quiet": QUIET, "remind_days": 0.5})
        here.route(kit.view(1), kit.view(2))
        here.later(hours=12)
        assert here.route(well=["CMP-1"]) == []
        here.later(hours=7)
        assert told(here.route(well=["CMP-1"])) == [
            ("chat", "resolved", ["CMP-1"]),
            ("chat", "reminder", ["CMP-2"]),
        ]


class TestDigests:
    def test_one_message_at_its_time(self, world: Any, kit: Any) -> None:
        here = world({"name": "daily", "to": ["chat"], "digest": {"time": "08:00"}})
        assert here.route(kit.view(1), kit.view(2)) == []
        here.later(hours=1)
        assert here.route(kit.view(3)) == []
        here.later(hours=19)
        [(channel, message)] = here.route(settled=["CMP-3"])
        assert (channel, message.form.value, message.total) == ("chat", "digest", 2)
        assert [entry.about for entry in message.entries] == ["CMP-1", "CMP-2"]
        assert here.route() == []
        # The end of one comes with the next digest, not before.
        here.later(hours=1)
        assert here.route(well=["CMP-1"]) == []
        here.later(hours=23)
        [(_, message)] = here.route(well=["CMP-1"])
        assert (message.form.value, message.event.value, message.total) == (
            "digest", "resolved", 1,
        )  # fmt: skip

    def test_two_digests_do_not_mix(self, world: Any, kit: Any) -> None:
        here = world(
            {"name": "daily", "to": ["chat", "mail"], "digest": {"time": "08:00"}},
            channels=("chat", "mail"),
        )
        here.route(kit.view(1))
        here.later(days=1)
        assert sorted(channel for channel, _ in here.route()) == ["chat", "mail"]


class TestFloods:
    def test_a_thousand_are_one_message(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"]}, flood=10)
        severities = [CRITICAL] * 3 + [HIGH] * 500 + [LOW] * 497
        views = [
            kit.view(n, kit.regression(f"CMP-{n:04}", severity=severity))
            for n, severity in enumerate(severities)
        ]
        [(_, message)] = here.route(*views)
        assert (message.form.value, message.total, len(message.entries)) == ("flood", 1000, 10)
        assert message.counts["severity"] == {"critical": 3, "high": 500, "low": 497}
        assert [entry.severity for entry in message.entries] == ["critical"] * 3 + ["high"] * 7
        assert here.route() == []
        thread = here.threads["chat", "CMP-0999"].root
        # A few of them end: in the flood's thread, which stays open until the last one.
        sent = here.route(well=["CMP-0001", "CMP-0002"])
        assert [m.closes for _, m in sent] == [(), ()]
        assert {draft.thread for draft in here.plan.drafts} == {thread}
        rest = [f"CMP-{n:04}" for n in range(1000) if n not in (1, 2)]
        [(_, message)] = here.route(well=rest)
        assert (message.event.value, message.total, message.closes) == (
            "resolved", 998, (thread,),
        )  # fmt: skip

    def test_as_many_as_allowed_are_told_one_by_one(self, world: Any, kit: Any) -> None:
        here = world({"name": "a", "to": ["chat"]}, flood=3)
        assert len(here.route(*(kit.view(n) for n in range(3)))) == 3
        assert len(here.route(*(kit.view(n) for n in range(3, 7)))) == 1
