"""schemathesis' report, recorded from the real tool, and what is made of broken ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.model import GapReason, Severity
from compline.scanners.endpoints.dynamic.document import Document, prepare
from compline.scanners.endpoints.dynamic.report import Broken, read
from compline.scanners.endpoints.dynamic.verdict import NotTested, judge

GOLDEN = (Path(__file__).parent / "golden" / "bad.ndjson").read_bytes()
CANARY = "/compline-canary-0123456789ab"
OPERATIONS = ("POST /score", "GET /status", "GET /away", "DELETE /score/{number}")
DOCUMENT = Document(b"", OPERATIONS)
METHODS = ("GET", "POST")


def changed(change: Callable[[str, dict[str, Any]], bool]) -> bytes:
    """The report with its events changed in place; False leaves one out."""
    lines = []
    for line in GOLDEN.splitlines():
        ((event, value),) = json.loads(line).items()
        if change(event, value):
            lines.append(json.dumps({event: value}).encode())
    return b"\n".join(lines)


def statuses(operation: str, *codes: int) -> bytes:
    """The report as if an operation had answered with these."""

    def change(event: str, value: dict[str, Any]) -> bool:
        if event == "ScenarioFinished" and value["recorder"]["label"] == operation:
            answers = value["recorder"].get("interactions", {}).values()
            for number, answer in enumerate(answers):
                answer["response"]["status_code"] = codes[number % len(codes)]
        return True

    return changed(change)


def test_the_golden_report() -> None:
    completed = judge(read(GOLDEN), DOCUMENT, CANARY, METHODS, over=0)

    assert {(o.rule, o.subject): o.severity for o in completed.observations} == {
        ("not-a-server-error", "operation/POST /score"): Severity.HIGH,
        ("status-code-conformance", "operation/POST /score"): Severity.LOW,
        ("status-code-conformance", "operation/GET /status"): Severity.LOW,
        ("status-code-conformance", "operation/GET /away"): Severity.LOW,
    }
    assert [(gap.reason, gap.path) for gap in completed.gaps] == [
        (GapReason.UNSUPPORTED, "operation/DELETE /score/{number}")
    ]


def test_the_example_is_no_part_of_the_identity() -> None:
    def other(event: str, value: dict[str, Any]) -> bool:
        if event == "ScenarioFinished":
            recorder = value["recorder"]
            for name in ("cases", "checks", "interactions"):
                recorder[name] = {f"x{key}": item for key, item in recorder.get(name, {}).items()}
        return True

    first = judge(read(GOLDEN), DOCUMENT, CANARY, METHODS, over=0)
    assert judge(read(changed(other)), DOCUMENT, CANARY, METHODS, over=0) == first


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no end"),
        (GOLDEN[:-40], "not whole"),
        (b"\n".join(GOLDEN.splitlines()[:-1]), "has no end"),
        (GOLDEN.replace(b'"completed"', b'"interrupted"'), "come to its end"),
        (b'{"FatalError": {}}\n' + GOLDEN, "could not use"),
        (GOLDEN.replace(b'"label"', b'"lable"'), "not whole"),
        (b"[1]\n", "not whole"),
    ],
)
def test_broken_reports(content: bytes, message: str) -> None:
    with pytest.raises(Broken, match=message):
        read(content)


def test_a_missing_canary_is_not_trusted() -> None:
    def gone(event: str, value: dict[str, Any]) -> bool:
        return "canary" not in json.dumps(value)

    with pytest.raises(NotTested, match="missed its canary"):
        judge(read(changed(gone)), DOCUMENT, CANARY, METHODS, over=0)


def test_an_operation_that_is_not_in_the_report_is_a_gap() -> None:
    document = Document(b"", (*OPERATIONS, "GET /more"))
    completed = judge(read(GOLDEN), document, CANARY, METHODS, over=0)
    assert GapReason.NOT_REPORTED in {g.reason for g in completed.gaps if "/more" in g.path}
    with pytest.raises(NotTested, match="no operation was tested"):
        judge(read(GOLDEN), Document(b"", ("GET /more",)), CANARY, METHODS, over=0)


def test_an_operation_that_lets_nobody_in_was_not_tested() -> None:
    content = statuses("GET /status", 401, 422)
    completed = judge(read(content), DOCUMENT, CANARY, METHODS, over=0)
    assert "operation/GET /status" not in {o.subject for o in completed.observations}
    assert (GapReason.FORBIDDEN, "operation/GET /status") in {
        (gap.reason, gap.path) for gap in completed.gaps
    }
    let_in = judge(read(statuses("GET /status", 401, 202)), DOCUMENT, CANARY, METHODS, over=0)
    assert "operation/GET /status" in {o.subject for o in let_in.observations}


def test_an_operation_that_is_not_there_was_not_tested() -> None:
    def told(operation: str, *codes: int) -> list[tuple[GapReason, str]]:
        gaps = judge(read(statuses(operation, *codes)), DOCUMENT, CANARY, METHODS, over=0).gaps
        return [(gap.reason, gap.path) for gap in gaps if gap.path.endswith(operation)]

    assert told("GET /status", 404, 405) == [(GapReason.MISSING_OBJECT, "operation/GET /status")]
    assert told("GET /status", 404, 200) == []


def test_where_nothing_is_there_the_base_path_is_wrong() -> None:
    """The document may well know of 404, and then nothing would be found."""

    def lost(event: str, value: dict[str, Any]) -> bool:
        if event == "ScenarioFinished" and CANARY not in value["recorder"]["label"]:
            for answer in value["recorder"].get("interactions", {}).values():
                answer["response"]["status_code"] = 404
        return True

    with pytest.raises(NotTested, match="does the endpoint's url have the base path"):
        judge(read(changed(lost)), DOCUMENT, CANARY, METHODS, over=0)


@pytest.mark.parametrize(("over", "reason"), [(0, GapReason.CRASHED), (5, GapReason.TOO_MANY)])
def test_requests_without_an_answer(over: int, reason: GapReason) -> None:
    lost = {"NonFatalError": {"value": {"type": "ProxyError"}, "label": "GET /status"}}
    content = json.dumps(lost).encode() + b"\n" + GOLDEN
    completed = judge(read(content), DOCUMENT, CANARY, METHODS, over=over)
    assert (reason, "operation/GET /status") in {(g.reason, g.path) for g in completed.gaps}


def test_a_document_is_given_on_without_its_servers() -> None:
    yaml = b"""
openapi: 3.0.0
info: {title: t, version: 2026-01-01}
servers: [{url: "http://169.254.169.254"}]
paths:
  /x: {get: {responses: {"200": {description: d}}}, parameters: []}
"""
    made = prepare(yaml, CANARY, "POST")
    given = json.loads(made.text)
    assert made.operations == ("GET /x",)
    assert "servers" not in given
    assert set(given["paths"]) == {"/x", CANARY}
    assert set(given["paths"][CANARY]) == {"post"}
    assert given["info"]["version"] == "2026-01-01"
