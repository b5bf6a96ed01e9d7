"""Facts against those of the last completed look: what is told, what is only written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from compline.findings.facts import KnownFact, KnownFacts, compare_facts, differing, key_of
from compline.findings.known import Head
from compline.model import (
    Completed,
    Fact,
    Failed,
    Gap,
    GapReason,
    Look,
    RegressionKind,
    ScanKey,
    Skipped,
)

WIDENED, CHANGED = RegressionKind.PERMISSION_WIDENED, RegressionKind.MODEL_CHANGED
KEY = ScanKey(tool="t", adapter="1")
THEN = datetime(2025, 1, 1, tzinfo=UTC)
BEFORE = Head("completed", THEN, THEN, "yesterday", KEY)
READ = Fact(WIDENED, "grant/ann/fraud", "READ", 1, "ann on fraud")
EDIT = replace(READ, value="EDIT", rank=3)
THREE = Fact(CHANGED, "alias/fraud/champion", "version 3")
FOUR = replace(THREE, value="version 4")
HIDDEN = Gap(GapReason.FORBIDDEN, "grant/")


def known(*facts: Fact, gone: bool = False, gaps: tuple[Gap, ...] = ()) -> KnownFacts:
    return KnownFacts({key_of(fact): KnownFact(fact, gone) for fact in facts}, gaps)


def compared(
    now: tuple[Fact, ...] | Any,
    then: KnownFacts,
    head: Head | None = BEFORE,
    gaps: tuple[Gap, ...] = (),
    key: ScanKey = KEY,
) -> tuple[list[str], list[tuple[str, str, bool]]]:
    outcome = Completed((), gaps, now) if isinstance(now, tuple) else now
    changes, told = compare_facts(Look("models", "x", outcome, scan_key=key), head, then)
    return [one.change for one in told], [(c.fact.subject, c.fact.value, c.gone) for c in changes]


def test_a_rank_that_rises_is_told_with_before_and_after() -> None:
    assert compared((EDIT,), known(READ)) == (
        ["from READ to EDIT"],
        [(READ.subject, "EDIT", False)],
    )


def test_a_rank_that_falls_is_only_written_down() -> None:
    assert compared((READ,), known(EDIT)) == ([], [(READ.subject, "READ", False)])


def test_what_stays_costs_nothing() -> None:
    assert compared((READ, THREE), known(READ, THREE)) == ([], [])


def test_somebody_new_is_told_unless_he_may_do_nothing() -> None:
    nobody = replace(READ, subject="user/bob", value="account", rank=0)
    told, changes = compared((READ, nobody), known())
    assert told == ["from nothing to READ"]
    assert len(changes) == 2


def test_the_first_completed_look_tells_nothing() -> None:
    for head in (None, Head("failed", THEN)):
        assert compared((READ, THREE), known(), head) == (
            [],
            [(READ.subject, "READ", False), (THREE.subject, "version 3", False)],
        )


def test_another_adapter_may_begin_to_report_what_was_always_there() -> None:
    newer = replace(KEY, adapter="2")
    assert compared((READ,), known(), key=newer)[0] == []
    assert compared((EDIT,), known(READ), key=newer)[0] == ["from READ to EDIT"]


def test_another_value_of_a_model_is_told_and_a_new_model_is_not() -> None:
    assert compared((FOUR,), known(THREE))[0] == ["from version 3 to version 4"]
    assert compared((FOUR,), known())[0] == []


def test_what_is_gone_is_written_down_and_told_when_it_comes_back() -> None:
    assert compared((), known(READ)) == ([], [(READ.subject, "READ", True)])
    assert compared((), known(READ, gone=True)) == ([], [])
    assert compared((READ,), known(READ, gone=True))[0] == ["from nothing to READ"]


def test_a_model_put_back_with_other_content_is_told() -> None:
    assert compared((FOUR,), known(THREE, gone=True))[0] == ["from version 3 to version 4"]
    assert compared((THREE,), known(THREE, gone=True)) == (
        [],
        [(THREE.subject, "version 3", False)],
    )


@pytest.mark.parametrize("outcome", [Failed("403"), Skipped("nothing")])
def test_what_could_not_look_changes_nothing(outcome: Any) -> None:
    assert compared(outcome, known(READ)) == ([], [])


def test_inside_a_gap_it_stays_as_it_was_known() -> None:
    assert compared((), known(READ), gaps=(HIDDEN,)) == ([], [])


def test_what_a_gap_hid_since_the_first_look_is_no_news_when_it_lifts() -> None:
    assert compared((READ,), known(gaps=(HIDDEN,)))[0] == []
    assert compared((READ,), known(gaps=(replace(HIDDEN, path="user/"),)))[0] == [
        "from nothing to READ"
    ]


def test_a_permission_on_something_new_came_with_it() -> None:
    old = replace(READ, since=datetime(2024, 1, 1, tzinfo=UTC))
    new = replace(READ, since=datetime(2025, 1, 2, tzinfo=UTC))
    assert compared((old,), known())[0] == ["from nothing to READ"]
    assert compared((new,), known()) == ([], [(READ.subject, "READ", False)])
    assert compared((new,), known(READ)) == ([], [])


def test_what_came_while_a_gap_hid_it_is_news_where_it_was_seen_before() -> None:
    other = replace(READ, subject="grant/bob/fraud")
    assert compared((READ, other), known(READ, gaps=(HIDDEN,)))[0] == ["from nothing to READ"]
    assert compared((EDIT,), known(READ, gaps=(HIDDEN,)))[0] == ["from READ to EDIT"]


def test_two_accounts_differ_both_ways() -> None:
    other = replace(READ, subject="grant/bob/fraud", title="")
    assert differing([READ, THREE, other], [EDIT, THREE]) == (
        "ann on fraud: from READ to EDIT",
        "grant/bob/fraud: from READ to nothing",
    )
