"""Severity of an advisory."""

from __future__ import annotations

from typing import Any

import pytest

from compline.advisories.severity import of_record, of_score
from compline.model import Severity

V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"
V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V4 = "CVSS:4.0/AV:L/AC:H/AT:N/PR:L/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"


def severity(*vectors: tuple[str, str], **further: Any) -> dict[str, Any]:
    return {"severity": [{"type": kind, "score": score} for kind, score in vectors], **further}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (severity(("CVSS_V2", V2)), (Severity.HIGH, V2)),
        (severity(("CVSS_V3", V3)), (Severity.CRITICAL, V3)),
        # The newest version that parses decides.
        (severity(("CVSS_V3", V3), ("CVSS_V4", V4)), (Severity.LOW, V4)),
        (severity(("CVSS_V3", V3), ("CVSS_V4", "CVSS:4.0/broken")), (Severity.CRITICAL, V3)),
        (severity(database_specific={"severity": "MODERATE"}), (Severity.MEDIUM, "")),
        (severity(("CVSS_V3", "nonsense")), (Severity.UNKNOWN, "")),
        ({"affected": [severity(("CVSS_V3", V3))]}, (Severity.CRITICAL, V3)),
        ({}, (Severity.UNKNOWN, "")),
    ],
)
def test_of_record(record: dict[str, Any], expected: tuple[Severity, str]) -> None:
    assert of_record(record) == expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.0, Severity.INFO),
        (0.1, Severity.LOW),
        (3.9, Severity.LOW),
        (4.0, Severity.MEDIUM),
        (7.0, Severity.HIGH),
        (9.0, Severity.CRITICAL),
        (10.0, Severity.CRITICAL),
    ],
)
def test_of_score(score: float, expected: Severity) -> None:
    assert of_score(score) is expected
