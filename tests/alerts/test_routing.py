"""Who is told what, how and when: the pure router over made-up inboxes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from routing_world import told

from compline.findings.graph import Reach
from compline.model import RegressionKind, Severity

CRITICAL, HIGH, LOW = Severity.CRITICAL, Severity.HIGH, Severity.LOW


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

    @pytest.mark.parametrize("severity", [Severity.INFO, Severity.MEDIUM, CRITICAL, None])
    @pytest.mark.parametrize("what", ["PERMISSION_WIDENED", "MODEL_CHANGED"])
    def test_what_was_widened_passes_whatever_a_finding_of_it_says(
        self, world: Any, kit: Any, what: str, severity: Severity | None
    ) -> None:
        here = world({"name": "a", "when": {"severity": "critical"}, "to": ["chat"]})
        widened = kit.regression("CMP-1", RegressionKind[what], severity)
        assert told(here.route(kit.view(1, widened))) == [("chat", "opened", ["CMP-1"])]

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

    def test_the_severity_is_told_beside_the_title_and_not_in_it(
        self, world: Any, kit: Any
    ) -> None:
        here = world({"name": "a", "to": ["chat"], "remind_days": 7})
        here.route(kit.view(1))
        thread = here.threads["chat", "CMP-1"].title
        severity, _, rest = thread.partition(": ")
        here.later(days=7)
        [(_, message)] = here.route()
        assert (message.entries[0].severity, message.entries[0].title) == (severity, rest)

    def test_an_alert_and_its_reminder_tell_what_the_target_reaches(
        self, world: Any, kit: Any
    ) -> None:
        here = world({"name": "a", "to": ["chat"], "remind_days": 1})
        view = kit.view(1)
        reach = Reach(("endpoint/scoring",), 4)
        here.router = replace(
            here.router, reach=lambda name: reach if name == view.regression.target else Reach()
        )
        [(_, message)] = here.route(view)
        assert message.entries[0].reach == reach
        here.later(days=2)
        [(_, message)] = here.route()
        assert (message.event.value, message.entries[0].reach) == ("reminder", reach)
        [(_, message)] = here.route(well=["CMP-1"])
        assert (message.event.value, message.entries[0].reach) == ("resolved", Reach())
