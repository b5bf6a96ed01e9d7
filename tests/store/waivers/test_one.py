"""Waivers of one finding, on both databases: in force, void, over, taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from compline.findings.waivers import Selector, Void, WaiverPolicy, WaiverState
from compline.model import RegressionKind, Severity
from compline.store.engine import StoreError
from compline.store.findings import Condition, FindingFilter, get_finding, list_findings
from compline.store.lapse import lapse
from compline.store.waiver_views import get_waiver, list_waivers
from compline.store.waivers import add_waiver, withdraw_waiver

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()


class TestOfOneFinding:
    def test_it_is_a_condition_until_it_ends(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        first, second = sorted(one.id for one in site.open())
        made, holds = add_waiver(site.store, site.waiver(finding=first), ANY, site.now)
        assert (made.state, holds) == (WaiverState.ACTIVE, 1)
        assert site.waived() == {first}
        assert get_finding(site.store, first).waived_until == made.expires_at
        assert get_finding(site.store, second).waived_until is None
        # By the clock alone, whoever notices.
        assert site.waived(made.expires_at) == set()
        chosen = FindingFilter(conditions=(Condition.WAIVED,), now=site.now)
        assert [one.id for one in list_findings(site.store, chosen)] == [first]

    def test_its_end_is_told_once(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        add_waiver(site.store, site.waiver(finding=finding), ANY, site.now)
        site.night += 29
        assert lapse(site.store, None, site.now, stale_days=400).waivers == 0
        site.night += 2
        assert lapse(site.store, site.run, site.now, stale_days=400).waivers == 1
        assert lapse(site.store, site.run, site.now, stale_days=400).waivers == 0
        assert site.told(RegressionKind.WAIVER_EXPIRED) == [finding]
        [view] = list_waivers(site.store, states=[WaiverState.EXPIRED])
        assert (view.findings, view.ended_at) == (0, site.now)
        assert get_finding(site.store, finding).waived_until is None

    def test_an_end_that_another_waiver_covers_is_not_told(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        for days in (10, 30):
            end = site.now + timedelta(days=days)
            add_waiver(site.store, site.waiver(finding=finding, expires_at=end), ANY, site.now)
        site.night += 20
        lapse(site.store, site.run, site.now, stale_days=400)
        assert site.told(RegressionKind.WAIVER_EXPIRED) == []
        assert site.waived() == {finding}

    def test_a_move_and_a_reformat_do_not_void_it(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.ids()["a.py", 2]
        add_waiver(site.store, site.waiver(finding=finding), ANY, site.now)
        moved = {"b.py": "\n" * 7 + TEXT.replace("exec(x)", "exec( x )  # why")}
        renamed = kit.change(A, moved, renames={"a.py": "b.py"})
        site.night_of(kit.scan(moved, mark="exec("), "c2", changes={"c1": renamed})
        assert site.ids()["b.py", 9] == finding
        assert site.waived() == {finding}

    def test_other_code_voids_it_and_says_so(self, site: Any, kit: Any) -> None:
        text = "def f(x):\n    exec(\n        x\n    )\n"
        other = text.replace("        x\n", "        x + y\n")
        site.night_of(kit.scan({"a.py": text}))
        [finding] = [one.id for one in site.open()]
        made, _ = add_waiver(site.store, site.waiver(finding=finding), ANY, site.now)
        change = kit.change({"a.py": text}, {"a.py": other})
        site.night_of(kit.scan({"a.py": other}), "c2", changes={"c1": change})
        assert [one.id for one in site.open()] == [finding]
        assert site.waived() == set()
        assert site.told(RegressionKind.WAIVER_VOIDED) == [finding]
        _, [hold] = get_waiver(site.store, made.id)
        assert (hold.void, hold.voided_at) == (Void.CODE, site.now)
        # For good: the old code is not accepted again by itself.
        site.night_of(
            kit.scan({"a.py": text}),
            "c3",
            changes={"c2": kit.change({"a.py": other}, {"a.py": text})},
        )
        assert site.waived() == set()

    def test_a_raised_severity_voids_it(self, site: Any, kit: Any) -> None:
        low = [kit.advisory(severity=Severity.LOW)]
        site.night_of(low, scanner="pip-audit")
        [finding] = [one.id for one in site.open()]
        add_waiver(site.store, site.waiver(finding=finding), ANY, site.now)
        site.night_of([kit.advisory(severity=Severity.INFO)], scanner="pip-audit")
        assert site.waived() == {finding}
        site.night_of([kit.advisory(severity=Severity.HIGH)], scanner="pip-audit")
        assert site.waived() == set()
        assert site.told(RegressionKind.SEVERITY_RAISED) == [finding]
        assert site.told(RegressionKind.WAIVER_VOIDED) == []

    def test_what_comes_back_is_still_waived(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.ids()["a.py", 2]
        add_waiver(site.store, site.waiver(finding=finding), ANY, site.now)
        less = {"a.py": TEXT.replace("    exec(x)\n", "    pass\n")}
        site.night_of(kit.scan(less), "c2", changes={"c1": kit.change(A, less)})
        site.night_of(kit.scan(A), "c3", changes={"c2": kit.change(less, A)})
        assert site.waived() == {finding}
        assert site.told(RegressionKind.REOPENED) == []

    def test_one_that_is_withdrawn_counts_no_more(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        made, _ = add_waiver(site.store, site.waiver(finding=finding), ANY, site.now)
        withdraw_waiver(site.store, made.id, "eve", site.now)
        assert site.waived() == set()
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
            add_waiver(site.store, site.waiver(finding=finding), ANY, site.now)
        with pytest.raises(StoreError, match="no finding 'CMP-NONE'"):
            add_waiver(site.store, site.waiver(finding="CMP-NONE"), ANY, site.now)


def test_a_waiver_that_comes_during_a_record_is_not_missed(
    site: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.night_of(())
    import compline.store.record as module

    real, added = module.decide, []

    def decide(*arguments: Any) -> Any:
        if not added:
            selector = Selector(rules=("exec-used",))
            added.append(add_waiver(site.store, site.waiver(selector=selector), ANY, site.now))
        return real(*arguments)

    monkeypatch.setattr(module, "decide", decide)
    site.night_of(kit.scan(A), "c2")
    assert len(site.waived()) == 2
    assert site.told(RegressionKind.NEW) == []
