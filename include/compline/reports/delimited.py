"""Findings as CSV, one row each, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable

from compline.findings.graph import ReachOf, nothing
from compline.store.findings import FindingView

COLUMNS = (
    "id", "target", "kind", "state", "severity", "confidence", "title", "rule", "path", "line",
    "package", "version", "fixed_version", "aliases", "cwe", "first_seen", "last_seen", "revision",
    "conditions", "risk", "due_at", "waived_until", "reaches", "reaches_total",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@")


def findings_csv(findings: Iterable[FindingView], reach: ReachOf = nothing) -> str:
    """RFC 4180 with a header; lists are joined by a blank.

    Args:
        findings: one row each.
        reach: gives what the target of a name reaches.

    A cell that a spreadsheet would take for a formula, some even behind white space or in full
    width, is preceded by an apostrophe, since titles and paths come from scanned repositories.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for finding in findings:
        values = {**finding.as_json(), **reach(finding.target).as_json()}
        writer.writerow([_cell(values.get(column)) for column in COLUMNS])
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    start = unicodedata.normalize("NFKC", text.lstrip()[:1])
    acts = start in _FORMULA or text[:1] in "\t\r"
    return f"'{text}" if text and acts else text
