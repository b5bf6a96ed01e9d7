"""What time makes worse, on both databases: deadlines, targets nobody looks at, targets gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from compline.findings.deadlines import DeadlinePolicy
from compline.findings.lifecycle import Policy
from compline.findings.risk import RiskPolicy
from compline.findings.waivers import Source, Waiver, WaiverPolicy, WaiverState
from compline.model import Failed, RegressionKind, Severity, Skipped, State
from compline.store.check import check
from compline.store.findings import (
    AsOf,
    Condition,
    FindingFilter,
    finding_events,
    get_finding,
    list_findings,
)
from compline.store.ids import new_waiver_id
from compline.store.lapse import lapse
from compline.store.looks import last_looks
from compline.store.targets import sync_targets
from compline.store.urgency import last_urgency, refresh_urgency
from compline.store.waivers import add_waiver

A = {"a.py": "def f(x):\n    exec(x)\n"}
WEEK = DeadlinePolicy({Severity.HIGH: 7, Severity.CRITICAL: 1})


@pytest.fixture(autouse=True)
def sound(site: Any) -> Iterator[None]:
    """Whatever a test has done, the store's invariants hold after it."""
    yield
    broken = [(one.invariant.name, one.examples) for one in check(site.store) if one.broken]
    assert broken == []


def night(site: Any, seen: Any, policy: Policy | None = None, **more: Any) -> Any:
    site.next_night()
    return site.record(site.look(seen, **more), policy=policy or Policy(deadlines=WEEK))


def told(site: Any, kind: RegressionKind) -> list[str]:
    return [one.regression.subject for one in site.worse() if one.regression.kind is kind]


def passed(site: Any, *, run: int | None = None, days: int = 14) -> Any:
    return lapse(site.store, run, site.now, stale_days=days)


def conditions(site: Any) -> tuple[str, ...]:
    [one] = list_findings(site.store, as_of=AsOf(site.now, site.now - timedelta(days=14)))
    return one.conditions


