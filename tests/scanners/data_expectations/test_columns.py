"""An exporter that drops a column closes nothing that was found by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Look, Target, TargetKind
from compline.scanners.expectations import canary
from compline.scanners.expectations.scanner import DataExpectations
from compline.scanners.interface import Job, ScanContext

FULL = "resource,owner,encrypted_at_rest,region\na,x,false,eu\n"
LESS = "resource,owner,region\na,,eu\n"
OWN = """\
extends: inventory
without: [no-owner]
expectations:
  - {id: at-home, frame: inventory, expect: ExpectColumnValuesToBeInSet,
     kwargs: {column: owner, value_set: [x]}, severity: low, title: t, remediation: r,
     resource: "resource/{resource}"}
"""


@pytest.fixture
def look_again(
    context: Callable[..., ScanContext],
    prove_once: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Look]:
    """A look at a file of this text that knows what the look before it remembers."""
    monkeypatch.setattr(canary, "prove_built_in", prove_once)
    kept: list[bytes | None] = [None]

    def look(text: str, **settings: Any) -> Look:
        path = tmp_path / "stores.csv"
        path.write_text(text)
        given = {"kind": "inventory", "path": str(path), **settings}
        target = Target(TargetKind.DATA_STORE, "store", "somewhere", settings=given)
        run = replace(context(None), memory=lambda *_: kept[0])
        (result,) = DataExpectations().scan([Job(target, "")], run)
        if isinstance(result.outcome, Completed):
            kept[0] = result.memory
        return result

    return look


def test_a_column_that_is_gone_is_failed_until_it_is_declared(
    look_again: Any, found: Any, error_of: Any
) -> None:
    assert ("unencrypted-at-rest", "resource/a") in found(look_again(FULL))
    for _ in range(2):
        assert error_of(look_again(LESS)) == (
            "columns that the last look had are gone: encrypted_at_rest; if that is meant, declare "
            "under `columns:` those that there are"
        )

    declared = look_again(LESS, columns={"resource": "string", "owner": "string"})
    assert set(found(declared)) == {("no-owner", "resource/a")}
    assert set(found(look_again(LESS))) == {("no-owner", "resource/a")}


def test_another_suite_over_the_same_columns_is_no_loss(
    look_again: Any, found: Any, tmp_path: Path
) -> None:
    look_again(FULL)
    suite = tmp_path / "own.yaml"
    suite.write_text(OWN)

    assert set(found(look_again(FULL, suite=str(suite)))) == {("unencrypted-at-rest", "resource/a")}
