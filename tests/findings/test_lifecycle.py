"""What looks do to findings: open, resolve, reopen, gaps, merges, suppressions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compline.findings.decision import EventKind
from compline.findings.known import WitnessState
from compline.findings.lifecycle import Policy
from compline.findings.regressions import RegressionKind
from compline.model import (
    Completed,
    Failed,
    FindingKind,
    Gap,
    GapReason,
    Look,
    Place,
    ScanKey,
    Severity,
    Skipped,
    State,
)

TEXT = "def f(x):\n    exec(x)\n    v1 = 1\n    exec(x)\n    v2 = 2\n    exec(x)\n"


def kinds(decision: Any) -> list[RegressionKind]:
    return [item.kind for item in decision.regressions]


def test_the_first_completed_look_is_the_baseline(kit: Any) -> None:
    memory = kit.memory()
    assert not memory.look(Failed("no tool")).regressions
    first = memory.look(kit.marked("a.py", TEXT))
    assert len(first.opened) == 3
    # One summary, whatever there was.
    [summary] = first.regressions
    assert (summary.kind, summary.subject) == (RegressionKind.BASELINE, "api/baseline")
    assert summary.title == "first look at api: 3 findings"
    assert summary.severity is Severity.HIGH
    assert summary.detail == "3 high, looked at by bandit; from now on only what is worse is told"
    again = memory.look(kit.marked("a.py", TEXT))
    assert (again.opened, again.witnesses, again.events, again.findings) == ((), (), (), ())


def test_what_comes_later_is_new_and_says_why(kit: Any) -> None:
    memory = kit.memory()
    memory.look(kit.marked("a.py", TEXT), revision="c1")
    text = TEXT + "    exec(y)\n"
    decision = memory.look(
        kit.marked("a.py", text), revision="c2", change=kit.change([(TEXT, text)])
    )
    (regression,) = decision.regressions
    assert regression.kind is RegressionKind.NEW
    assert regression.subject == memory.id_at("a.py", 7)
    assert regression.severity is Severity.HIGH
    assert regression.detail == "code changed"
    (event,) = decision.events
    assert (event.kind, event.data["cause"]) == (EventKind.OPENED, "code")


def test_gone_is_resolved_with_its_cause_and_comes_back_as_the_same(kit: Any) -> None:
    memory = kit.memory()
    memory.look(kit.marked("a.py", TEXT), revision="c1")
    ids = [memory.id_at("a.py", line) for line in (2, 4, 6)]
    less = TEXT.replace("    v1 = 1\n    exec(x)\n", "    v1 = 1\n")
    decision = memory.look(
        kit.marked("a.py", less), revision="c2", change=kit.change([(TEXT, less)])
    )
    (change,) = decision.findings
    assert (change.id, change.state, change.cause) == (ids[1], State.RESOLVED, "code")
    assert memory.open_ids() == {ids[0], ids[2]}
    gone = next(item for item in memory.witnesses.values() if not item.present)
    assert gone.last_seen == memory.heads["bandit"].looked_at.replace(day=1)

    back = memory.look(kit.marked("a.py", TEXT), revision="c3", change=kit.change([(less, TEXT)]))
    assert kinds(back) == [RegressionKind.REOPENED]
    assert [memory.id_at("a.py", line) for line in (2, 4, 6)] == ids
    assert [event.kind for event in back.events] == [EventKind.REOPENED]


@pytest.mark.parametrize("outcome", [Failed("killed"), Skipped("no Python")])
def test_no_look_resolves_nothing(kit: Any, outcome: Any) -> None:
    memory = kit.memory()
    memory.look(kit.marked("a.py", TEXT))
    decision = memory.look(outcome)
    assert len(memory.open_ids()) == 3
    assert not decision.witnesses
    assert not decision.findings
    assert kinds(decision) == [RegressionKind.COVERAGE_LOST]
    assert kinds(memory.look(outcome)) == []  # told once
    memory.look(kit.marked("a.py", TEXT))
    assert kinds(memory.look(outcome)) == [RegressionKind.COVERAGE_LOST]


def test_a_skip_where_nothing_was_found_is_no_loss(kit: Any) -> None:
    memory = kit.memory()
    memory.look(())
    assert not memory.look(Skipped("no Python")).regressions


class TestGaps:
    def test_nothing_in_a_gap_is_resolved(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look((*kit.marked("a.py", TEXT), *kit.marked("lib/b.py", TEXT)))
        gap = Gap(GapReason.CRASHED, "lib/")
        decision = memory.look(kit.marked("a.py", TEXT), gaps=[gap])
        assert len(memory.open_ids()) == 6
        assert kinds(decision) == [RegressionKind.COVERAGE_LOST]
        assert "3 findings" in decision.regressions[0].title
        states = {item.state for item in memory.witnesses.values()}
        assert states == {WitnessState.SEEN, WitnessState.UNSEEN}
        # Still in the gap: nothing to write, nothing to tell.
        again = memory.look(kit.marked("a.py", TEXT), gaps=[gap])
        assert (again.witnesses, again.regressions) == ((), ())
        # Out of the gap and still there: the same; out of the gap and not there: resolved.
        memory.look((*kit.marked("a.py", TEXT), *kit.marked("lib/b.py", TEXT)))
        assert {item.state for item in memory.witnesses.values()} == {WitnessState.SEEN}
        memory.look(kit.marked("a.py", TEXT), gaps=[gap])
        memory.look(kit.marked("a.py", TEXT))
        assert len(memory.open_ids()) == 3

    def test_a_file_renamed_into_a_gap_stays_known(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look(kit.marked("a.py", TEXT))
        ids = memory.open_ids()
        memory.look(
            (),
            gaps=[Gap(GapReason.UNPARSED, "b.py")],
            change=kit.change(renames={"a.py": "b.py"}),
        )
        assert memory.open_ids() == ids
        memory.look(kit.marked("b.py", TEXT))
        assert memory.open_ids() == ids
        assert {memory.id_at("b.py", line) for line in (2, 4, 6)} == ids

    def test_a_gap_that_names_subjects_covers_only_them(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look([kit.advisory(), kit.advisory(name="flask")], "pip-audit")
        gap = Gap(GapReason.UNPINNED, "requirements.txt", subjects=("pypi:jinja2",))
        decision = memory.look((), "pip-audit", gaps=[gap])
        (change,) = decision.findings
        assert "flask" in change.title
        assert change.state is State.RESOLVED

    def test_a_gap_over_everything_keeps_everything(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look(kit.marked("a.py", TEXT))
        memory.look((), gaps=[Gap(GapReason.TOO_MANY)])
        assert len(memory.open_ids()) == 3


class TestWitnesses:
    def test_a_finding_is_open_while_any_witness_sees_it(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look(kit.marked("a.py", TEXT), "bandit")
        decision = memory.look(kit.marked("a.py", TEXT, scanner="semgrep"), "semgrep")
        assert len(memory.findings) == 3
        assert decision.regressions == ()
        assert {event.kind for event in decision.events} == {EventKind.WITNESS_ADDED}
        gone = memory.look((), "bandit", scan_key=ScanKey("t2", "1", "r2", "o1"))
        assert len(memory.open_ids()) == 3
        assert {event.kind for event in gone.events} == {EventKind.WITNESS_GONE}
        memory.look((), "semgrep")
        assert memory.open_ids() == set()

    def test_two_scanners_in_one_record_are_one_finding(self, kit: Any) -> None:
        memory = kit.memory()
        looks = [
            (look_of(kit, scanner, kit.marked("a.py", TEXT, scanner=scanner)), None)
            for scanner in ("bandit", "semgrep")
        ]
        decision = memory.looks(looks)
        assert len(decision.opened) == 3
        assert len(decision.added) == 6

    def test_severity_is_the_gravest_known(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look([kit.advisory(severity=Severity.UNKNOWN)], "pip-audit")
        (finding,) = memory.findings.values()
        assert finding.severity is Severity.UNKNOWN
        memory.look([kit.advisory(scanner="trivy", severity=Severity.LOW)], "trivy")
        assert memory.findings[finding.id].severity is Severity.LOW
        worse = memory.look([kit.advisory(scanner="trivy", severity=Severity.CRITICAL)], "trivy")
        assert kinds(worse) == [RegressionKind.SEVERITY_RAISED]
        assert [event.kind for event in worse.events] == [EventKind.SEVERITY]
        assert not memory.look(
            [kit.advisory(scanner="trivy", severity=Severity.LOW)], "trivy"
        ).regressions

    def test_a_manifest_resolves_by_itself(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look([kit.advisory("a.txt"), kit.advisory("b.txt")], "pip-audit")
        assert len(memory.findings) == 1
        memory.look([kit.advisory("b.txt")], "pip-audit")
        (finding,) = memory.open_ids()
        assert memory.places()[finding] == {("b.txt", None)}

    def test_an_advisory_that_comes_back_elsewhere_is_the_same_finding(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look([kit.advisory("a.txt")], "pip-audit")
        memory.look([], "pip-audit")
        decision = memory.look([kit.advisory("b.txt")], "pip-audit")
        assert len(memory.findings) == 1
        assert kinds(decision) == [RegressionKind.REOPENED]


def look_of(kit: Any, scanner: str, observations: Any) -> Any:
    return Look("api", scanner, Completed(observations), revision="c1", scan_key=kit.key)


class TestMerging:
    def test_a_late_alias_merges_the_younger_into_the_older(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look([kit.advisory(rule="GHSA-1")], "pip-audit")
        memory.look([kit.advisory(rule="CVE-1", scanner="trivy")], "trivy")
        older, younger = memory.findings
        decision = memory.look([kit.advisory(rule="GHSA-1", aliases=("CVE-1",))], "pip-audit")
        assert decision.merged == ((younger, older),)
        assert decision.regressions == ()
        assert not [change for change in decision.findings if change.state is State.RESOLVED]
        assert memory.open_ids() == {older}
        assert {item.finding for item in memory.witnesses.values()} == {older}
        assert [(event.finding, event.kind) for event in decision.events] == [
            (younger, EventKind.MERGED),
            (older, EventKind.MERGED),
        ]

    def test_a_resolved_one_is_left_alone(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look([kit.advisory(rule="GHSA-1")], "pip-audit")
        memory.look([], "pip-audit")
        memory.look([kit.advisory(rule="CVE-1", scanner="trivy")], "trivy")
        both = kit.advisory(rule="GHSA-1", aliases=("CVE-1",))
        decision = memory.look([both], "pip-audit")
        # Its own witness is back, so both are open now and are one.
        assert len(memory.open_ids()) == 1
        assert len(decision.merged) == 1


class TestSuppressions:
    def test_by_default_recorded_and_not_honoured(self, kit: Any) -> None:
        memory = kit.memory()
        memory.look(kit.marked("a.py", TEXT, suppression="nosec"))
        assert len(memory.open_ids()) == 3
        assert {w.observation.suppression for w in memory.witnesses.values()} == {"nosec"}

    def test_honoured_they_stay_open_and_are_waived(self, kit: Any) -> None:
        """The waiver is tested in test_acceptance; here, that nothing else becomes of them."""
        memory = kit.memory(policy=Policy(honour_inline=True))
        memory.look(kit.marked("a.py", TEXT))
        quiet = [replace(item, suppression="nosec") for item in kit.marked("a.py", TEXT)]
        assert memory.look(quiet).findings == ()
        assert len(memory.open_ids()) == 3


def test_stale_advisories_are_told_once(kit: Any) -> None:
    memory = kit.memory()
    stale = ("stale advisories: 9 days old",)
    memory.look([kit.advisory()], "pip-audit", warnings=())
    decision = memory.look([kit.advisory()], "pip-audit", warnings=stale)
    assert kinds(decision) == [RegressionKind.ADVISORIES_STALE]


def test_a_file_moved_is_an_event(kit: Any) -> None:
    memory = kit.memory()
    memory.look(kit.marked("a.py", TEXT))
    decision = memory.look(kit.marked("b.py", TEXT), change=kit.change(renames={"a.py": "b.py"}))
    assert [event.data for event in decision.events] == [{"from": "a.py", "to": "b.py"}] * 3
    assert not decision.opened


def test_settings_of_a_service_changed(kit: Any) -> None:
    memory = kit.memory()
    role = replace(
        kit.advisory(rule="superuser", scanner="data-expectations"),
        kind=FindingKind.ACCESS,
        subject="role/etl",
        place=Place("role/etl"),
        package=None,
        aliases=(),
    )
    memory.look([], "data-expectations", revision="t1")
    decision = memory.look([role], "data-expectations", revision="t2")
    assert decision.regressions[0].detail == "what the service answers changed"
