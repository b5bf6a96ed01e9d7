"""Which report of bandit's is believed, and what its results depend on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from compline.model import TargetKind
from compline.scanners.bandit.report import read_report
from compline.scanners.bandit.scanner import Bandit
from compline.scanners.blobs.analysis import Distrusted
from compline.scanners.interface import ScanContext


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"Traceback (most recent call last):",
        b"[]",
        b"{}",
        b'{"metrics": {}, "errors": [], "results": []}',
        b'{"metrics": {"_totals": {}}, "errors": null, "results": []}',
        b'{"metrics": {"_totals": {}}, "errors": [], "results": [{"filename": "x"}]}',
        b"[" * 100_000,
    ],
)
def test_a_report_that_is_none_is_not_trusted(stdout: bytes) -> None:
    with pytest.raises(Distrusted, match="cannot be read"):
        read_report(stdout, b"", "zz-canary.py")


def test_a_report_without_the_canary_is_not_trusted() -> None:
    report = {"metrics": {"_totals": {}, "./zz-canary.py": {}}, "errors": [], "results": []}
    with pytest.raises(Distrusted, match="canary"):
        read_report(json.dumps(report).encode(), b"", "zz-canary.py")


def test_the_key_holds_what_results_depend_on(
    context: Callable[..., ScanContext], real: ScanContext
) -> None:
    key = Bandit().scan_key(real)
    assert key == Bandit().scan_key(context(real.tools))
    for sections in (
        {"limits": {"file_kb": 5}},
        {"limits": {"tool_seconds": 5}},
        {"ignore": {"vendored": []}},
    ):
        assert Bandit().scan_key(context(real.tools, **sections)) != key
    assert Bandit().scan_key(context(real.tools, ignore={"honour_inline": True})) == key
    assert Bandit.kinds == {TargetKind.REPOSITORY}
