"""Waivers of whatever a selector matches, now and later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compline.findings.waivers import Selector, WaiverPolicy
from compline.model import RegressionKind, Severity
from compline.store.lapse import lapse
from compline.store.targets import sync_targets
from compline.store.waiver_scope import apply_selectors, finish_selectors
from compline.store.waiver_views import list_waivers
from compline.store.waivers import add_waiver

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()


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
        made, number = add_waiver(site.store, site.waiver(selector=selector), ANY, site.now)
        assert number == holds
        assert len(site.waived()) == holds
        # What comes later is matched by the same rules, inside the record.
        more = {**A, "a.b": "exec(z)\n"}
        site.night_of(kit.scan(more), "c2", changes={"c1": kit.change(A, more)})
        assert len(site.waived()) == (holds + 1 if holds else 0)
        assert len(site.told(RegressionKind.NEW)) == (0 if holds else 1)
        assert list_waivers(site.store)[0].findings == len(site.waived())
        assert made.id == list_waivers(site.store)[0].waiver.id

    def test_another_tools_word_on_the_same_defect_is_not_waived_with_it(
        self, site: Any, kit: Any
    ) -> None:
        site.night_of(kit.scan(A))
        add_waiver(site.store, site.waiver(selector=Selector(scanners=("bandit",))), ANY, site.now)
        assert len(site.waived()) == 2
        site.next_night()
        site.record(site.look(kit.scan(A, "semgrep"), "semgrep"))
        assert site.waived() == set()
        assert len(site.told(RegressionKind.WAIVER_VOIDED)) == 2
        # When that tool is content again, the rule's waiver is in force again.
        site.next_night()
        site.record(site.look((), "semgrep", scan_key=kit.other_key(rules="r2")))
        assert len(site.waived()) == 2

    def test_an_advisory_is_matched_by_every_alias(self, site: Any, kit: Any) -> None:
        site.night_of([kit.advisory(aliases=("CVE-2024-1",))], scanner="pip-audit")
        selector = Selector(rules=("CVE-2024-1",))
        assert add_waiver(site.store, site.waiver(selector=selector), ANY, site.now)[1] == 1

    def test_somebody_who_dies_on_the_way_is_finished_for(
        self, site: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.night_of(kit.scan(A))

        def dies(*_: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr("compline.store.waivers.apply_selectors", dies)
        with pytest.raises(KeyboardInterrupt):
            add_waiver(site.store, site.waiver(selector=Selector(rules=("*",))), ANY, site.now)
        assert site.waived() == set()
        # What comes is waived already; what stands, from the next run's start on.
        site.night_of(kit.scan({**A, "b.py": "exec(z)\n"}), "c2")
        assert site.waived() == {site.ids()["b.py", 1]}
        finish_selectors(site.store, ANY, site.now)
        assert len(site.waived()) == 3
        [view] = list_waivers(site.store)
        assert view.waiver.origin == {}

    def test_a_hold_that_is_void_is_not_renewed(self, site: Any, kit: Any) -> None:
        site.night_of([kit.advisory(severity=Severity.LOW)], scanner="pip-audit")
        made, _ = add_waiver(
            site.store, site.waiver(selector=Selector(rules=("GHSA-1",))), ANY, site.now
        )
        site.night_of([kit.advisory(severity=Severity.HIGH)], scanner="pip-audit")
        assert site.waived() == set()
        apply_selectors(site.store, [made], ANY, site.now)
        assert site.waived() == set()

    def test_its_end_is_one_message(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        made, _ = add_waiver(
            site.store, site.waiver(selector=Selector(rules=("*",))), ANY, site.now
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
        add_waiver(site.store, site.waiver(selector=Selector(paths=("b*",))), ANY, site.now)
        recorded = site.night_of(kit.scan({**A, "b.py": "exec(z)\n"}))
        [summary] = recorded.regressions
        assert summary.kind is RegressionKind.BASELINE
        assert summary.title == "first look at api: 2 findings"
        assert len(site.waived()) == 1
