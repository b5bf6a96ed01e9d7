"""Nothing passes vacuously: every canary must be found, and what must be there must be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compline.model import Gap, GapReason
from compline.scanners.expectations import canary, gx_runner
from compline.scanners.expectations.collector import folder
from compline.scanners.expectations.findings import hold_against
from compline.scanners.expectations.gx_runner import Judged
from compline.scanners.expectations.inventory import Inventory, frame_of
from compline.scanners.expectations.policy import bind
from compline.scanners.expectations.suite_file import built_in


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_the_canary_goes_through_the_reader_of_the_files_own_sort(
    suffix: str, asked_of: Any
) -> None:
    canary.prove_built_in("inventory", asked_of(f"stores{suffix}"))


def test_a_canary_that_is_missed_fails_every_look(
    look_at: Any, error_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if Great Expectations had become blind: everything is as expected."""

    def blind(frame: Any, expectations: Any) -> list[Judged]:
        return [Judged(expectation, len(frame), (), ()) for expectation in expectations]

    monkeypatch.setattr(gx_runner, "judge", blind)
    monkeypatch.setattr(canary, "prove_built_in", _unproved)

    path = tmp_path / "stores.csv"
    path.write_text("resource,encrypted_at_rest\na,false\n")

    error = error_of(look_at(kind="inventory", path=str(path)))

    assert "a known defect was not reported by listed-twice, no-access-log" in error


_unproved = canary.prove_built_in


@pytest.mark.parametrize(
    ("kind", "old", "new", "rule"),
    [
        ("postgresql", '["ssl", "off"', '["ssl", "on"', "tls-disabled"),
        ("postgresql", '"canary", "secrets", "PUBLIC", true, "DELETE"',
         '"canary", "secrets", "PUBLIC", true, "SELECT"', "public-table-write"),
        ("inventory", '"backup_encrypted": false', '"backup_encrypted": true',
         "unencrypted-backup"),
    ],
)  # fmt: skip
def test_each_expectation_has_a_canary_of_its_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked_of: Any,
    kind: str,
    old: str,
    new: str,
    rule: str,
) -> None:
    recorded = (folder(kind) / "canary.json").read_text()
    assert old in recorded
    (tmp_path / "canary.json").write_text(recorded.replace(old, new, 1))
    monkeypatch.setattr(canary, "folder", lambda _kind: tmp_path)

    with pytest.raises(canary.CanaryMissed, match=f"not reported by {rule}:"):
        canary.prove_built_in(kind, asked_of("stores.json"))


def test_a_frame_that_must_have_rows_and_has_none() -> None:
    suite = bind(built_in("inventory"), {})
    nothing = Inventory({"inventory": frame_of(("resource", "owner"), [])})

    with pytest.raises(gx_runner.CannotJudge, match="shows no inventory at all"):
        hold_against(suite, nothing, "test")


def test_a_row_that_must_be_there_and_is_not() -> None:
    """Unless it is known to be hidden, that it is not there means that it was not seen."""
    suite = bind(built_in("postgresql"), {})
    hidden = {name: Gap(GapReason.FORBIDDEN, f"{name}/") for name in suite.required}
    del hidden["settings"]
    settings = frame_of(("name", "value", "source"), [{"name": "ssl", "value": "on", "source": ""}])
    frames = {"settings": settings}
    others = set(built_in("postgresql").frames) - set(suite.required)
    refused = {**hidden, **{name: Gap(GapReason.FORBIDDEN, "x/") for name in others}}

    with pytest.raises(gx_runner.CannotJudge, match="weak-tls-version: no row of settings"):
        hold_against(suite, Inventory(frames, refused), "test")

    gaps = (
        Gap(GapReason.FORBIDDEN, "setting/ssl_min_protocol_version"),
        Gap(GapReason.FORBIDDEN, "setting/password_encryption"),
    )
    verdict = hold_against(suite, Inventory(frames, refused, gaps), "test")
    assert ("tls-disabled", 1) in verdict.asked
