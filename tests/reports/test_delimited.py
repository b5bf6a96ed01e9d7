"""CSV that a spreadsheet opens without running anything, and a program reads back whole."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from compline.reports.delimited import COLUMNS, findings_csv
from compline.store.views import FindingView


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_finding_is_one_row(
    finding: Any, dependency: FindingView, service: FindingView, hostile: FindingView
) -> None:
    text = findings_csv([finding(), dependency, service, hostile])
    read = rows(text)
    assert [row["id"] for row in read] == [f"CMP-00000000000{n}" for n in range(1, 5)]
    assert read[0]["line"] == "3"
    assert read[0]["cwe"] == "CWE-78"
    assert read[1]["aliases"] == "CVE-2026-1 PYSEC-2026-1"
    assert read[2]["line"] == read[2]["last_seen"] == ""


def test_nothing_is_a_header_alone() -> None:
    assert findings_csv([]) == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n=", " =", "\uff1d"])
def test_no_cell_is_a_formula(finding: Any, first: str) -> None:
    text = findings_csv([finding(title=f"{first}1+1", path=f"{first}HYPERLINK(0)")])
    for cell in rows(text)[0].values():
        assert cell.lstrip(" \n")[:1] not in set("=+-@\t\r\uff1d"), cell


def test_hostile_values_come_back(hostile: FindingView) -> None:
    [row] = rows(findings_csv([hostile]))
    assert row["path"] == f"'{hostile.path}"
    assert row["title"] == f"'{hostile.title}"
    assert row["target"] == "'@evil"
