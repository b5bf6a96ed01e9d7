"""Findings as SARIF 2.1.0 (OASIS standard), one result each, for code hosts and editors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from compline import __version__
from compline.findings.graph import ReachOf, nothing
from compline.store.findings import FindingView

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVEL = {
    "info": "note",
    "low": "note",
    "medium": "warning",
    "unknown": "error",
    "high": "error",
    "critical": "error",
}
# Midpoints of CVSS v3.1's qualitative ranges, as code hosts sort by `security-severity`.
_SCORE = {
    "info": "0.0",
    "low": "2.0",
    "medium": "5.5",
    "unknown": "8.0",
    "high": "8.0",
    "critical": "9.5",
}


def findings_sarif(findings: Iterable[FindingView], reach: ReachOf = nothing) -> dict[str, Any]:
    """One SARIF run of the tool Compline; a finding's permanent id is its partial fingerprint.

    Args:
        findings: one result each.
        reach: gives what the target of a name reaches.
    """
    chosen = list(findings)
    rules = _rules(chosen)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "Compline", "semanticVersion": __version__, "rules": rules}
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, index, reach) for finding in chosen],
            }
        ],
    }


def _rules(findings: Sequence[FindingView]) -> list[dict[str, Any]]:
    rules: dict[str, dict[str, Any]] = {}
    for finding in findings:
        rules.setdefault(
            finding.rule,
            {
                "id": finding.rule,
                "shortDescription": {"text": finding.title or finding.rule},
                "properties": {
                    "security-severity": _SCORE[str(finding.severity)],
                    "tags": ["security", *finding.cwe],
                },
            },
        )
    return [rules[name] for name in sorted(rules)]


def _result(finding: FindingView, index: dict[str, int], reach: ReachOf) -> dict[str, Any]:
    values = finding.as_json()
    places = values["locations"] or [values]
    waived = "waived" in finding.conditions
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVEL[str(finding.severity)],
        "message": {"text": finding.title or finding.rule},
        "partialFingerprints": {"complineFindingId/v1": finding.id},
        "locations": [_location(place, finding.target) for place in places],
        **({"suppressions": [{"kind": "external", "status": "accepted"}]} if waived else {}),
        "properties": {
            "target": finding.target,
            "state": str(finding.state),
            "confidence": str(finding.confidence),
            "scanners": sorted({witness["scanner"] for witness in values["witnesses"]}),
            **reach(finding.target).as_json(),
        },
    }


def _location(place: dict[str, Any], target: str) -> dict[str, Any]:
    # Two slashes in front would make it another host's address.
    path = (place.get("path") or "").lstrip("/") or target
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(path)}}
    line, end_line = place.get("line"), place.get("end_line")
    if line:
        physical["region"] = {"startLine": line, **({"endLine": end_line} if end_line else {})}
    return {"physicalLocation": physical}
