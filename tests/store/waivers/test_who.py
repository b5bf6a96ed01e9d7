"""Who may waive what, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from compline.findings.waivers import Selector, WaiverPolicy, WaiverState
from compline.model import Severity
from compline.store.engine import StoreError
from compline.store.waivers import add_waiver, approve_waiver

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()


class TestWhoMay:
    def test_the_longest_time_is_by_severity(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        strict = WaiverPolicy(longest_days={Severity.HIGH: 29})
        with pytest.raises(StoreError, match="a high finding may be waived for 29 days"):
            add_waiver(site.store, site.waiver(finding=finding), strict, site.now)
        _, holds = add_waiver(
            site.store, site.waiver(selector=Selector(rules=("exec*",))), strict, site.now
        )
        assert holds == 0

    def test_another_person_approves(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        policy = WaiverPolicy(second_person=frozenset({Severity.HIGH}))
        made, holds = add_waiver(site.store, site.waiver(finding=finding), policy, site.now)
        assert (made.state, holds) == (WaiverState.PENDING, 0)
        assert site.waived() == set()
        with pytest.raises(StoreError, match="another person"):
            approve_waiver(site.store, made.id, "ada", policy, site.now)
        done, holds = approve_waiver(site.store, made.id, "bob", policy, site.now)
        assert (done.approver, holds) == ("bob", 1)
        assert site.waived() == {finding}
        with pytest.raises(StoreError, match="does not wait"):
            approve_waiver(site.store, made.id, "bob", policy, site.now)

    def test_a_selector_waits_too(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        policy = WaiverPolicy(second_person=frozenset({Severity.CRITICAL}))
        selector = Selector(rules=("exec-used",))
        made, _ = add_waiver(site.store, site.waiver(selector=selector), policy, site.now)
        assert made.state is WaiverState.PENDING
        _, holds = approve_waiver(site.store, made.id, "bob", policy, site.now)
        assert holds == 2
