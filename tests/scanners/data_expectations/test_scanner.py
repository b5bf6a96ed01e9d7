"""The scanner over inventory files: built-in and own suites, its canary, and its crashes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest
from pyarrow import parquet

from compline.evidence.locker import Locker
from compline.model import Completed, Failed, Severity, Skipped, Target, TargetKind
from compline.scanners.expectations import gx_runner
from compline.scanners.expectations.scanner import DataExpectations
from compline.scanners.interface import Job

HEADER = "resource,owner,encrypted_at_rest,encrypted_in_transit,public_access,classification\n"
GOOD = "feature-store,platform,true,true,false,internal\n"
BAD = "training-data,,false,,true,personal\n"
OWN = """\
frames: {inventory: required}
expectations:
  - id: personal-data-abroad
    frame: inventory
    expect: ExpectColumnValuesToBeInSet
    kwargs: {column: region, value_set: $regions}
    row_condition: {classification: personal}
    severity: critical
    title: "{resource} keeps personal data in {region}"
    remediation: Move it.
    resource: bucket/{resource}
    cwe: [CWE-1059]
    canary: {resource: x, region: mars, classification: personal}
parameters:
  regions: {type: list, about: regions that may hold personal data, default: [eu]}
"""
COLUMNS = {"resource": "string", "region": "string", "classification": "string"}


@pytest.fixture
def inventory(tmp_path: Path, look_at: Any) -> Any:
    """One look at a CSV inventory of the given text."""

    def look(text: str, **settings: Any) -> Any:
        path = tmp_path / "stores.csv"
        path.write_text(text)
        return look_at(kind="inventory", path=str(path), **settings)

    return look


def test_a_good_inventory_is_clean(inventory: Any) -> None:
    look = inventory(HEADER + GOOD)

    assert look.outcome == Completed((), ())
    assert look.warnings == ()


def test_what_is_wrong_or_missing_is_found(inventory: Any, found: Any) -> None:
    look = inventory(HEADER + GOOD + BAD)

    training = "resource/training-data"
    assert found(look) == {
        ("unencrypted-at-rest", training): Severity.HIGH,
        ("unencrypted-in-transit", training): Severity.HIGH,
        ("public-access", training): Severity.CRITICAL,
        ("no-owner", training): Severity.LOW,
    }
    transit = next(o for o in look.outcome.observations if o.rule == "unencrypted-in-transit")
    assert dict(transit.details)["because"] == ("the value is missing, so it cannot be as expected")


ROWS: list[dict[str, Any]] = [
    {"resource": "good", "backup_encrypted": True, "access_logging": True,
     "classification": "internal"},
    {"resource": "bad", "backup_encrypted": False, "access_logging": None, "classification": None},
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_every_format_is_judged_alike(
    look_at: Any, found: Any, error_of: Any, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"stores{suffix}"

    def look(rows: list[dict[str, Any]], content: bytes | None = None) -> Any:
        path.write_bytes(written(rows, suffix) if content is None else content)
        return look_at(kind="inventory", path=str(path))

    assert look(ROWS[:1]).outcome == Completed((), ())
    assert found(look(ROWS)) == {
        ("unencrypted-backup", "resource/bad"): Severity.HIGH,
        ("no-access-log", "resource/bad"): Severity.MEDIUM,
        ("unclassified", "resource/bad"): Severity.LOW,
    }
    assert str(path) in error_of(look([], b""))
    whole = written(ROWS, suffix)
    assert str(path) in error_of(look([], whole[: len(whole) // 2]))


def written(rows: list[dict[str, Any]], suffix: str) -> bytes:
    if suffix == ".parquet":
        buffer = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_pylist(rows), buffer)
        return buffer.getvalue()
    if suffix == ".csv":
        frame = pandas.DataFrame(rows)
        return frame.to_csv(index=False).encode()
    lines = [json.dumps(row) for row in rows]
    return ("\n".join(lines) if suffix == ".jsonl" else f"[{','.join(lines)}]").encode()


def test_an_expectation_that_raises_is_failed(
    inventory: Any, error_of: Any, tmp_path: Path
) -> None:
    """Great Expectations tells of an exception in its result, which must not pass as clean."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "extends: inventory\n" + OWN.replace(
            "ExpectColumnValuesToBeInSet\n    kwargs: {column: region, value_set: $regions}",
            "ExpectColumnValuesToBeBetween\n    kwargs: {column: region, max_value: 3}",
        ).replace("    canary: {resource: x, region: mars, classification: personal}\n", "")
    )  # fmt: skip
    text = "resource,region,classification\na,eu,personal\n"

    assert "personal-data-abroad raised" in error_of(
        inventory(text, suite=str(own), columns=COLUMNS)
    )


def test_public_resources_are_declared(inventory: Any, found: Any) -> None:
    look = inventory(
        HEADER + GOOD.replace("true,false", "true,true"),
        policy={"public_resources": ["feature-store"]},
    )

    assert found(look) == {}


