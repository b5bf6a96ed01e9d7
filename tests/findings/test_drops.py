"""The hold of law 1: a sudden drop closes nothing until a fresh scan agrees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compline.findings.drops import Gaps, HoldLimits
from compline.findings.known import WitnessState
from compline.findings.lifecycle import Policy
from compline.findings.regressions import RegressionKind
from compline.model import Gap, GapReason

TEXT = "".join(f"exec(a{number})\n" for number in range(20))


@pytest.fixture
def memory(kit: Any) -> Any:
    known = kit.memory()
    known.look(kit.marked("a.py", TEXT), revision="c1")
    assert len(known.open_ids()) == 20
    return known


def held(memory: Any) -> int:
    return sum(item.state is WitnessState.HELD for item in memory.witnesses.values())


def test_a_drop_without_a_change_is_held_and_told_once(kit: Any, memory: Any) -> None:
    decision = memory.look(kit.marked("a.py", TEXT)[:4], revision="c1", fresh=False)
    assert [hold.lost for hold in decision.holds] == [16]
    assert [item.kind for item in decision.regressions] == [RegressionKind.DROP_HELD]
    assert decision.regressions[0].title == "bandit lost 16 of 20 findings of api"
    assert len(memory.open_ids()) == 20
    assert held(memory) == 16
    again = memory.look(kit.marked("a.py", TEXT)[:4], revision="c1", fresh=False)
    assert (again.regressions, again.witnesses) == ((), ())
    assert len(memory.open_ids()) == 20


def test_an_equally_poor_fresh_scan_releases_it(kit: Any, memory: Any) -> None:
    memory.look(kit.marked("a.py", TEXT)[:4], revision="c1", fresh=False)
    decision = memory.look(kit.marked("a.py", TEXT)[:4], revision="c1", fresh=True)
    assert decision.holds == ()
    assert {change.cause for change in decision.findings} == {"unexplained"}
    assert len(memory.open_ids()) == 4
    assert memory.heads["bandit"].held_lost == 0


def test_the_first_look_is_held_even_if_it_was_fresh(kit: Any, memory: Any) -> None:
    assert memory.look((), revision="c1", fresh=True).holds
    assert len(memory.open_ids()) == 20


def test_a_less_poor_fresh_scan_does_not_release_it(kit: Any, memory: Any) -> None:
    memory.look(kit.marked("a.py", TEXT)[:2], revision="c1")
    decision = memory.look(kit.marked("a.py", TEXT)[:8], revision="c1", fresh=True)
    assert [hold.lost for hold in decision.holds] == [12]
    assert len(memory.open_ids()) == 20
    assert held(memory) == 12


def test_when_they_are_back_nothing_has_happened(kit: Any, memory: Any) -> None:
    ids = memory.open_ids()
    memory.look((), revision="c1")
    decision = memory.look(kit.marked("a.py", TEXT), revision="c1")
    assert decision.regressions == ()
    assert memory.open_ids() == ids
    assert held(memory) == 0
    assert memory.heads["bandit"].held_lost == 0


@pytest.mark.parametrize(
    "what", [{"rules": "r2"}, {"options": "o2"}, {"adapter": "2"}, {"tool": "t2"}]
)
def test_another_way_of_looking_does_not_trip_it(
    kit: Any, memory: Any, what: dict[str, str]
) -> None:
    decision = memory.look((), revision="c1", scan_key=replace(kit.key, **what))
    assert decision.holds == ()
    assert memory.open_ids() == set()
    assert {change.cause for change in decision.findings} == {"rules"}


def test_other_advisories_do_trip_it(kit: Any) -> None:
    memory = kit.memory()
    memory.look([kit.advisory(name=f"p{number}") for number in range(9)], "pip-audit")
    poorer = replace(kit.key, advisories="d2")
    assert memory.look([], "pip-audit", revision="c0", scan_key=poorer).holds
    assert len(memory.open_ids()) == 9


def test_few_are_not_held(kit: Any) -> None:
    memory = kit.memory()
    memory.look(kit.marked("a.py", TEXT)[:4], revision="c1")
    assert not memory.look((), revision="c1").holds
    assert memory.open_ids() == set()


def test_under_half_is_not_held(kit: Any, memory: Any) -> None:
    assert not memory.look(kit.marked("a.py", TEXT)[:11], revision="c1").holds
    assert len(memory.open_ids()) == 11


def test_exactly_half_is_held(kit: Any, memory: Any) -> None:
    assert memory.look(kit.marked("a.py", TEXT)[:10], revision="c1").holds


def test_limits_are_the_configurations(kit: Any) -> None:
    memory = kit.memory(policy=Policy(hold=HoldLimits(share=0.9)))
    memory.look(kit.marked("a.py", TEXT), revision="c1")
    assert not memory.look(kit.marked("a.py", TEXT)[:4], revision="c1").holds


@pytest.mark.parametrize(("changed", "holds"), [(0.05, True), (0.1, False)])
def test_much_change_explains_a_drop(kit: Any, memory: Any, changed: float, holds: bool) -> None:
    decision = memory.look((), revision="c2", change=kit.change(changed=changed))
    assert bool(decision.holds) is holds


def test_what_the_scanner_says_of_its_own_input_counts_first(kit: Any, memory: Any) -> None:
    change = kit.change(changed=0.01)
    assert not memory.look((), revision="c2", change=change, changed=0.5).holds


def test_a_file_that_was_changed_or_removed_explains_its_own_losses(kit: Any, memory: Any) -> None:
    fixed = TEXT.replace("exec(", "ask(")
    change = kit.change([(TEXT, fixed)], changed=0.01)
    assert not memory.look((), revision="c2", change=change).holds
    assert memory.open_ids() == set()


def test_a_removed_file_explains_its_losses(kit: Any, memory: Any) -> None:
    change = kit.change(removed=["a.py"], changed=0.01)
    assert not memory.look((), revision="c2", change=change).holds
    assert memory.open_ids() == set()


def test_only_what_is_not_explained_is_held(kit: Any, memory: Any) -> None:
    memory.look((*kit.marked("a.py", TEXT), *kit.marked("b.py", TEXT)), revision="c2")
    change = kit.change(removed=["b.py"], changed=0.01)
    decision = memory.look((), revision="c3", change=change)
    assert [hold.lost for hold in decision.holds] == [20]
    assert held(memory) == 20
    assert len(memory.open_ids()) == 20


def test_what_lies_in_a_gap_is_not_lost(kit: Any, memory: Any) -> None:
    decision = memory.look((), revision="c1", gaps=[Gap(GapReason.CRASHED, "a.py")])
    assert decision.holds == ()
    assert held(memory) == 0
    assert len(memory.open_ids()) == 20


def test_gaps_are_found_by_path() -> None:
    gaps = Gaps(
        [
            Gap(GapReason.CRASHED, "a.py"),
            Gap(GapReason.VENDORED, "lib/x/"),
            Gap(GapReason.UNPINNED, "r.txt", subjects=("pypi:a",)),
        ]
    )
    assert gaps.cover("a.py", "")
    assert gaps.cover("lib/x/y/z.py", "")
    assert not gaps.cover("lib/xy.py", "")
    assert not gaps.cover("b/a.py", "")
    assert gaps.cover("r.txt", "pypi:a")
    assert not gaps.cover("r.txt", "pypi:b")
    assert not Gaps([]).cover("a.py", "")
    assert Gaps([Gap(GapReason.TOO_MANY)]).cover("anything", "")
