"""modelaudit over batches of model files, and its JSON report read.

Traps seen in 0.2.54: exit code 0 for files of a kind that it does not know (their asset is of
type `unknown`); exit code 2 for a path that is missing as well as for a file that it gave up;
a check that was given up is an issue of severity `info`, or stands in the file's metadata alone;
without a switch it sends usage data, and waits for the network for eight seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compline.model import MISSED_CANARY, GapReason, Severity
from compline.scanners.blobs.analysis import Answer, Distrusted, FileGap, Report
from compline.scanners.models.opening.canary import CANARY
from compline.scanners.models.opening.rules import rule_of, severity_of
from compline.scanners.services import one_line
from compline.tools.process import ProcessLimits, run
from compline.tools.toolbox import Tool

OPTIONS = ("--format", "json", "--no-cache", "--strict", "--quiet")
ENVIRONMENT = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1", "NO_COLOR": "1"}
"""The first two switch usage data off; there is no network in the sandbox anyway."""
_DOUBTS = frozenset({"S901", "S902", "S903", "S904", "S906", "S999"})
"""Codes for what it could not read as it should, which is a gap and no defect."""
UNKNOWN_FORMAT = FileGap(GapReason.UNSUPPORTED, "modelaudit does not know this format")
_LOUD = ("critical", "warning")
_MOST = 20
"""Imports and places that are kept of one file."""


@dataclass(frozen=True)
class ModelAudit:
    """The tool with its limits."""

    tool: Tool
    limits: ProcessLimits
    scanner: str = "modelaudit"

    def takes(self, path: str) -> bool:
        """It is asked about every file: what it does not know is a gap."""
        return bool(path)

    def run(self, directory: Path, names: Sequence[str], seconds: float) -> Report:
        """As `Runner` says."""
        home = directory.resolve()
        paths = [str(home / name) for name in (*names, CANARY)]
        done = run(
            [self.tool.executable, "scan", *OPTIONS, "--timeout", str(int(seconds)), *paths],
            limits=_within(self.limits, seconds),
            readable=[home],
            cwd=home,
            env=ENVIRONMENT,
        )
        answers = read_report(done.stdout, done.returncode, home, names)
        return Report(answers, done.seconds, done.sandbox)


def _within(limits: ProcessLimits, seconds: float) -> ProcessLimits:
    return ProcessLimits(
        seconds=seconds, memory_mb=limits.memory_mb, output_mb=limits.output_mb, file_mb=4096
    )


def read_report(
    stdout: bytes, returncode: int, home: Path, names: Sequence[str]
) -> dict[str, Answer]:
    """What the report says of each file, by its name; the canary is taken out.

    Raises:
        Distrusted: not its JSON, a failed run, an issue of nobody knows which file, no canary.
    """
    try:
        report = json.loads(stdout)
        issues, metadata = report["issues"], report["file_metadata"]
        kinds = {asset["path"]: asset["type"] for asset in report["assets"]}
        failed = report["has_errors"] or returncode not in (0, 1, 2)
        answers: dict[str, Answer] = {}
        folders = {name.partition("/")[0]: name for name in (*names, CANARY)}
        for name in (*names, CANARY):
            path = str(home / name)
            if path in metadata and path in kinds:
                answers[name] = Answer(looked=True)
                answers[name].gaps += _gaps(metadata[path], kinds[path])
        for issue in issues:
            name = _file_of(issue, home, folders)
            if name in answers:
                _take(answers[name], issue, str(home / name))
            elif issue["severity"] in _LOUD and issue["type"] != "license_warning":
                raise Distrusted("its report tells of a file that it was not given")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Distrusted(f"its report cannot be read ({type(error).__name__})") from None
    if failed:
        raise Distrusted(f"it ended with exit code {returncode} and an error of its own")
    canary = answers.pop(CANARY, Answer())
    if not any(each["rule"] == "unsafe-deserialisation" for each in canary.findings):
        raise Distrusted(f"it {MISSED_CANARY}")
    return answers


def _file_of(issue: Mapping[str, Any], home: Path, folders: Mapping[str, str]) -> str:
    """The given file that an issue is about (`PATH (pos 5)`, `PATH:member`); empty if none.

    Of an ONNX model that names other files the location is what the model says, so that it could
    point at any neighbour: such an issue is only believed where there is one ONNX file.
    """
    if issue["type"] == "onnx_check" and "file" in (issue.get("details") or {}):
        models = [name for name in folders.values() if name.lower().endswith(".onnx")]
        return models[0] if len(models) == 1 else ""
    location = str(issue["location"])
    inside = location.removeprefix(f"{home}/")
    return folders.get(inside.partition("/")[0], "") if inside != location else ""


def _gaps(metadata: Mapping[str, Any], kind: str) -> list[FileGap]:
    if kind == "unknown":
        return [UNKNOWN_FORMAT]
    status = metadata.get("pickle_report_status", "complete")
    given_up = metadata.get("analysis_incomplete") or metadata.get("scan_outcome") == "inconclusive"
    if not given_up and status == "complete":
        return []
    reasons = metadata.get("scan_outcome_reasons") or [f"pickle {status}"]
    return [FileGap(GapReason.UNPARSED, one_line(", ".join(map(str, reasons)), 200))]


def _take(answer: Answer, issue: Mapping[str, Any], path: str) -> None:
    code = str(issue.get("rule_code") or "")
    details = issue.get("details") or {}
    if code in _DOUBTS or details.get("analysis_incomplete") or set(details) == {"error"}:
        if not answer.gaps:
            answer.gaps.append(FileGap(GapReason.UNPARSED, f"modelaudit's {code or 'check'}"))
        return
    if issue["severity"] not in _LOUD or (1004 <= _number(code) <= 1010):
        return  # of signatures, licences and provenance model-guard speaks
    if not code and issue["type"] == "onnx_check" and "file" in details:
        answer.gaps.append(FileGap(GapReason.UNSUPPORTED, "its weights lie in another file"))
        return
    rule = rule_of(code)
    severity = severity_of(rule, issue["severity"])
    said = next((each for each in answer.findings if each["rule"] == rule), None)
    if said is None:
        said = {"rule": rule, "severity": severity.value, "codes": [], "imports": [], "in": []}
        answer.findings.append(said)
    said["severity"] = max(Severity(said["severity"]), severity, key=lambda each: each.rank).value
    location = str(issue["location"]).removeprefix(path)
    member = location.partition(" (")[0].lstrip(":") if location.startswith(":") else ""
    for key, value in (
        ("codes", code),
        ("imports", details.get("import_reference")),
        ("in", member),
    ):
        if value and one_line(str(value), 120) not in said[key] and len(said[key]) < _MOST:
            said[key].append(one_line(str(value), 120))


def _number(code: str) -> int:
    return int(code[1:]) if code[1:].isdecimal() else 0