def test_a_resource_listed_twice_is_one_finding(inventory: Any, found: Any) -> None:
    look = inventory(HEADER + GOOD + GOOD)

    assert found(look) == {("listed-twice", "resource/feature-store"): Severity.LOW}
    (observation,) = look.outcome.observations
    assert dict(observation.details)["rows"] == "2"


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (HEADER, {}, "lists nothing"),
        ("", {}, "the file is empty"),
        (HEADER + GOOD[:20], {}, "cut short"),
        (HEADER + GOOD, {"policy": {"minimum_rows": 2}}, "fewer than the policy's minimum_rows"),
        (HEADER + GOOD, {"columns": {"region": "string"}}, "declared columns are missing: region"),
        (HEADER + GOOD, {"policy": {"public": []}}, "there is no key 'public'"),
        (HEADER + GOOD.replace("feature-store", ""), {}, "has no resource, which names"),
        ("resource,classification\na,\n", {"suite": "gone.yaml"}, "gone.yaml: the suite cannot"),
    ],
)
def test_an_inventory_that_cannot_be_judged_is_failed(
    inventory: Any, error_of: Any, text: str, settings: Any, message: str
) -> None:
    assert message in error_of(inventory(text, **settings))


def test_a_kind_without_collector_and_a_file_that_is_gone(look_at: Any, error_of: Any) -> None:
    assert "no collector for 'oracle'" in error_of(look_at(kind="oracle"))
    assert "cannot be read" in error_of(look_at(kind="inventory", path="/gone/stores.csv"))
    assert "needs `path:`" in error_of(look_at(kind="inventory"))


def test_an_own_suite(inventory: Any, found: Any, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(OWN)
    text = "resource,region,classification\na,eu,personal\nb,us,personal\nc,us,internal\n"

    look = inventory(text, suite=str(own), columns=COLUMNS)

    assert found(look) == {("personal-data-abroad", "bucket/b"): Severity.CRITICAL}
    assert look.outcome.observations[0].title == "b keeps personal data in us"
    assert look.warnings == ()
    wider = inventory(text, suite=str(own), columns=COLUMNS, policy={"regions": ["eu", "us"]})
    assert found(wider) == {}
    assert wider.scan_key.options != look.scan_key.options
    assert wider.scan_key.rules == look.scan_key.rules


def test_an_own_suite_beside_the_built_in_one(inventory: Any, found: Any, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("extends: inventory\n" + OWN.replace(
        "    canary: {resource: x, region: mars, classification: personal}\n", ""))  # fmt: skip
    columns = {**COLUMNS, "encrypted_at_rest": "boolean"}
    text = "resource,region,classification,encrypted_at_rest\na,us,personal,no\n"

    look = inventory(text, suite=str(own), columns=columns)

    assert {rule for rule, _ in found(look)} == {"unencrypted-at-rest", "personal-data-abroad"}
    assert look.warnings == ("without a canary row of their own: personal-data-abroad",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("column: region", "column: place", "its canary row has no place"),
        ("frame: inventory\n", "frame: inventroy\n", "no frame 'inventroy'"),
        ("ExpectColumnValuesToBeInSet", "ExpectColumnValuesToBeWise", "has no ExpectColumnValues"),
        ("value_set", "values", "personal-data-abroad: "),
        ("region: mars", "region: eu", "was not reported by personal-data-abroad"),
        ("severity: critical", "severity: dire", "own.yaml:8: expectations.0.severity"),
    ],
)
def test_an_own_suite_with_a_mistake(
    inventory: Any, error_of: Any, tmp_path: Path, old: str, new: str, message: str
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(OWN.replace(old, new, 1))

    look = inventory("resource,region,classification\na,eu,personal\n", suite=str(own),
                     columns=COLUMNS)  # fmt: skip

    assert message in error_of(look)


def test_the_evidence_has_declared_columns_only_and_masks_secrets(
    inventory: Any, scene: Any
) -> None:
    text = "resource,encrypted_at_rest,api_token,note,extra\na,yes,s3cr3t,ftp://u:p4ss@h/,z\n"
    columns = {"resource": "string", "encrypted_at_rest": "boolean", "api_token": "string",
               "note": "string"}  # fmt: skip

    look = inventory(text, columns=columns)

    (row,) = json.loads(Locker(scene.home / "evidence").get(look.evidence[0]))["frames"][
        "inventory"
    ]
    assert row == {
        "resource": "a",
        "encrypted_at_rest": "true",
        "api_token": "***",
        "note": "ftp://***@h/",
    }


def test_an_unforeseen_crash_is_failed_and_does_not_repeat_its_text(
    inventory: Any, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(gx_runner, "judge", crash)

    error = error_of(inventory(HEADER + GOOD))

    assert "RuntimeError at test_scanner.py" in error
    assert "a secret" not in error


def test_one_broken_store_does_not_take_the_others(context: Any, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(HEADER + GOOD)
    jobs = [
        Job(
            Target(TargetKind.DATA_STORE, name, "x", settings={"kind": "inventory", "path": path}),
            "",
        )
        for name, path in (("gone", "/gone.csv"), ("good", str(tmp_path / "good.csv")))
    ]

    gone, good = DataExpectations().scan(jobs, context(None))

    assert isinstance(gone.outcome, Failed)
    assert good.outcome == Completed((), ())


def test_the_scan_key_names_what_decides(context: Any) -> None:
    quick, slow = (
        DataExpectations().scan_key(
            context(None, scanners={"data-expectations": {"seconds": seconds}})
        )
        for seconds in (9, 99)
    )

    assert quick.tool == slow.tool
    assert quick.rules == slow.rules
    assert quick.options != slow.options


def test_a_dataset_has_no_settings_to_look_at(look_at: Any) -> None:
    assert isinstance(look_at(kind="dataset", path="/x.csv").outcome, Skipped)
