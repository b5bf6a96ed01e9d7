"""The gate's judgement, pure: never met without evidence."""

from __future__ import annotations

import pytest

from compline.findings import gate
from compline.findings.gate import Defect, GateVerdict, Opened, Requirement
from compline.model import Severity

MET, BREACHED, UNKNOWN = GateVerdict.MET, GateVerdict.BREACHED, GateVerdict.UNKNOWN


def defect(severity: Severity, *, waived: bool = False) -> Defect:
    return Defect(f"CMP-{severity}", "rule", severity, "a defect", "fraud/1/a.pkl", waived)


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ((), UNKNOWN),
        ((MET, MET), MET),
        ((MET, UNKNOWN), UNKNOWN),
        ((UNKNOWN, BREACHED, MET), BREACHED),
    ],
)
def test_the_worst_decides(verdicts: tuple[GateVerdict, ...], whole: GateVerdict) -> None:
    assert gate.decide(Requirement("scan", each, "") for each in verdicts) is whole


@pytest.mark.parametrize(
    ("defects", "problems", "verdict"),
    [
        ((), (), MET),
        ((), ("it failed",), UNKNOWN),
        ((defect(Severity.MEDIUM),), (), MET),
        ((defect(Severity.UNKNOWN),), (), BREACHED),
        ((defect(Severity.HIGH),), ("it failed",), BREACHED),
        ((defect(Severity.HIGH, waived=True),), (), MET),
        ((defect(Severity.HIGH, waived=True),), ("it failed",), UNKNOWN),
        ((defect(Severity.HIGH, waived=True), defect(Severity.CRITICAL)), (), BREACHED),
    ],
)
def test_findings_breach_and_problems_make_unknown(
    defects: tuple[Defect, ...], problems: tuple[str, ...], verdict: GateVerdict
) -> None:
    found = gate.judge("scan", problems, defects, Severity.HIGH, "nothing")
    assert found.verdict is verdict
    waived = [each.id for each in defects if each.waived]
    assert list(found.accepted) == waived


def test_a_file_is_scanned_by_whoever_looked_at_what_is_there_now() -> None:
    files = {"a": "1", "b": "2", "model.sig": "3"}
    audit = Opened("modelaudit", "", {"a": "1"})
    assert gate.unscanned(files, [audit, Opened("picklescan", "", {"b": "2"})], "model.sig") == []
    assert gate.unscanned(files, [audit], "model.sig") == ["no tool has looked at all of b"]
    old = Opened("picklescan", "", {"b": "1"})
    assert gate.unscanned(files, [audit, old], "model.sig") == [
        "b was changed since it was scanned"
    ]
    failed = Opened("picklescan", "it failed", {"b": "2"})
    assert gate.unscanned(files, [audit, failed], "model.sig") == ["picklescan: it failed"]
    assert gate.unscanned(files, [], "model.sig")


def test_what_was_not_asked_is_not_missing() -> None:
    assert gate.licence("", (), "not asked", ()).verdict is UNKNOWN
    assert gate.licence("", (), "", ()).verdict is BREACHED
    assert gate.licence("", (), "", ("CMP-1",)).accepted == ("CMP-1",)
    assert gate.licence("mit", ("MIT",), "not asked", ()).verdict is MET
    assert gate.licence("mit", ("Apache-2.0",), "not asked", ()).verdict is BREACHED
    assert gate.provenance({"run": "r"}, (), "", ()).verdict is MET
    assert gate.provenance({"run": "r"}, ("run", "commit"), "", ()).verdict is BREACHED
    assert gate.provenance({"run": "r"}, ("commit",), "not asked", ()).verdict is UNKNOWN
    assert gate.provenance({}, (), "", ()).verdict is BREACHED


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("good", MET),
        ("none", BREACHED),
        ("other-key", BREACHED),
        ("content", BREACHED),
        ("unreadable", BREACHED),
        ("unverified", UNKNOWN),
        ("", UNKNOWN),
        ("something new", UNKNOWN),
    ],
)
def test_signatures(said: str, verdict: GateVerdict) -> None:
    assert gate.signature(said, ()).verdict is verdict


def test_the_digest_is_of_names_and_contents_in_any_order() -> None:
    one = gate.model_digest({"a": "1", "b": "2"})
    assert one == gate.model_digest({"b": "2", "a": "1"})
    assert len({one, gate.model_digest({"a": "2", "b": "1"}), gate.model_digest({"a": "1"})}) == 3
