"""What is told as worse, kind by kind: values in, at most one value out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from compline.findings.known import Head
from compline.findings.regressions import (
    Cause,
    Commit,
    RegressionKind,
    baseline,
    canary_missed,
    coverage_lost,
    deadline_missed,
    target_stale,
    target_vanished,
    waiver_expired,
)
from compline.findings.sights import cause_of, sight
from compline.model import MISSED_CANARY, Completed, Failed, FindingKind, Look, Severity

AT = datetime(2025, 3, 4, 5, tzinfo=UTC)
TEXT = "def f(x):\n    exec(x)\n"


class TestCanary:
    missed = Failed(f"bandit {MISSED_CANARY}: it reported nothing")

    def test_it_is_a_kind_of_its_own_and_told_when_it_begins(self) -> None:
        look = Look("api", "bandit", self.missed)
        fine = Head("completed", AT, AT)
        told = canary_missed(look, fine)
        assert told is not None
        assert told.kind is RegressionKind.CANARY_MISSED
        assert told.detail == self.missed.error
        assert coverage_lost(look, fine, witnesses=3, into_gaps=()) is None
        assert canary_missed(look, replace(fine, outcome="failed")) is None

    def test_even_the_first_look_tells_it(self) -> None:
        assert canary_missed(Look("api", "bandit", self.missed), None) is not None

    def test_other_failures_are_lost_coverage(self) -> None:
        look = Look("api", "bandit", Failed("killed"))
        assert canary_missed(look, Head("completed", AT, AT)) is None
        assert coverage_lost(look, Head("completed", AT, AT), witnesses=0, into_gaps=())


class TestBaseline:
    def test_it_is_one_summary_by_severity(self) -> None:
        counts = {Severity.LOW: 2, Severity.CRITICAL: 1, Severity.HIGH: 0}
        told = baseline("api", ["bandit", "semgrep"], counts)
        assert told is not None
        assert told.title == "first look at api: 3 findings"
        assert told.detail.startswith("1 critical, 2 low, looked at by bandit, semgrep;")
        assert (told.severity, told.scanner) == (Severity.CRITICAL, "")

    def test_nothing_found_is_nothing_told(self) -> None:
        assert baseline("api", ["bandit"], {Severity.HIGH: 0}) is None


class TestCause:
    def look(self, kit: Any, revision: str, **key: str) -> Look:
        seen = kit.marked("a.py", TEXT)
        return Look("api", "bandit", Completed(seen), revision, scan_key=replace(kit.key, **key))

    def head(self, kit: Any) -> Head:
        return Head("completed", AT, AT, "c1", kit.key)

    @pytest.mark.parametrize(
        ("revision", "key", "changed"),
        [
            ("c2", {}, ("code",)),
            ("c1", {"rules": "r2"}, ("rules",)),
            ("c1", {"advisories": "a2"}, ("advisories",)),
            ("c2", {"tool": "t2", "advisories": "a2"}, ("code", "rules", "advisories")),
            ("c1", {}, ()),
        ],
    )
    def test_what_changed(self, kit: Any, revision: str, key: Any, changed: Any) -> None:
        look = self.look(kit, revision, **key)
        seen = sight(look, self.head(kit), ())
        cause = cause_of(seen, seen.matching.fresh[0])
        assert cause == Cause(changed, "c1", revision)

    def test_the_commit_where_the_code_changed(self, kit: Any) -> None:
        commit = Commit("abc", "Ada <ada@example.org>", AT)
        history = {("a.py", 2): commit}
        changed = sight(self.look(kit, "c2"), self.head(kit), (), history=history)
        observation = changed.matching.fresh[0]
        assert cause_of(changed, observation).commit == commit
        # The last commit of a file is not said to have written a certain line of it.
        file = sight(self.look(kit, "c2"), self.head(kit), (), history={("a.py", None): commit})
        assert cause_of(file, observation).commit is None
        whole = replace(observation, place=replace(observation.place, line=None))
        assert cause_of(file, whole).commit == commit
        same = sight(self.look(kit, "c1", rules="r2"), self.head(kit), (), history=history)
        assert cause_of(same, observation).commit is None

    def test_a_services_settings_are_not_code(self, kit: Any) -> None:
        seen = sight(self.look(kit, "t2"), self.head(kit), ())
        grant = replace(seen.matching.fresh[0], kind=FindingKind.ACCESS)
        assert cause_of(seen, grant).changed == ("settings",)

    @pytest.mark.parametrize(
        "cause",
        [
            Cause(),
            Cause(("code", "rules"), "c1", "c2", Commit("abc", "Ada <a@b>", AT)),
            Cause((), "c1", "c1"),
        ],
    )
    def test_it_survives_as_json(self, cause: Cause) -> None:
        assert Cause.from_json(cause.as_json()) == cause

    def test_nothing_known_is_nothing_written(self) -> None:
        assert Cause().as_json() == {}


def test_of_time_alone() -> None:
    late = deadline_missed("api", "CMP-1", Severity.HIGH, "exec is used", AT)
    assert (late.subject, late.severity, late.scanner) == ("CMP-1", Severity.HIGH, "")
    assert "2025-03-04" in late.detail
    assert (
        target_stale("api", "bandit", AT).title == "bandit has not looked at api since 2025-03-04"
    )
    assert target_stale("api", "", None).title == "nobody has looked at api yet"
    gone = target_vanished("api", 1)
    assert (gone.subject, gone.detail[:18]) == ("api", "its 1 open finding")
    one = waiver_expired("WVR-1", "web", ("api", "CMP-1", Severity.LOW, "exec is used"), 1)
    assert (one.target, one.subject, one.severity) == ("api", "CMP-1", Severity.LOW)
    many = waiver_expired("WVR-1", "web", None, 3)
    assert (many.target, many.subject, many.title) == (
        "",
        "WVR-1",
        "a waiver is over: 3 findings count again",
    )
