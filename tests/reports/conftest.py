"""Findings as the store gives them, ordinary and hostile, without a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from compline.model import Confidence, FindingKind, Severity, State
from compline.store.views import FindingView, LocationView, WitnessView

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WITNESS = WitnessView(
    scanner="bandit", rule="B602", state="seen", fingerprint="py1:abc", path="app/a.py", line=3,
    end_line=4, column=1, end_column=9, cell=None, symbol="run", severity=Severity.HIGH,
    confidence=Confidence.HIGH, title="a shell", aliases=(), version="", fixed_version="",
    suppression="",
    details={}, first_seen=NOW, last_seen=NOW,
)  # fmt: skip
FINDING = FindingView(
    id="CMP-000000000001", target="web", kind=FindingKind.CODE, state=State.OPEN, conditions=(),
    severity=Severity.HIGH, confidence=Confidence.HIGH, title="a shell", rule="B602",
    path="app/a.py", line=3, package="", version="", fixed_version="", aliases=(),
    cwe=("CWE-78",), first_seen=NOW, last_seen=NOW, revision="c" * 40, resolved_at=None, cause="",
    locations=(LocationView("app/a.py", 3, 4, None, "run"),), witnesses=(WITNESS,),
)  # fmt: skip

FindingOf = Callable[..., FindingView]


@pytest.fixture
def finding() -> FindingOf:
    """A finding, with what the test changes of it."""
    return lambda **changes: replace(FINDING, **changes)


@pytest.fixture
def dependency(finding: FindingOf) -> FindingView:
    """One without a line, in two manifests."""
    places = tuple(LocationView(f"{n}/requirements.txt", None, None, None, "") for n in "ab")
    return finding(
        id="CMP-000000000002", kind=FindingKind.DEPENDENCY, severity=Severity.UNKNOWN,
        rule="PYSEC-2026-1", path="a/requirements.txt", line=None, package="pypi:jinja2",
        version="2.4.1", fixed_version="3.1", aliases=("CVE-2026-1", "PYSEC-2026-1"), cwe=(),
        locations=places,
    )  # fmt: skip


@pytest.fixture
def service(finding: FindingOf) -> FindingView:
    """One of a service, which has no place at all."""
    return finding(
        id="CMP-000000000003", target="ledger", kind=FindingKind.ACCESS, severity=Severity.INFO,
        rule="public-grant", path="", line=None, locations=(), cwe=(), last_seen=None,
    )  # fmt: skip


@pytest.fixture
def hostile(finding: FindingOf) -> FindingView:
    """Everything that a scanned repository chooses, chosen badly."""
    path = "=cmd|' /C calc'!A0/../a b\u202e,\"x\"\n%41.py"
    return finding(
        id="CMP-000000000004", target="@evil", rule="+rule", title="-1+1 [red]<script>\r\n,\"",
        path=path, locations=(LocationView(path, 1, 1, None, ""),),
    )  # fmt: skip
