"""Waivers as values: what a selector fits, when a hold is over, who may waive for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compline.findings.acceptance import Acceptances, Standing, comment_waiver, judge
from compline.findings.regressions import Commit
from compline.findings.waivers import (
    Selector,
    Source,
    Void,
    Waived,
    Waiver,
    WaiverPolicy,
    WaiverState,
    begin,
    code_of,
    void_of,
)
from compline.model import Severity

AT = datetime(2025, 3, 4, 5, tzinfo=UTC)
TEXT = "def f(x):\n    exec(x)\n"


def waiver(**values: Any) -> Waiver:
    given: dict[str, Any] = {
        "id": "WVR-1",
        "source": Source.CLI,
        "state": WaiverState.ACTIVE,
        "reason": "why",
        "owner": "web",
        "created_at": AT,
        "expires_at": AT + timedelta(days=30),
        "finding": "CMP-1",
    }
    return Waiver(**(given | values))


@pytest.fixture
def said(kit: Any) -> Any:
    """What one scanner says of one line."""
    return kit.marked("src/a.py", TEXT)


class TestSelector:
    @pytest.mark.parametrize(
        ("selector", "fits"),
        [
            (Selector(), True),
            (Selector(rules=("e?ec",)), True),
            (Selector(rules=("other", "exec")), True),
            (Selector(rules=("EXEC",)), False),
            (Selector(scanners=("band*",)), True),
            (Selector(scanners=("semgrep",)), False),
            (Selector(paths=("src/*",)), True),
            (Selector(paths=("*.py",)), True),
            (Selector(paths=("a.py",)), False),
            (Selector(rules=("exec",), paths=("tests/*",)), False),
        ],
    )
    def test_globs(self, said: Any, selector: Selector, fits: bool) -> None:
        assert selector.fits(said) is fits

    def test_all_that_is_said_must_fit(self, kit: Any, said: Any) -> None:
        both = (*said, *kit.marked("src/a.py", TEXT, scanner="semgrep", rule="dangerous-exec"))
        assert not Selector(rules=("exec",)).fits(both)
        assert Selector(rules=("exec", "dangerous-exec")).fits(both)
        places = (kit.advisory("a.txt"), kit.advisory("dev/b.txt"))
        assert not Selector(paths=("dev/*",)).fits(places)

    def test_nothing_said_fits_nothing(self) -> None:
        assert not Selector().fits(())

    def test_targets_and_labels(self) -> None:
        selector = Selector(targets=("web-*",), labels={"team": "pay*"})
        assert selector.fits_target("web-1", {"team": "payments", "tier": "1"})
        assert not selector.fits_target("api", {"team": "payments"})
        assert not selector.fits_target("web-1", {"team": "web"})
        assert not selector.fits_target("web-1", {})

    @pytest.mark.parametrize(
        "selector", [Selector(), Selector(("a",), ("b",), ("c",), ("d",), {"e": "f"})]
    )
    def test_it_survives_as_json(self, selector: Selector) -> None:
        assert Selector.from_json(selector.as_json()) == selector


class TestVoid:
    def test_it_stands_while_any_code_is_what_it_was(self, kit: Any, said: Any) -> None:
        held = begin("WVR-1", "CMP-1", 3, said)
        assert void_of(held, waiver(), 3, said) is None
        assert void_of(held, waiver(), 2, said) is None
        other = kit.marked("src/a.py", "def f(x):\n    exec(x + y)\n")
        assert void_of(held, waiver(), 3, (*said, *other)) is None
        assert void_of(held, waiver(), 3, other) is Void.CODE

    def test_a_better_fingerprint_version_is_the_same_code(self, said: Any) -> None:
        held = begin("WVR-1", "CMP-1", 3, said)
        newer = tuple(
            replace(item, fingerprints=(("v9", "new"), *item.fingerprints)) for item in said
        )
        assert void_of(held, waiver(), 3, newer) is None
        assert code_of(newer) == (("v9", "new"),)

    def test_a_package_has_no_code(self, kit: Any) -> None:
        held = begin("WVR-1", "CMP-1", 3, [kit.advisory(version="1")])
        assert held.code == ()
        assert void_of(held, waiver(), 3, [kit.advisory(version="2")]) is None

    def test_severity_first_and_for_good(self, said: Any) -> None:
        held = begin("WVR-1", "CMP-1", 2, said)
        assert void_of(held, waiver(), 3, said) is Void.SEVERITY
        over = replace(held, void=Void.SEVERITY)
        assert void_of(over, waiver(), 1, said) is Void.SEVERITY

    def test_a_selectors_waiver_follows_its_selector(self, kit: Any, said: Any) -> None:
        rule = waiver(finding="", selector=Selector(paths=("src/*",)))
        held = begin("WVR-1", "CMP-1", 3, said)
        changed = kit.marked("src/a.py", "def f(x):\n    exec(x + y)\n")
        assert void_of(held, rule, 3, changed) is None
        moved = kit.marked("lib/a.py", TEXT)
        assert void_of(held, rule, 3, moved) is Void.SELECTOR
        assert void_of(replace(held, void=Void.SELECTOR), rule, 3, said) is None


class TestJudge:
    def judge(self, standing: Standing, known: Acceptances, **more: Any) -> Any:
        policy = more.pop("policy", WaiverPolicy())
        return judge([standing], known, policy, AT, more.pop("comments", None))

    def test_a_selector_takes_what_comes(self, said: Any) -> None:
        rule = waiver(finding="", selector=Selector(rules=("exec",)))
        one = Standing("CMP-1", Severity.HIGH, said)
        done = self.judge(one, Acceptances(selecting=(rule,)))
        assert done.in_force == {"CMP-1"}
        assert done.begun == (Waived("WVR-1", "CMP-1", 3, code_of(said)),)
        assert (done.made, done.voided, done.lapsed) == ((), (), ())

    def test_not_for_longer_than_its_severity_may_be_waived(self, said: Any) -> None:
        rule = waiver(finding="", selector=Selector(rules=("exec",)))
        policy = WaiverPolicy(longest_days={Severity.CRITICAL: 29, Severity.HIGH: 30})
        known = Acceptances(selecting=(rule,))
        grave = Standing("CMP-1", Severity.CRITICAL, said)
        assert self.judge(grave, known, policy=policy).in_force == frozenset()
        less = Standing("CMP-1", Severity.HIGH, said)
        assert self.judge(less, known, policy=policy).in_force == {"CMP-1"}

    @pytest.mark.parametrize(("approver", "in_force"), [("", False), ("ada", False), ("bob", True)])
    def test_not_without_the_second_person(self, said: Any, approver: str, in_force: bool) -> None:
        rule = waiver(
            finding="", selector=Selector(rules=("exec",)), requester="ada", approver=approver
        )
        policy = WaiverPolicy(second_person=frozenset({Severity.HIGH}))
        one = Standing("CMP-1", Severity.HIGH, said)
        done = self.judge(one, Acceptances(selecting=(rule,)), policy=policy)
        assert bool(done.in_force) is in_force

    def test_a_second_waiver_keeps_it_waived(self, kit: Any, said: Any) -> None:
        changed = kit.marked("src/a.py", "def f(x):\n    exec(x + y)\n")
        rule = waiver(id="WVR-2", finding="", selector=Selector(rules=("exec",)))
        known = Acceptances(
            (rule,),
            {"WVR-1": waiver(), "WVR-2": rule},
            {"CMP-1": (begin("WVR-1", "CMP-1", 3, said), begin("WVR-2", "CMP-1", 3, said))},
        )
        done = self.judge(Standing("CMP-1", Severity.HIGH, changed), known)
        assert [item.waiver for item in done.voided] == ["WVR-1"]
        assert (done.in_force, done.lapsed) == ({"CMP-1"}, ())
        alone = replace(known, selecting=(), holds={"CMP-1": known.holds["CMP-1"][:1]})
        assert self.judge(Standing("CMP-1", Severity.HIGH, changed), alone).lapsed == (
            ("CMP-1", Void.CODE),
        )

    def test_what_has_expired_covers_nothing(self, said: Any) -> None:
        holds = {"CMP-1": (begin("WVR-1", "CMP-1", 3, said),)}
        for over in (waiver(expires_at=AT), waiver(state=WaiverState.WITHDRAWN)):
            known = Acceptances((), {"WVR-1": over}, holds)
            done = self.judge(Standing("CMP-1", Severity.HIGH, said), known)
            assert (done.in_force, done.lapsed) == (frozenset(), ())

    def test_what_has_expired_does_not_lapse_again(self, kit: Any, said: Any) -> None:
        changed = kit.marked("src/a.py", "def f(x):\n    exec(x + y)\n")
        over = waiver(expires_at=AT)
        holds = {"CMP-1": (begin("WVR-1", "CMP-1", 3, said),)}
        done = self.judge(
            Standing("CMP-1", Severity.HIGH, changed), Acceptances((), {"WVR-1": over}, holds)
        )
        assert (done.in_force, done.lapsed) == (frozenset(), ())


class TestComments:
    def test_it_names_author_and_commit(self, kit: Any) -> None:
        said = kit.marked("src/a.py", TEXT, suppression="nosec")
        commit = Commit("abc", "Ada <ada@example.org>", AT)
        policy = WaiverPolicy(longest_days={Severity.HIGH: 90})
        one = Standing("CMP-1", Severity.HIGH, said)
        made = comment_waiver(one, "WVR-1", policy, AT, {("src/a.py", 2): commit})
        assert (made.source, made.state, made.owner) == (
            Source.INLINE,
            WaiverState.ACTIVE,
            "Ada <ada@example.org>",
        )
        assert made.origin == {
            "path": "src/a.py",
            "line": 2,
            "comment": "nosec",
            "commit": "abc",
            "author": "Ada <ada@example.org>",
            "at": AT.isoformat(),
        }
        assert made.expires_at == AT + timedelta(days=90)
        # The same code is the same waiver, wherever it moves; other code asks anew.
        again = comment_waiver(
            replace(one, observations=kit.marked("b.py", "\n" + TEXT, suppression="nosec")),
            *("WVR-2", policy, AT, {}),
        )
        assert again.key == made.key
        other = kit.marked("src/a.py", "def f(x):\n    exec(x + y)\n", suppression="nosec")
        new = comment_waiver(replace(one, observations=other), "WVR-3", policy, AT, {})
        assert new.key != made.key

    def test_it_waits_where_a_second_person_is_asked_for(self, kit: Any) -> None:
        said = kit.marked("src/a.py", TEXT, suppression="nosec")
        policy = WaiverPolicy(second_person=frozenset({Severity.HIGH}))
        one = Standing("CMP-1", Severity.HIGH, said)
        made = comment_waiver(one, "WVR-1", policy, AT, {})
        assert made.state is WaiverState.PENDING
        done = judge([one], Acceptances(), policy, AT, lambda _one: made)
        assert (done.made, done.in_force) == ((made,), frozenset())
