"""Waivers on both databases: in force, void, over; and what they keep from being told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from compline.findings.lifecycle import Policy
from compline.findings.waivers import Selector, Source, Void, Waiver, WaiverPolicy, WaiverState
from compline.model import RegressionKind, Severity
from compline.store.check import check
from compline.store.engine import StoreError
from compline.store.findings import AsOf, Condition, FindingFilter, get_finding, list_findings
from compline.store.ids import new_waiver_id
from compline.store.lapse import lapse
from compline.store.targets import sync_targets
from compline.store.waiver_scope import apply_selectors, finish_selectors
from compline.store.waiver_sync import resume_comments, sync_waivers
from compline.store.waiver_views import get_waiver, list_waivers
from compline.store.waivers import add_waiver, approve_waiver, withdraw_waiver

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()


@pytest.fixture(autouse=True)
def sound(site: Any) -> Iterator[None]:
    """Whatever a test has done, the store's invariants hold after it."""
    yield
    broken = [(one.invariant.name, one.examples) for one in check(site.store) if one.broken]
    assert broken == []


def draft(site: Any, **values: Any) -> Waiver:
    """A waiver for thirty days."""
    given: dict[str, Any] = {
        "id": new_waiver_id(),
        "source": Source.CLI,
        "state": WaiverState.ACTIVE,
        "reason": "only in tests",
        "owner": "team-web",
        "created_at": site.now,
        "expires_at": site.now + timedelta(days=30),
        "requester": "ada",
    }
    return Waiver(**(given | values))


def waived(site: Any, at: datetime | None = None) -> set[str]:
    """Open findings that are waived."""
    now = at or site.now
    found = list_findings(site.store, as_of=AsOf(now, now - timedelta(days=14)))
    return {one.id for one in found if "waived" in one.conditions}


def told(site: Any, kind: RegressionKind) -> list[str]:
    return [one.regression.subject for one in site.worse() if one.regression.kind is kind]


