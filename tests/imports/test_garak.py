"""garak's reports on endpoints: hits become findings, and nothing of the conversations is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compline.model import Confidence, GapReason, State
from compline.pipeline.request import BadRequest
from compline.scanners.imports import formats
from compline.scanners.imports.report import Broken, Settings, WrongFile, check_format, parse
from compline.scanners.imports.sources import Sources
from compline.scanners.trivy.licences import LicencePolicy

REPORT = (Path(__file__).parent / "golden" / "garak.report.jsonl").read_text()
LINES = REPORT.splitlines()
INJECTED = "probe/promptinject.HijackHateHumans/promptinject.AttackRogueString"


def read(text: str) -> Any:
    document = parse(text.encode())
    check_format("garak", document)
    (reading,) = formats.reader("garak")(document, Sources(None), Settings(None, LicencePolicy([])))
    return reading


def entry(number: int, **changed: Any) -> str:
    """The report with one line changed."""
    lines = list(LINES)
    lines[number] = json.dumps({**json.loads(lines[number]), **changed})
    return "\n".join(lines)


def test_only_hits_are_findings() -> None:
    reading = read(REPORT)

    assert (reading.scanner, reading.version) == ("import:garak", "0.14.0")
    told = {(o.rule, o.subject): o.confidence for o in reading.observations}
    assert told == {
        ("promptinject.HijackHateHumans", INJECTED): Confidence.HIGH,
        (
            "leakreplay.LiteratureCloze",
            "probe/leakreplay.LiteratureCloze/leakreplay.StartsWith",
        ): Confidence.LOW,
    }
    (gap,) = reading.gaps
    assert (gap.reason, gap.detail) == (GapReason.NOT_REPORTED, "2 answers were not judged")


def test_a_probe_that_was_not_evaluated_is_a_gap() -> None:
    (_, gap) = read(
        "\n".join(line for line in LINES if '"lmrc.Profanity", "detector"' not in line)
    ).gaps
    assert (gap.reason, gap.path) == (GapReason.TRUNCATED, "probe/lmrc.Profanity/")


def test_the_totals_of_older_versions() -> None:
    old = {"entry_type": "eval", "probe": "dan.Dan_11_0", "detector": "detector.dan.DAN"}
    line = json.dumps({**old, "passed": 3, "total": 4})
    reading = read("\n".join([*LINES[:2], line, LINES[-1]]))
    (found,) = reading.observations
    assert (found.subject, found.confidence) == ("probe/dan.Dan_11_0/dan.DAN", Confidence.MEDIUM)
    assert dict(found.details)["hits"] == "1 of 4 answers"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n".join(LINES[:-1]), "did not come to its end"),
        ("\n".join([*LINES[:2], LINES[-1]]), "no evaluation"),
        (REPORT[:-20], "breaks off"),
        (entry(4, passed=9), "not whole"),
        (entry(4, passed=None), "not whole"),
    ],
)
def test_a_report_that_is_not_whole(text: str, message: str) -> None:
    with pytest.raises(Broken, match=message):
        read(text)


def test_another_kind_of_file_is_told() -> None:
    with pytest.raises(WrongFile, match="compline import garak"):
        check_format("bandit", parse(REPORT.encode()))
    with pytest.raises(WrongFile, match="not garak"):
        check_format("garak", parse(b'{"entry": 1}'))


def test_an_import_for_an_endpoint(shop: Any) -> None:
    taken = shop.take("garak", REPORT, target="assistant", complete=True)

    assert (taken.row.scanner, taken.row.outcome) == ("import:garak", "completed"), taken.row.reason
    assert taken.row.observations == 2
    found = shop.open()
    assert {one.target for one in found.values()} == {"assistant"}
    again = shop.take("garak", REPORT, target="assistant", complete=True)
    assert again.row.observations == 2
    assert shop.open().keys() == found.keys()
    kept = shop.everything()
    for said in (b"PROMPT-OF-THE-TESTS", b"ANSWER-OF-THE-TESTS", b"a goal of the tests"):
        assert said not in kept
    well = entry(4, passed=2, fails=0)
    shop.take("garak", well, target="assistant", complete=True)
    resolved = shop.findings(State.RESOLVED)
    assert {one.rule for one in resolved} == {"promptinject.HijackHateHumans"}


def test_only_endpoints_have_such_reports(shop: Any) -> None:
    with pytest.raises(BadRequest, match="reports of garak are imported for endpoint targets"):
        shop.take("garak", REPORT)
    with pytest.raises(BadRequest, match="imported for image and repository targets"):
        shop.take("bandit", "{}", target="assistant")
