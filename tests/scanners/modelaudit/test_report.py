"""modelaudit's report of 0.2.54, read: what was found, what was given up, what is not believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compline.model import GapReason
from compline.scanners.blobs.analysis import Distrusted
from compline.scanners.models.opening.canary import CANARY
from compline.scanners.models.opening.modelaudit import ENVIRONMENT, OPTIONS, read_report

HOME = Path("/golden")
NAMES = (
    "0/torch.pt",
    "1/nested.zip",
    "2/good.pkl",
    "3/cut.pkl",
    "4/up.onnx",
    "5/locked.zip",
    "6/notes.xyz",
)


@pytest.fixture
def report() -> dict[str, Any]:
    golden = Path(__file__).parent / "golden" / "report-0.2.54.json"
    loaded: dict[str, Any] = json.loads(golden.read_text())
    return loaded


def read(report: dict[str, Any], code: int = 1) -> Any:
    return read_report(json.dumps(report).encode(), code, HOME, NAMES)


def test_the_golden_report_is_read(report: dict[str, Any]) -> None:
    answers = read(report)
    assert set(answers) == set(NAMES), "the canary is taken out"
    found = {name: [each["rule"] for each in said.findings] for name, said in answers.items()}
    assert found == {
        "0/torch.pt": ["unsafe-deserialisation"],
        "1/nested.zip": ["unsafe-deserialisation"],
        "2/good.pkl": [],
        "3/cut.pkl": [],
        "4/up.onnx": ["path-escape"],
        "5/locked.zip": [],
        "6/notes.xyz": [],
    }
    assert answers["1/nested.zip"].findings[0]["in"] == ["inner.zip:deep/model.pkl"]
    gaps = {name: {gap.reason for gap in said.gaps} for name, said in answers.items()}
    assert gaps["2/good.pkl"] == set()
    assert gaps["3/cut.pkl"] == gaps["5/locked.zip"] == {GapReason.UNPARSED}
    assert gaps["6/notes.xyz"] == {GapReason.UNSUPPORTED}


@pytest.mark.parametrize("code", [0, 1, 2])
def test_its_exit_codes_say_nothing_that_the_report_does_not(
    report: dict[str, Any], code: int
) -> None:
    assert read(report, code) == read(report)


def test_a_failed_run_another_exit_code_and_a_cut_report_are_not_believed(
    report: dict[str, Any],
) -> None:
    with pytest.raises(Distrusted, match="exit code 3"):
        read(report, 3)
    with pytest.raises(Distrusted, match="error of its own"):
        read({**report, "has_errors": True}, 2)
    with pytest.raises(Distrusted, match="cannot be read"):
        read_report(json.dumps(report).encode()[:-50], 1, HOME, NAMES)
    with pytest.raises(Distrusted, match="cannot be read"):
        read({"issues": []})


def test_without_its_canary_it_is_not_believed(report: dict[str, Any]) -> None:
    place = str(HOME / CANARY)
    issues = [each for each in report["issues"] if not each["location"].startswith(place)]
    with pytest.raises(Distrusted, match="missed its canary"):
        read({**report, "issues": issues})


def test_a_file_that_the_report_leaves_out_is_not_looked_at(report: dict[str, Any]) -> None:
    del report["file_metadata"][str(HOME / "2/good.pkl")]
    assert "2/good.pkl" not in read(report)


def test_a_grave_issue_of_an_unknown_file_is_not_lost(report: dict[str, Any]) -> None:
    issue = {**report["issues"][0], "severity": "critical", "location": "/elsewhere/x.pkl"}
    with pytest.raises(Distrusted, match="was not given"):
        read({**report, "issues": [*report["issues"], issue]})


def test_an_onnx_file_cannot_point_at_its_neighbour(report: dict[str, Any]) -> None:
    for issue in report["issues"]:
        if issue["type"] == "onnx_check" and "file" in issue["details"]:
            issue["location"] = str(HOME / "2/good.pkl")
    answers = read(report)
    assert answers["2/good.pkl"].findings == []
    assert [each["rule"] for each in answers["4/up.onnx"].findings] == ["path-escape"]


def test_no_message_of_the_tool_is_kept(report: dict[str, Any]) -> None:
    for issue in report["issues"]:
        issue["message"] = "hunter2"
    assert "hunter2" not in str(read(report))


def test_usage_data_is_switched_off_and_nothing_is_suppressed() -> None:
    assert ENVIRONMENT["PROMPTFOO_DISABLE_TELEMETRY"] == "1"
    assert "--strict" in OPTIONS
    assert "--no-cache" in OPTIONS