class TestOfOneFinding:
    def test_it_is_a_condition_until_it_ends(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        first, second = sorted(one.id for one in site.open())
        made, holds = add_waiver(site.store, draft(site, finding=first), ANY, site.now)
        assert (made.state, holds) == (WaiverState.ACTIVE, 1)
        assert waived(site) == {first}
        assert get_finding(site.store, first).waived_until == made.expires_at
        assert get_finding(site.store, second).waived_until is None
        # By the clock alone, whoever notices.
        assert waived(site, made.expires_at) == set()
        chosen = FindingFilter(conditions=(Condition.WAIVED,), now=site.now)
        assert [one.id for one in list_findings(site.store, chosen)] == [first]

    def test_its_end_is_told_once(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        add_waiver(site.store, draft(site, finding=finding), ANY, site.now)
        site.night += 29
        assert lapse(site.store, None, site.now, stale_days=400).waivers == 0
        site.night += 2
        assert lapse(site.store, site.run, site.now, stale_days=400).waivers == 1
        assert lapse(site.store, site.run, site.now, stale_days=400).waivers == 0
        assert told(site, RegressionKind.WAIVER_EXPIRED) == [finding]
        [view] = list_waivers(site.store, states=[WaiverState.EXPIRED])
        assert (view.findings, view.ended_at) == (0, site.now)
        assert get_finding(site.store, finding).waived_until is None

    def test_an_end_that_another_waiver_covers_is_not_told(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        for days in (10, 30):
            end = site.now + timedelta(days=days)
            add_waiver(site.store, draft(site, finding=finding, expires_at=end), ANY, site.now)
        site.night += 20
        lapse(site.store, site.run, site.now, stale_days=400)
        assert told(site, RegressionKind.WAIVER_EXPIRED) == []
        assert waived(site) == {finding}

    def test_a_move_and_a_reformat_do_not_void_it(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.ids()["a.py", 2]
        add_waiver(site.store, draft(site, finding=finding), ANY, site.now)
        moved = {"b.py": "\n" * 7 + TEXT.replace("exec(x)", "exec( x )  # why")}
        renamed = kit.change(A, moved, renames={"a.py": "b.py"})
        site.night_of(kit.scan(moved, mark="exec("), "c2", changes={"c1": renamed})
        assert site.ids()["b.py", 9] == finding
        assert waived(site) == {finding}

    def test_other_code_voids_it_and_says_so(self, site: Any, kit: Any) -> None:
        text = "def f(x):\n    exec(\n        x\n    )\n"
        other = text.replace("        x\n", "        x + y\n")
        site.night_of(kit.scan({"a.py": text}))
        [finding] = [one.id for one in site.open()]
        made, _ = add_waiver(site.store, draft(site, finding=finding), ANY, site.now)
        change = kit.change({"a.py": text}, {"a.py": other})
        site.night_of(kit.scan({"a.py": other}), "c2", changes={"c1": change})
        assert [one.id for one in site.open()] == [finding]
        assert waived(site) == set()
        assert told(site, RegressionKind.WAIVER_VOIDED) == [finding]
        _, [hold] = get_waiver(site.store, made.id)
        assert (hold.void, hold.voided_at) == (Void.CODE, site.now)
        # For good: the old code is not accepted again by itself.
        site.night_of(
            kit.scan({"a.py": text}),
            "c3",
            changes={"c2": kit.change({"a.py": other}, {"a.py": text})},
        )
        assert waived(site) == set()

    def test_a_raised_severity_voids_it(self, site: Any, kit: Any) -> None:
        low = [kit.advisory(severity=Severity.LOW)]
        site.night_of(low, scanner="pip-audit")
        [finding] = [one.id for one in site.open()]
        add_waiver(site.store, draft(site, finding=finding), ANY, site.now)
        site.night_of([kit.advisory(severity=Severity.INFO)], scanner="pip-audit")
        assert waived(site) == {finding}
        site.night_of([kit.advisory(severity=Severity.HIGH)], scanner="pip-audit")
        assert waived(site) == set()
        assert told(site, RegressionKind.SEVERITY_RAISED) == [finding]
        assert told(site, RegressionKind.WAIVER_VOIDED) == []

    def test_what_comes_back_is_still_waived(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.ids()["a.py", 2]
        add_waiver(site.store, draft(site, finding=finding), ANY, site.now)
        less = {"a.py": TEXT.replace("    exec(x)\n", "    pass\n")}
        site.night_of(kit.scan(less), "c2", changes={"c1": kit.change(A, less)})
        site.night_of(kit.scan(A), "c3", changes={"c2": kit.change(less, A)})
        assert waived(site) == {finding}
        assert told(site, RegressionKind.REOPENED) == []

    def test_one_that_is_withdrawn_counts_no_more(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        made, _ = add_waiver(site.store, draft(site, finding=finding), ANY, site.now)
        withdraw_waiver(site.store, made.id, "eve", site.now)
        assert waived(site) == set()
        [view] = list_waivers(site.store, finding=finding)
        assert (view.waiver.state, view.ended_by) == (WaiverState.WITHDRAWN, "eve")
        with pytest.raises(StoreError, match="over already"):
            withdraw_waiver(site.store, made.id, "eve", site.now)

    def test_only_open_findings_can_be_waived(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.ids()["a.py", 2]
        less = {"a.py": "def g(y):\n    exec(y)\n"}
        site.night_of(kit.scan(less), "c2", changes={"c1": kit.change(A, less)})
        with pytest.raises(StoreError, match="resolved"):
            add_waiver(site.store, draft(site, finding=finding), ANY, site.now)
        with pytest.raises(StoreError, match="no finding 'CMP-NONE'"):
            add_waiver(site.store, draft(site, finding="CMP-NONE"), ANY, site.now)


class TestWhoMay:
    def test_the_longest_time_is_by_severity(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        strict = WaiverPolicy(longest_days={Severity.HIGH: 29})
        with pytest.raises(StoreError, match="a high finding may be waived for 29 days"):
            add_waiver(site.store, draft(site, finding=finding), strict, site.now)
        _, holds = add_waiver(
            site.store, draft(site, selector=Selector(rules=("exec*",))), strict, site.now
        )
        assert holds == 0

    def test_another_person_approves(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        policy = WaiverPolicy(second_person=frozenset({Severity.HIGH}))
        made, holds = add_waiver(site.store, draft(site, finding=finding), policy, site.now)
        assert (made.state, holds) == (WaiverState.PENDING, 0)
        assert waived(site) == set()
        with pytest.raises(StoreError, match="another person"):
            approve_waiver(site.store, made.id, "ada", policy, site.now)
        done, holds = approve_waiver(site.store, made.id, "bob", policy, site.now)
        assert (done.approver, holds) == ("bob", 1)
        assert waived(site) == {finding}
        with pytest.raises(StoreError, match="does not wait"):
            approve_waiver(site.store, made.id, "bob", policy, site.now)

    def test_a_selector_waits_too(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        policy = WaiverPolicy(second_person=frozenset({Severity.CRITICAL}))
        selector = Selector(rules=("exec-used",))
        made, _ = add_waiver(site.store, draft(site, selector=selector), policy, site.now)
        assert made.state is WaiverState.PENDING
        _, holds = approve_waiver(site.store, made.id, "bob", policy, site.now)
        assert holds == 2


class TestOfARule:
    @pytest.mark.parametrize(
        ("selector", "holds"),
        [
            (Selector(rules=("exec-*",)), 2),
            (Selector(rules=("exec-used",)), 2),
            (Selector(rules=("exec",)), 0),
            (Selector(scanners=("band*",), paths=("a.*",)), 2),
            (Selector(paths=("tests/*",)), 0),
            (Selector(targets=("ap?",)), 2),
            (Selector(targets=("web",)), 0),
            (Selector(labels={"team": "w*"}), 2),
            (Selector(labels={"team": "x*"}), 0),
            (Selector(labels={"tier": "*"}), 0),
        ],
    )
    def test_what_a_selector_matches(
        self, site: Any, kit: Any, selector: Selector, holds: int
    ) -> None:
        sync_targets(site.store, [replace(site.target, labels={"team": "web"})], site.now)
        site.night_of(kit.scan(A))
        made, number = add_waiver(site.store, draft(site, selector=selector), ANY, site.now)
        assert number == holds
        assert len(waived(site)) == holds
        # What comes later is matched by the same rules, inside the record.
        more = {**A, "a.b": "exec(z)\n"}
        site.night_of(kit.scan(more), "c2", changes={"c1": kit.change(A, more)})
        assert len(waived(site)) == (holds + 1 if holds else 0)
        assert len(told(site, RegressionKind.NEW)) == (0 if holds else 1)
        assert list_waivers(site.store)[0].findings == len(waived(site))
        assert made.id == list_waivers(site.store)[0].waiver.id

    def test_another_tools_word_on_the_same_defect_is_not_waived_with_it(
        self, site: Any, kit: Any
    ) -> None:
        site.night_of(kit.scan(A))
        add_waiver(site.store, draft(site, selector=Selector(scanners=("bandit",))), ANY, site.now)
        assert len(waived(site)) == 2
        site.next_night()
        site.record(site.look(kit.scan(A, "semgrep"), "semgrep"))
        assert waived(site) == set()
        assert len(told(site, RegressionKind.WAIVER_VOIDED)) == 2
        # When that tool is content again, the rule's waiver is in force again.
        site.next_night()
        site.record(site.look((), "semgrep", scan_key=kit.other_key(rules="r2")))
        assert len(waived(site)) == 2

    def test_an_advisory_is_matched_by_every_alias(self, site: Any, kit: Any) -> None:
        site.night_of([kit.advisory(aliases=("CVE-2024-1",))], scanner="pip-audit")
        selector = Selector(rules=("CVE-2024-1",))
        assert add_waiver(site.store, draft(site, selector=selector), ANY, site.now)[1] == 1

    def test_somebody_who_dies_on_the_way_is_finished_for(
        self, site: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.night_of(kit.scan(A))

        def dies(*_: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr("compline.store.waivers.apply_selectors", dies)
        with pytest.raises(KeyboardInterrupt):
            add_waiver(site.store, draft(site, selector=Selector(rules=("*",))), ANY, site.now)
        assert waived(site) == set()
        # What comes is waived already; what stands, from the next run's start on.
        site.night_of(kit.scan({**A, "b.py": "exec(z)\n"}), "c2")
        assert waived(site) == {site.ids()["b.py", 1]}
        finish_selectors(site.store, ANY, site.now)
        assert len(waived(site)) == 3
        [view] = list_waivers(site.store)
        assert view.waiver.origin == {}

    def test_a_hold_that_is_void_is_not_renewed(self, site: Any, kit: Any) -> None:
        site.night_of([kit.advisory(severity=Severity.LOW)], scanner="pip-audit")
        made, _ = add_waiver(
            site.store, draft(site, selector=Selector(rules=("GHSA-1",))), ANY, site.now
        )
        site.night_of([kit.advisory(severity=Severity.HIGH)], scanner="pip-audit")
        assert waived(site) == set()
        apply_selectors(site.store, [made], ANY, site.now)
        assert waived(site) == set()

    def test_its_end_is_one_message(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        made, _ = add_waiver(
            site.store, draft(site, selector=Selector(rules=("*",))), ANY, site.now
        )
        site.night += 40
        lapse(site.store, None, site.now, stale_days=400)
        [one] = [
            one.regression
            for one in site.worse()
            if one.regression.kind is RegressionKind.WAIVER_EXPIRED
        ]
        assert (one.subject, one.target, one.severity) == (made.id, "", None)
        assert one.title == "a waiver is over: 2 findings count again"

    def test_its_first_look_counts_only_what_is_not_waived(self, site: Any, kit: Any) -> None:
        add_waiver(site.store, draft(site, selector=Selector(paths=("b*",))), ANY, site.now)
        recorded = site.night_of(kit.scan({**A, "b.py": "exec(z)\n"}))
        [summary] = recorded.regressions
        assert summary.kind is RegressionKind.BASELINE
        assert summary.title == "first look at api: 2 findings"
        assert len(waived(site)) == 1


class TestWritten:
    def entry(self, site: Any, key: str = "file:1", **values: Any) -> Waiver:
        selector = values.pop("selector", Selector(rules=("exec-used",)))
        source = values.pop("source", Source.FILE)
        return draft(site, source=source, key=key, selector=selector, **values)

    def sync(self, site: Any, *entries: Waiver) -> tuple[int, int]:
        done = sync_waivers(site.store, entries, ANY, site.now, source=Source.FILE)
        return done.added, done.ended

    def test_the_store_follows_the_file(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        assert self.sync(site, self.entry(site)) == (1, 0)
        assert len(waived(site)) == 2
        assert self.sync(site, self.entry(site)) == (0, 0)
        other = self.entry(site, "file:2", selector=Selector(paths=("nowhere",)))
        assert self.sync(site, other) == (1, 1)
        assert waived(site) == set()
        [view] = list_waivers(site.store, states=[WaiverState.WITHDRAWN])
        assert (view.waiver.key, view.ended_by) == ("file:1", "file")
        # Written again, it is the same one.
        assert self.sync(site, other, self.entry(site)) == (1, 0)
        assert len(waived(site)) == 2
        assert len(list_waivers(site.store)) == 2

    def test_what_a_person_has_ended_stays_so(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        made = self.entry(site, "ignore:api:x", source=Source.INLINE)

        def sync() -> tuple[int, int]:
            done = sync_waivers(
                site.store, [made], ANY, site.now, source=Source.INLINE, within="ignore:api:"
            )
            return done.added, done.ended

        assert sync() == (1, 0)
        withdraw_waiver(site.store, made.id, "eve", site.now)
        assert sync() == (0, 0)
        assert waived(site) == set()

    def test_what_has_expired_does_not_come_back(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        self.sync(site, self.entry(site))
        site.night += 31
        lapse(site.store, None, site.now, stale_days=400)
        assert self.sync(site, self.entry(site, state=WaiverState.EXPIRED)) == (0, 0)
        assert waived(site) == set()

    def test_it_is_withdrawn_where_it_is_written(self, site: Any, kit: Any) -> None:
        made = self.entry(site)
        self.sync(site, made)
        with pytest.raises(StoreError, match=r"waivers\.yaml: remove it there"):
            withdraw_waiver(site.store, made.id, "eve", site.now)

    def test_an_entry_that_may_not_be_is_refused_with_its_place(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        entry = self.entry(
            site,
            selector=Selector(),
            finding=finding,
            origin={"path": "waivers.yaml", "line": 7},
        )
        policy = WaiverPolicy(longest_days={Severity.HIGH: 3})
        done = sync_waivers(site.store, [entry], policy, site.now, source=Source.FILE)
        assert done.refused == ("waivers.yaml:7: a high finding may be waived for 3 days at most",)
        assert waived(site) == set()


class TestComments:
    HONOURED = Policy(honour_inline=True, waivers=WaiverPolicy(longest_days={Severity.HIGH: 20}))

    def night(self, site: Any, look: Any, **more: Any) -> Any:
        site.next_night()
        return site.record(look, policy=self.HONOURED, **more)

    def test_honoured_they_are_waivers_that_tell_nobody(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        assert waived(site) == set()
        quiet = {**A, "b.py": "exec(z)\n"}
        seen = (*kit.scan(A), *kit.scan({"b.py": quiet["b.py"]}, suppression="nosec"))
        self.night(site, site.look(seen, revision="c2"), changes={"c1": kit.change(A, quiet)})
        assert told(site, RegressionKind.NEW) == []
        assert waived(site) == {site.ids()["b.py", 1]}
        [view] = list_waivers(site.store)
        assert view.waiver.source is Source.INLINE
        assert view.waiver.reason == "nosec at b.py:1"
        assert view.waiver.expires_at == site.now + timedelta(days=20)

    def test_not_honoured_they_are_recorded_only(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A, suppression="nosec"))
        assert waived(site) == set()
        assert site.open()[0].witnesses[0].suppression == "nosec"
        assert list_waivers(site.store) == ()

    def test_the_setting_takes_effect_at_the_next_look(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A, suppression="nosec"))
        self.night(site, site.look(kit.scan(A, suppression="nosec")))
        assert len(waived(site)) == 2
        # Switched off they end, switched on they count again.
        sync_waivers(site.store, (), ANY, site.now, source=Source.INLINE)
        assert waived(site) == set()
        assert resume_comments(site.store, site.now) == 2
        assert len(waived(site)) == 2

    def test_a_comment_that_goes_voids_it_and_one_that_returns_does_not_ask_again(
        self, site: Any, kit: Any
    ) -> None:
        self.night(site, site.look(kit.scan(A, suppression="nosec")))
        self.night(site, site.look(kit.scan(A), revision="c2"))
        assert waived(site) == set()
        assert len(told(site, RegressionKind.WAIVER_VOIDED)) == 2
        self.night(site, site.look(kit.scan(A, suppression="nosec"), revision="c3"))
        assert len(waived(site)) == 2
        assert len(list_waivers(site.store)) == 2

    def test_it_ends_and_the_comment_does_not_renew_it(self, site: Any, kit: Any) -> None:
        quiet = kit.scan(A, suppression="nosec")
        self.night(site, site.look(quiet))
        site.night += 30
        lapse(site.store, site.run, site.now, stale_days=400)
        self.night(site, site.look(quiet, revision="c2"))
        assert waived(site) == set()
        assert len(told(site, RegressionKind.WAIVER_EXPIRED)) == 2

    def test_one_tools_comment_does_not_speak_for_the_other(self, site: Any, kit: Any) -> None:
        site.next_night()
        looks = (
            site.look(kit.scan(A, suppression="nosec")),
            site.look(kit.scan(A, "semgrep"), "semgrep"),
        )
        site.record(*looks, policy=self.HONOURED)
        assert len(site.open()) == 2
        assert waived(site) == set()


def test_a_waiver_that_comes_during_a_record_is_not_missed(
    site: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.night_of(())
    import compline.store.record as module

    real, added = module.decide, []

    def decide(*arguments: Any) -> Any:
        if not added:
            selector = Selector(rules=("exec-used",))
            added.append(add_waiver(site.store, draft(site, selector=selector), ANY, site.now))
        return real(*arguments)

    monkeypatch.setattr(module, "decide", decide)
    site.night_of(kit.scan(A), "c2")
    assert len(waived(site)) == 2
    assert told(site, RegressionKind.NEW) == []
