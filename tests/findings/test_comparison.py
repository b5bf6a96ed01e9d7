"""What differs between two runs, and what brought it about."""

from __future__ import annotations

from typing import Any

import pytest

from compline.findings.comparison import (
    About,
    Basis,
    Comparison,
    Happening,
    causes_of,
    compare,
)
from compline.model import Severity

LOOK = ("api", "bandit")
SAME = {LOOK: Basis("c1", "m1", "a1", "completed")}


def run(
    *events: tuple[int, str, dict[str, Any]],
    before: dict[tuple[str, str], Basis] = SAME,
    after: dict[tuple[str, str], Basis] = SAME,
    since: int = 1,
) -> Comparison:
    happened = [Happening("F", number, kind, data) for number, kind, data in events]
    about = {"F": About("api", "exec is used", Severity.HIGH)}
    return compare(happened, about, before, after, since=since)


OPENED = (1, "opened", {"cause": "first look"})
RESOLVED = (2, "resolved", {"cause": "code"})


@pytest.mark.parametrize(
    ("events", "what", "causes"),
    [
        ([(2, "opened", {"cause": "code"})], "opened", ("code",)),
        ([(2, "opened", {"cause": "code+advisories"})], "opened", ("code", "advisories")),
        ([(2, "opened", {"cause": "first look"})], "opened", ("other",)),
        ([OPENED, RESOLVED], "resolved", ("code",)),
        ([OPENED, RESOLVED, (3, "reopened", {"cause": "rules"})], "changed", ("other",)),
        ([OPENED, (1, "resolved", {}), (3, "reopened", {"cause": "rules"})], "opened", ("rules",)),
        ([OPENED, (2, "severity", {"from": "low", "to": "high"})], "changed", ("other",)),
        ([OPENED, (2, "merged", {"into": "G"})], "changed", ("other",)),
        ([(2, "opened", {"cause": "code"}), (3, "resolved", {"cause": "rules"})], "changed",
         ("rules",)),
        ([OPENED, (2, "resolved", {"cause": "target gone"})], "resolved", ("other",)),
    ],
)  # fmt: skip
def test_one_finding(events: list[Any], what: str, causes: tuple[str, ...]) -> None:
    (found,) = run(*events).differences
    assert (found.what, found.causes) == (what, causes)
    assert len(found.steps) == sum(number > 1 for number, _, _ in events)


def test_what_happened_before_is_no_difference() -> None:
    assert run(OPENED).differences == ()


def test_events_without_a_cause_stand_for_what_differs_of_the_looks() -> None:
    after = {LOOK: Basis("c1", "m2", "a2", "completed")}
    found = run(OPENED, (2, "severity", {"from": "low", "to": "high"}), after=after)
    (one,) = found.differences
    assert one.causes == ("rules", "advisories")
    assert one.steps == ("severity from low to high in run 2",)


@pytest.mark.parametrize(
    ("after", "causes"),
    [
        (SAME, None),
        ({LOOK: Basis("c2", "m1", "a1", "completed")}, ("code",)),
        ({LOOK: Basis("c2", "m2", "a2", "failed")}, ("code", "rules", "advisories", "other")),
        ({}, ("other",)),
        (SAME | {("api", "semgrep"): Basis()}, ("other",)),
    ],
)
def test_what_looks_stood_on(after: Any, causes: tuple[str, ...] | None) -> None:
    moved = run(after=after).moved
    assert [one.causes for one in moved] == ([] if causes is None else [causes])


def test_the_gravest_come_first_and_can_be_taken_by_cause() -> None:
    happened = [
        Happening(name, 2, "opened", {"cause": cause})
        for name, cause in (("A", "code"), ("B", "rules"), ("C", "code"))
    ]
    ranks = {"A": Severity.LOW, "B": Severity.HIGH, "C": Severity.CRITICAL}
    about = {name: About("api", name, severity) for name, severity in ranks.items()}
    found = compare(happened, about, SAME, SAME, since=1)
    assert [one.finding for one in found.differences] == ["C", "B", "A"]
    assert [one.finding for one in found.of("opened", "code")] == ["C", "A"]
    assert found.of("resolved") == ()


def test_words_of_causes() -> None:
    assert causes_of("rules+code") == ("code", "rules")
    assert causes_of("settings") == ("other",)
    assert causes_of("") == ()
