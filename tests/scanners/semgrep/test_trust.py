"""Which report of Semgrep's is believed, and what its results depend on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.model import GapReason, TargetKind
from compline.scanners.blobs.analysis import Distrusted
from compline.scanners.interface import ScanContext
from compline.scanners.semgrep.report import RuleLeftOut, read_report
from compline.scanners.semgrep.scanner import Semgrep

Within = Callable[..., ScanContext]


Rules = Callable[..., Path]


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"Fatal error: exception Stack_overflow",
        b"[]",
        b'{"results": [], "errors": []}',
        b'{"paths": {}, "results": [], "errors": []}',
        b'{"paths": {"scanned": null}, "results": [], "errors": []}',
        b'{"paths": {"scanned": []}, "results": [{}], "errors": []}',
        b'{"paths": {"scanned": []}, "results": [], "errors": []}',
        b"[" * 100_000,
    ],
)
def test_a_report_that_is_none_is_not_trusted(stdout: bytes) -> None:
    with pytest.raises(Distrusted, match="cannot be read"):
        read_report(stdout, "zz-canary.py", "zz-rules.json")


def test_a_report_without_the_canary_or_with_rules_left_out_is_not_trusted() -> None:
    report: dict[str, Any] = {
        "paths": {"scanned": ["zz-canary.py"]},
        "results": [],
        "errors": [],
        "time": {"fixpoint_timeouts": []},
    }
    with pytest.raises(Distrusted, match="canary"):
        read_report(json.dumps(report).encode(), "zz-canary.py", "zz-rules.json")
    for error in (
        {"type": "Rule parse error", "rule_id": "r", "message": "m", "level": "error"},
        {
            "type": ["IncompatibleRule", {}],
            "rule_id": "r",
            "path": "zz-rules.json",
            "level": "info",
        },
    ):
        report["errors"] = [error]
        with pytest.raises(RuleLeftOut, match="'r'"):
            read_report(json.dumps(report).encode(), "zz-canary.py", "zz-rules.json")
    report["errors"], report["skipped_rules"] = [], [{"rule_id": "r", "details": "d"}]
    with pytest.raises(RuleLeftOut, match="'r'"):
        read_report(json.dumps(report).encode(), "zz-canary.py", "zz-rules.json")
    report["skipped_rules"], report["errors"] = [], [{"type": "Fatal error", "level": "error"}]
    with pytest.raises(Distrusted, match="reports an error: Fatal error"):
        read_report(json.dumps(report).encode(), "zz-canary.py", "zz-rules.json")


def test_data_that_was_followed_in_part_is_a_gap_that_wants_a_second_try() -> None:
    defects = [
        {"check_id": rule, "path": "zz-canary.py", "start": {"line": line}}
        for rule, line in (("compline-canary-pattern", 3), ("compline-canary-taint", 5))
    ]
    timeout = {"error_type": "Fixpoint timeout", "location": {"path": "a.py", "start": {"line": 7}}}
    report = {
        "paths": {"scanned": ["a.py", "b.py", "zz-canary.py"]},
        "results": defects,
        "errors": [],
        "time": {"fixpoint_timeouts": [timeout]},
    }
    answers = read_report(json.dumps(report).encode(), "zz-canary.py", "zz-rules.json")
    assert {name: answer.hurried for name, answer in answers.items()} == {
        "a.py": True,
        "b.py": False,
    }
    (gap,) = answers["a.py"].gaps
    assert (gap.reason, gap.lasting) == (GapReason.CRASHED, False)


def test_the_key_holds_what_results_depend_on(within: Within, rules: Rules) -> None:
    path = rules({"message": "one"})
    key = Semgrep().scan_key(within(path))
    assert key == Semgrep().scan_key(within(path))
    moved = path.parent / "elsewhere" / "rules.yaml"
    moved.parent.mkdir()
    moved.write_bytes(path.read_bytes())
    assert key == Semgrep().scan_key(within(moved))
    assert key != Semgrep().scan_key(within(path, limits={"file_kb": 5}))
    assert key != Semgrep().scan_key(within(path, packs=("ai",)))
    rules({"message": "two"})
    assert key != Semgrep().scan_key(within(path))
    assert Semgrep.kinds == {TargetKind.REPOSITORY}
