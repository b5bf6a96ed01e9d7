"""Which looks are believed: older ones, drops, gaps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from compline.findings.regressions import RegressionKind
from compline.model import Gap, GapReason
from compline.store.findings import get_finding
from compline.store.ledger import coverage
from compline.store.looks import base_revisions, last_looks

TEXT = "def f(x):\n    exec(x)\n    v1 = 1\n    exec(x)\n    v2 = 2\n\n\ndef g(y):\n    exec(y)\n"


A = {"a.py": TEXT}


class TestCompareAndSet:
    def test_an_older_look_changes_nothing(self, site: Any, kit: Any) -> None:
        late = site.next_night()
        at = site.now
        site.night_of(kit.scan(A), "c2")
        before = site.ids()
        recorded = site.record(site.look((), revision="c1"), run=late, at=at)
        assert [row.result for row in recorded.rows] == ["superseded"]
        assert site.ids() == before
        (row,) = coverage(site.store, late)
        assert row.result == "superseded"
        assert row.reason == f"not recorded: run {site.run} looked later"
        assert last_looks(site.store)["api", "bandit"].revision == "c2"

    def test_the_same_moment_of_another_run_is_not_newer(self, site: Any, kit: Any) -> None:
        other = site.next_night()
        at = site.now
        site.night_of(kit.scan(A), "c2")
        recorded = site.record(site.look(()), run=other, at=site.now)
        assert [row.result for row in recorded.rows] == ["superseded"]
        assert at < site.now

    def test_it_goes_by_scanner(self, site: Any, kit: Any) -> None:
        late = site.next_night()
        at = site.now
        site.night_of(kit.scan(A), "c2")
        recorded = site.record(
            site.look((), revision="c1"),
            site.look(kit.scan(A, "semgrep"), "semgrep", "c1"),
            run=late,
            at=at,
        )
        assert [(row.scanner, row.result) for row in recorded.rows] == [
            ("bandit", "superseded"),
            ("semgrep", "recorded"),
        ]
        assert base_revisions(site.store, "api") == {"bandit": "c2", "semgrep": "c1"}


class TestHold:
    FILE: ClassVar = {"a.py": "".join(f"exec(a{number})\n" for number in range(12))}

    def test_a_drop_is_held_then_released_by_a_fresh_scan(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(self.FILE))
        poor = kit.scan(self.FILE)[:3]
        recorded = site.night_of(poor, fresh=False)
        assert [row.result for row in recorded.rows] == ["held"]
        assert len(site.open()) == 12
        assert sum(finding.conditions == ("held",) for finding in site.open()) == 9
        (row,) = coverage(site.store, site.run)
        assert (row.result, row.reason) == ("held", "held: 9 of 12 findings are gone")
        look = last_looks(site.store)["api", "bandit"]
        assert look.held
        assert not look.reusable("c1", kit.key.digest)
        assert look.completed_at == site.now - timedelta(days=1)
        # Still poor, but from the cache: still held, and told only once.
        assert [row.result for row in site.night_of(poor, fresh=False).rows] == ["held"]
        told = [item.regression.kind for item in site.worse()]
        assert told == [RegressionKind.DROP_HELD]
        # A held finding was last seen before the drop.
        held = next(finding for finding in site.open() if finding.conditions)
        assert held.last_seen == kit.start + timedelta(days=1)
        recorded = site.night_of(poor, fresh=True)
        assert [row.result for row in recorded.rows] == ["recorded"]
        assert len(recorded.resolved) == 9
        assert len(site.open()) == 3
        assert last_looks(site.store)["api", "bandit"].reusable("c1", kit.key.digest)

    def test_back_again_nothing_has_happened(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(self.FILE))
        before = site.ids()
        site.night_of(())
        recorded = site.night_of(kit.scan(self.FILE))
        assert (recorded.opened, recorded.reopened, recorded.resolved) == ((), (), ())
        assert site.ids() == before
        assert not any(finding.conditions for finding in site.open())

    def test_other_rules_do_not_trip_it(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(self.FILE))
        recorded = site.night_of((), scan_key=kit.other_key(rules="r2"))
        assert len(recorded.resolved) == 12
        assert get_finding(site.store, recorded.resolved[0]).cause == "rules"


class TestGaps:
    def test_a_gap_closes_nothing_and_is_told_once(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        gap = [Gap(GapReason.CRASHED, "a.py", "killed", 1)]
        site.night_of((), gaps=gap)
        assert len(site.open()) == 3
        assert {finding.conditions for finding in site.open()} == {("unseen",)}
        (row,) = coverage(site.store, site.run)
        assert row.gaps == tuple(gap)
        site.night_of((), gaps=gap)
        told = [item.regression.kind for item in site.worse()]
        assert told == [RegressionKind.COVERAGE_LOST]
        assert {finding.last_seen for finding in site.open()} == {site.now - timedelta(days=2)}
        site.night_of(kit.scan(A))
        assert {finding.conditions for finding in site.open()} == {()}
