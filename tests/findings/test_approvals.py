"""Which decision of the gate approves what production serves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from compline.findings.approvals import Word, approval_of
from compline.findings.facts import KnownFact, KnownFacts, compare_facts, key_of
from compline.findings.gate import GateVerdict
from compline.findings.known import Head
from compline.model import Approval, Completed, Fact, Look, RegressionKind, ScanKey, Served

AT = datetime(2026, 1, 1, 2, tzinfo=UTC)
SERVED = Served("fraud", "2", "sha256:aa")
MET = Word("0123456789abcdef", "fraud", "2", "sha256:aa", GateVerdict.MET, AT)
OF_ANOTHER = replace(MET, version="1", decision="f" * 16)


def test_a_met_decision_about_these_very_files_approves() -> None:
    found = approval_of(SERVED, [OF_ANOTHER, MET])
    assert found == Approval(True, "approved by decision 0123456789ab of 2026-01-01 02:00")


@pytest.mark.parametrize(
    ("served", "words", "why"),
    [
        (SERVED, [], "no decision of the gate approves it"),
        (SERVED, [OF_ANOTHER], "no decision of the gate approves it"),
        (SERVED, [replace(MET, verdict=GateVerdict.BREACHED), MET], "last word on it is breached"),
        (SERVED, [replace(MET, verdict=GateVerdict.UNKNOWN), MET], "last word on it is unknown"),
        (SERVED, [None, MET], "cannot be read"),
        (SERVED, [replace(MET, digest="sha256:bb")], "approves sha256:bb, and this is sha256:aa"),
        (SERVED, [replace(MET, digest="")], "approves no digest"),
        (replace(SERVED, digest=""), [MET], "not all its files could be read"),
        (replace(SERVED, digest=""), [replace(MET, digest="")], "not all its files"),
    ],
)
def test_anything_else_approves_nothing(served: Served, words: list[Word | None], why: str) -> None:
    found = approval_of(served, words)
    assert not found.holds
    assert why in found.words


def test_what_cannot_be_read_behind_the_last_word_takes_nothing_back() -> None:
    assert approval_of(SERVED, [MET, None]).holds


def test_an_approved_change_is_written_down_and_any_other_is_told_with_the_reason() -> None:
    before = Fact(RegressionKind.MODEL_CHANGED, "fraud@production", "1")
    known = KnownFacts({key_of(before): KnownFact(before)})
    key = ScanKey("t", "1")
    head = Head("completed", AT, AT, "yesterday", key)

    def compared(approval: Approval | None) -> tuple[int, list[str]]:
        now = replace(before, value="2", served=SERVED, approval=approval)
        look = Look("models", "x", Completed((), (), (now,)), scan_key=key)
        changes, told = compare_facts(look, head, known)
        return len(changes), [one.change for one in told]

    assert compared(Approval(True, "approved")) == (1, [])
    assert compared(Approval(False, "nobody did")) == (1, ["from 1 to 2; nobody did"])
    assert compared(None) == (1, ["from 1 to 2"])


def test_the_first_version_that_production_serves_is_told_unless_it_is_approved() -> None:
    """A new model, or one that had no alias, must not come to production past the gate."""
    first = Fact(RegressionKind.MODEL_CHANGED, "fraud@production", "2", served=SERVED)
    file = Fact(RegressionKind.MODEL_CHANGED, "fraud/2/model.pkl", "sha256:aa")
    key = ScanKey("t", "1", options="o")
    head = Head("completed", AT, AT, "yesterday", key)

    def told(approval: Approval | None, head: Head | None, key: ScanKey = key) -> list[str]:
        facts = (replace(first, approval=approval), file)
        look = Look("models", "x", Completed((), (), facts), scan_key=key)
        return [one.change for one in compare_facts(look, head, KnownFacts({}))[1]]

    assert told(Approval(False, "nobody did"), head) == ["from nothing to 2; nobody did"]
    assert told(Approval(True, "approved"), head) == []
    assert told(Approval(False, "nobody did"), None) == [], "the first look"
    assert told(None, head, replace(key, options="another alias")) == []
