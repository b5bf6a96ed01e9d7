"""bandit's JSON report and its log, read: which files it looked at, what it saw, what failed."""

from __future__ import annotations

import json
import re
from typing import Any

from compline.model import MISSED_CANARY, Confidence, FindingKind, GapReason, Observation, Severity
from compline.scanners.bandit.rules import NAMES, told
from compline.scanners.blobs.analysis import Answer, Distrusted, FileGap, Piece
from compline.scanners.blobs.spans import PieceText, Span
from compline.scanners.suppressions import NosecComments

CANARY_SEEN = frozenset({("B403", 2), ("B102", 4), ("B105", 5)})
"""What bandit must say of rules/canary/bandit.txt: test and line."""

_NOT_PARSED = "syntax error while parsing AST from file"
_FAILED_TEST = re.compile(r"Bandit internal error running: (\w+) on file (\S+) at line")
_CONFIDENCES = {"LOW": Confidence.LOW, "MEDIUM": Confidence.MEDIUM, "HIGH": Confidence.HIGH}
_SEVERITIES = {"LOW": Severity.LOW, "MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}
_WHOLE_DEFINITION = frozenset({"B107"})
"""Tests whose range of lines is a whole function though one line is meant."""


def read_report(stdout: bytes, stderr: bytes, canary: str) -> dict[str, Answer]:
    """What the report says of each file, by its name; the canary is taken out.

    Raises:
        Distrusted: it is not bandit's JSON, or the canary was not found in it.
    """
    try:
        answers = read_answers(json.loads(stdout))
        seen = {
            (each["test_id"], each["line_number"])
            for each in answers.pop(canary, Answer()).findings
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Distrusted(f"its report cannot be read ({type(error).__name__})") from None
    if not seen >= CANARY_SEEN:
        raise Distrusted(f"it {MISSED_CANARY}")
    for match in _FAILED_TEST.finditer(stderr.decode("utf-8", "replace")):
        # Of this the report itself says nothing.
        gap = FileGap(GapReason.UNPARSED, f"bandit's test {match[1]} failed on it")
        answers.setdefault(_name(match[2]), Answer()).gaps.append(gap)
    return answers


def read_answers(report: Any) -> dict[str, Answer]:
    """What a report says of each file, by its name.

    Raises:
        Distrusted: it is not bandit's.
    """
    try:
        answers = {_name(name): Answer(looked=True) for name in report["metrics"]}
        answers.pop("_totals")
        for error in report["errors"]:
            answer = answers.setdefault(_name(error["filename"]), Answer())
            answer.gaps.append(_gap(error["reason"]))
        for result in report["results"]:
            answers[_name(result["filename"])].findings.append(result)
    except (KeyError, TypeError, AttributeError) as error:
        raise Distrusted(f"its report cannot be read ({type(error).__name__})") from None
    return answers


def observations(oid: str, piece: Piece, answer: Answer) -> tuple[Observation, ...]:
    """bandit's results for one file, in order of lines."""
    if not answer.findings:
        return ()
    text = PieceText(piece, oid)
    comments = NosecComments(text.text)
    found = [_observation(each, text, comments) for each in answer.findings]
    return tuple(
        sorted(found, key=lambda each: (each.place.cell or 0, each.place.line or 0, each.rule))
    )


def _observation(result: dict[str, Any], text: PieceText, comments: NosecComments) -> Observation:
    test_id, test_name = str(result["test_id"]), str(result["test_name"])
    lines = _lines(result)
    line = int(result["line_number"])
    last = line if test_id in _WHOLE_DEFINITION else max(line, lines[-1])
    # The columns are those of the node, which may begin on a line before the one reported.
    column = result.get("col_offset", -1) if line == lines[0] else -1
    end = result.get("end_col_offset", 0) if column >= 0 and last == lines[-1] else 0
    span = Span(line, last, column + 1 if column >= 0 else None, end + 1 if end > 0 else None)
    cwe = _cwe(result)
    place, fingerprints = text.locate(span, cwe)
    words = told(test_id, test_name)
    details = [("remediation", words.remediation)]
    if result.get("more_info"):
        details.append(("reference", str(result["more_info"])))
    return Observation(
        scanner="bandit",
        rule=test_id,
        kind=FindingKind.CODE,
        severity=_SEVERITIES.get(result["issue_severity"], Severity.UNKNOWN),
        confidence=_CONFIDENCES.get(result["issue_confidence"], Confidence.LOW),
        title=words.title,
        place=place,
        fingerprints=fingerprints,
        cwe=cwe,
        suppression=comments.on({line, *lines}, {test_id, words.name, test_name}, NAMES),
        details=tuple(details),
    )


def _lines(result: dict[str, Any]) -> list[int]:
    lines = sorted(int(line) for line in result.get("line_range") or ())
    return lines or [int(result["line_number"])]


def _cwe(result: dict[str, Any]) -> tuple[str, ...]:
    number = (result.get("issue_cwe") or {}).get("id")
    return (f"CWE-{number}",) if number else ()


def _name(filename: str) -> str:
    return filename.removeprefix("./")


def _gap(reason: str) -> FileGap:
    if reason == _NOT_PARSED:
        return FileGap(GapReason.UNPARSED, "no Python that bandit's interpreter can parse")
    # Its reasons quote nothing, but "No such file or directory" and the like need not last.
    return FileGap(GapReason.CRASHED, "bandit could not read it", lasting=False)
