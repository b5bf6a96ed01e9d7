"""Semgrep's JSON report, read: which files it looked at, what it saw, where it gave up.

Its `fingerprint` and `lines` are the words `requires login` for whoever is not logged in: neither
is read. Its messages quote code: neither are they.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from compline.model import MISSED_CANARY, FindingKind, GapReason, Observation
from compline.scanners.blobs.analysis import Answer, Distrusted, FileGap, Piece
from compline.scanners.blobs.spans import PieceText, Span
from compline.scanners.semgrep.rules import Rule
from compline.scanners.suppressions import nosemgrep

CANARY_SEEN = frozenset({("compline-canary-pattern", 3), ("compline-canary-taint", 5)})
"""What Semgrep must say of rules/canary/semgrep.txt: rule and line."""

_UNPARSED = frozenset(
    {"PartialParsing", "Syntax error", "Lexical error", "Other syntax error", "AST builder error"}
)
_HURRIED = FileGap(
    GapReason.CRASHED, "Semgrep followed the data of a function only in part", lasting=False
)
"""It gives a function 0.2 s of processor time per rule, which no option changes."""


class RuleLeftOut(Exception):
    """Semgrep runs without a rule that it cannot take."""

    def __init__(self, rule: str, kind: str) -> None:
        super().__init__(rule, kind)
        self.rule = rule
        self.kind = kind


def read_report(stdout: bytes, canary: str, rules_file: str) -> dict[str, Answer]:
    """What the report says of each file, by its name; the canary is taken out.

    Raises:
        Distrusted: it is not Semgrep's JSON, or the canary was not found.
        RuleLeftOut: a rule was not taken.
    """
    try:
        # Its errors quote files in whatever encoding those have.
        report = json.loads(stdout.decode("utf-8", "replace"))
        answers = {_name(name): Answer(looked=True) for name in report["paths"]["scanned"]}
        for result in report["results"]:
            answers.setdefault(_name(result["path"]), Answer()).findings.append(result)
        for error in report["errors"]:
            _take_error(error, answers, rules_file)
        for error in report["time"]["fixpoint_timeouts"]:
            # Of this neither the errors nor the exit code says anything.
            answer = answers.setdefault(_name(error["location"]["path"]), Answer())
            answer.gaps.append(_HURRIED)
            answer.hurried = True
        for rule in report.get("skipped_rules") or ():
            raise RuleLeftOut(str(rule["rule_id"]), "skipped")
        seen = {
            (each["check_id"], each["start"]["line"])
            for each in answers.pop(canary, Answer()).findings
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Distrusted(f"its report cannot be read ({type(error).__name__})") from None
    if not seen >= CANARY_SEEN:
        raise Distrusted(f"it {MISSED_CANARY}")
    return answers


def observations(
    oid: str, piece: Piece, answer: Answer, rules: Mapping[str, Rule]
) -> tuple[Observation, ...]:
    """Semgrep's results for one file, in order of lines."""
    if not answer.findings:
        return ()
    text = PieceText(piece, oid)
    found = [
        _observation(each, text, rules[each["check_id"]])
        for each in answer.findings
        if each["check_id"] in rules
    ]
    return tuple(
        sorted(found, key=lambda each: (each.place.cell or 0, each.place.line or 0, each.rule))
    )


def _observation(result: dict[str, Any], text: PieceText, rule: Rule) -> Observation:
    start, end = result["start"], result["end"]
    span = Span(start["line"], max(start["line"], end["line"]), start["col"], end["col"])
    place, fingerprints = text.locate(span, rule.cwe)
    return Observation(
        scanner="semgrep",
        rule=rule.id,
        kind=FindingKind.CODE,
        severity=rule.severity,
        confidence=rule.confidence,
        title=rule.title,
        place=place,
        fingerprints=fingerprints,
        cwe=rule.cwe,
        suppression=nosemgrep(text.lines, span.line, rule.id),
        details=rule.details,
    )


def _take_error(error: dict[str, Any], answers: dict[str, Answer], rules_file: str) -> None:
    kind = error.get("type")
    kind = str(kind[0] if isinstance(kind, list) else kind)
    path = error.get("path")
    rule = str(error.get("rule_id") or "")
    if not path or _name(path) == rules_file:
        if rule:
            raise RuleLeftOut(rule, kind)
        raise Distrusted(f"it reports an error: {kind}")
    file_gap(error, answers.setdefault(_name(path), Answer()))


def file_gap(error: dict[str, Any], answer: Answer) -> None:
    """Adds to an answer what an error about its file means."""
    kind = error.get("type")
    kind = str(kind[0] if isinstance(kind, list) else kind)
    if kind in _UNPARSED:
        gap = FileGap(GapReason.UNPARSED, "Semgrep could parse it only in part")
    elif kind == "Timeout":
        rule = str(error.get("rule_id") or "")
        gap = FileGap(GapReason.CRASHED, f"the rule {rule} ran out of time", lasting=False)
    else:
        gap = FileGap(GapReason.CRASHED, f"Semgrep gave up on it: {kind}", lasting=False)
    answer.gaps.append(gap)


def _name(path: str) -> str:
    return path.removeprefix("./")