class TestDeadlines:
    def test_a_missed_one_is_told_once(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        [finding] = [one.id for one in site.open()]
        assert get_finding(site.store, finding).due_at == site.now + timedelta(days=7)
        site.night += 6
        assert passed(site).deadlines == 0
        assert conditions(site) == ()
        site.night += 1
        assert passed(site, run=site.run).deadlines == 1
        assert passed(site).deadlines == 0
        assert told(site, RegressionKind.DEADLINE_MISSED) == [finding]
        assert conditions(site) == ("overdue",)
        chosen = FindingFilter(conditions=(Condition.OVERDUE,), now=site.now)
        assert [one.id for one in list_findings(site.store, chosen)] == [finding]
        others = FindingFilter(without=(Condition.OVERDUE,), now=site.now)
        assert list_findings(site.store, others) == ()

    def test_a_waived_one_is_told_when_its_waiver_ends(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        [finding] = [one.id for one in site.open()]
        end = site.now + timedelta(days=10)
        waiver = Waiver(
            new_waiver_id(), Source.CLI, WaiverState.ACTIVE, "why", "web", site.now, end, finding
        )
        add_waiver(site.store, waiver, WaiverPolicy(), site.now)
        site.night += 8
        assert passed(site).deadlines == 0
        assert conditions(site) == ("waived",)
        site.night += 3
        assert passed(site).deadlines == 1

    def test_a_severity_that_rises_brings_it_forward(self, site: Any, kit: Any) -> None:
        night(site, [kit.advisory()], scanner="pip-audit")
        start = site.now
        night(site, [kit.advisory(severity=Severity.CRITICAL)], scanner="pip-audit")
        assert site.open()[0].due_at == start + timedelta(days=1)
        night(site, [kit.advisory(severity=Severity.LOW)], scanner="pip-audit")
        assert site.open()[0].due_at is None

    def test_it_runs_anew_when_the_finding_comes_back(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        site.night += 8
        passed(site)
        night(site, (), scan_key=kit.other_key(rules="r2"))
        assert passed(site).deadlines == 0
        night(site, kit.scan(A), scan_key=kit.other_key(rules="r3"))
        assert site.open()[0].due_at == site.now + timedelta(days=7)
        site.night += 7
        assert passed(site).deadlines == 1

    def test_policy_and_labels_change_all_at_once(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        start = site.now
        relaxed = DeadlinePolicy({Severity.HIGH: 30}, (({"tier": "1"}, {Severity.HIGH: 3}),))
        assert refresh(site, relaxed) == 1
        assert site.open()[0].due_at == start + timedelta(days=30)
        assert refresh(site, relaxed) == 0
        sync_targets(site.store, [replace(site.target, labels={"tier": "1"})], site.now)
        assert refresh(site, relaxed) == 1
        assert site.open()[0].due_at == start + timedelta(days=3)
        site.night += 4
        assert passed(site).deadlines == 1
        # More time: it can be missed again.
        sync_targets(site.store, [site.target], site.now)
        refresh(site, relaxed)
        assert passed(site).deadlines == 0
        site.night += 30
        assert passed(site).deadlines == 1
        assert refresh(site, DeadlinePolicy()) == 1
        assert site.open()[0].due_at is None


def refresh(site: Any, deadlines: DeadlinePolicy, risks: RiskPolicy | None = None) -> int:
    return refresh_urgency(
        site.store, site.run, "digest", deadlines, risks or RiskPolicy(), site.now
    )


def test_a_record_and_a_refresh_agree_to_the_microsecond(site: Any, kit: Any) -> None:
    at = site.now + timedelta(days=1, microseconds=123457)
    site.next_night()
    risks = RiskPolicy(frozenset({"CVE-1"}), {"CVE-2": 0.97}, "exposure", {"internet": 3})
    sync_targets(site.store, [replace(site.target, labels={"exposure": "internet"})], at)
    seen = [
        *kit.scan(A),
        kit.advisory(rule="G-1", aliases=("CVE-1",), scanner="bandit"),
        kit.advisory(rule="G-2", aliases=("CVE-2",), scanner="bandit", severity=Severity.UNKNOWN),
    ]
    policy = Policy(deadlines=WEEK, risk=risks)
    site.record(site.look(seen), policy=policy, at=at)
    assert {one.risk for one in site.open()} == {3_000_003, 3_100_003, 3_009_703}
    assert refresh(site, WEEK, risks) == 0
    assert last_urgency(site.store) == "digest"
    assert refresh(site, WEEK, RiskPolicy()) == 3
    assert {one.risk for one in site.open()} == {3_000_000}
    assert refresh(site, WEEK, risks) == 3
    assert [one.risk for one in site.open()] == [3_100_003, 3_009_703, 3_000_003]


class TestStale:
    def test_a_target_that_nobody_could_look_at_is_told_once(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        site.night += 14
        assert passed(site).stale == 0
        assert "stale" not in conditions(site)
        night(site, Failed("no tool"))
        assert passed(site).stale == 1
        assert passed(site).stale == 0
        assert told(site, RegressionKind.TARGET_STALE) == ["api/bandit"]
        assert "stale" in conditions(site)
        # Looked at, and not any more: told anew.
        night(site, kit.scan(A))
        assert passed(site).stale == 0
        assert "stale" not in conditions(site)
        site.night += 20
        assert passed(site).stale == 1

    def test_a_look_that_is_skipped_is_a_look(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        site.night += 20
        night(site, Skipped("no Python"))
        assert passed(site).stale == 0

    def test_a_target_that_was_never_looked_at(self, site: Any) -> None:
        site.night += 14
        assert passed(site).stale == 0
        site.night += 1
        assert passed(site).stale == 1
        assert told(site, RegressionKind.TARGET_STALE) == ["api"]
        assert passed(site).stale == 0

    def test_a_finding_is_as_fresh_as_its_best_witness(self, site: Any, kit: Any) -> None:
        site.next_night()
        site.record(site.look(kit.scan(A)), site.look(kit.scan(A, "semgrep"), "semgrep"))
        site.night += 20
        night(site, kit.scan(A))
        assert "stale" not in conditions(site)


class TestGone:
    def test_a_target_that_is_not_listed_is_told_and_later_gone(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        [finding] = [one.id for one in site.open()]
        sync_targets(site.store, [], site.now, run=site.run)
        sync_targets(site.store, [], site.now, run=site.run)
        assert told(site, RegressionKind.TARGET_VANISHED) == ["api"]
        site.night += 14
        assert passed(site, run=site.run).gone == 0
        assert len(site.open()) == 1
        site.night += 1
        assert passed(site).gone == 0  # an event needs a run
        assert passed(site, run=site.run).gone == 1
        gone = get_finding(site.store, finding)
        assert (gone.state, gone.cause, gone.resolved_at) == (
            State.RESOLVED,
            "target gone",
            site.now,
        )
        assert gone.last_seen == site.start + timedelta(days=1)
        event = finding_events(site.store, finding)[-1]
        assert (event.kind, event.data) == ("resolved", {"cause": "target gone"})
        assert passed(site, run=site.run).gone == 0
        assert last_looks(site.store) == {}

    def test_one_that_comes_back_has_a_first_look_again(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        [finding] = [one.id for one in site.open()]
        sync_targets(site.store, [], site.now)
        site.night += 15
        passed(site, run=site.run)
        sync_targets(site.store, [site.target], site.now)
        recorded = night(site, kit.scan(A))
        assert recorded.reopened == (finding,)
        assert told(site, RegressionKind.REOPENED) == []
        [summary] = recorded.regressions
        assert summary.kind is RegressionKind.BASELINE
        assert summary.title == "first look at api: 1 finding"

    def test_one_that_is_back_in_time_keeps_all(self, site: Any, kit: Any) -> None:
        night(site, kit.scan(A))
        sync_targets(site.store, [], site.now)
        site.night += 10
        sync_targets(site.store, [site.target], site.now)
        site.night += 10
        assert passed(site, run=site.run).gone == 0
        assert len(site.open()) == 1


@pytest.mark.parametrize("days", [0, 40])
def test_a_night_on_which_nothing_lapses_writes_nothing(site: Any, kit: Any, days: int) -> None:
    night(site, kit.scan(A), policy=Policy())
    site.night += days
    night(site, kit.scan(A), policy=Policy())
    done = passed(site, run=site.run)
    assert (done.waivers, done.deadlines, done.stale, done.gone) == (0, 0, 0, 0)
    assert site.worse() == ()


def test_a_store_that_was_never_worked_out(site: Any) -> None:
    assert last_urgency(site.store) == ""
