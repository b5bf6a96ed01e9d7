"""Columns of CSV and Parquet files: what is found, and that no value is ever written."""

from __future__ import annotations

import csv
import hashlib
import logging
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from compline.model import Completed, GapReason, Severity, Skipped

COLUMNS = {
    "email_hash": "hashed",
    "card": "encrypted",
    "person": "pseudonymised",
    "mail": "personal",
}
SECRET = "postgresql://etl:hunter2222@db/x"


def table(bad: bool) -> dict[str, list[str]]:
    hashed = [hashlib.sha256(f"{n}@example.org".encode()).hexdigest() for n in range(200)]
    sealed = [hashlib.sha512(bytes([n])).hexdigest()[:60] for n in range(200)]
    return {
        "email_hash": ["unhashed-canary"] * 200 if bad else hashed,
        "card": ["4111111111111111"] * 200 if bad else sealed,
        "person": [f"p{n}@pseudo.example.org" if bad else str(n) for n in range(200)],
        "mail": [f"person{n}@mail.example.org" for n in range(200)],
        "note": [f"call +49 30 12345{n:03}" if bad else "nothing" for n in range(200)],
        "phone": [f"+49 30 12345{n:03}" if bad else "" for n in range(200)],
        "source": [SECRET if bad and n == 7 else "x" for n in range(200)],
    }


def write(path: Path, columns: dict[str, list[str]]) -> None:
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.table(columns), path)
        return
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture(params=[".csv", ".parquet"])
def look_at_file(request: Any, tmp_path: Path, look_into: Any) -> Any:
    def look(data: dict[str, list[str]], **content: Any) -> Any:
        path = tmp_path / f"people{request.param}"
        write(path, data)
        section = {"columns": COLUMNS, "rows": 1000, **content}
        return look_into(kind="dataset", path=str(path), content=section)

    return look


def test_a_file_in_order_is_clean(look_at_file: Any) -> None:
    assert look_at_file(table(bad=False)).outcome == Completed((), ())


def test_everything_wrong_is_found(look_at_file: Any, found: Any) -> None:
    look = look_at_file(table(bad=True), columns={**COLUMNS, "gone": "hashed"})

    high, medium, low = Severity.HIGH, Severity.MEDIUM, Severity.LOW
    assert found(look) == {
        ("not-hashed", "column/email_hash"): high,
        ("easily-guessed", "column/email_hash"): medium,
        ("not-encrypted", "column/card"): high,
        ("easily-guessed", "column/card"): medium,
        ("not-pseudonymised", "column/person"): high,
        ("personal-data", "column/phone/telephone number"): high,
        ("secret-in-column", "column/source/secret"): high,
        ("declared-column-missing", "pattern/gone"): low,
    }
    (secret,) = (o for o in look.outcome.observations if o.rule == "secret-in-column")
    assert secret.title.startswith("1 of 200 values of source look like a key")


def test_no_value_is_kept_anywhere(
    look_at_file: Any, scene: Any, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Everything that was written is searched for what stood in the columns."""
    caplog.set_level(logging.DEBUG)
    bad = table(bad=True)

    look = look_at_file(bad)

    written = b"".join(p.read_bytes() for p in scene.home.rglob("*") if p.is_file())
    out, err = capfd.readouterr()
    said = f"{look!r}{caplog.text}{out}{err}"
    assert b"unhashed" not in written
    assert look.evidence
    for values in bad.values():
        for value in {v for v in values if len(v) > 1}:
            assert value not in said
            assert value.encode() not in written


def test_a_column_that_is_empty_is_a_gap(look_at_file: Any) -> None:
    columns = {"email_hash": [""] * 3, "card": ["x"] * 3}

    look = look_at_file(columns, columns={"email_hash": "hashed"})

    (gap,) = look.outcome.gaps
    assert (gap.reason, gap.path) == (GapReason.NOT_REPORTED, "column/email_hash")


def test_a_file_that_cannot_be_read_does_not_repeat_it(
    look_into: Any, tmp_path: Path, error_of: Any
) -> None:
    (tmp_path / "a.csv").write_text("a,b\nvery-secret,1,2,3\n")
    (tmp_path / "a.parquet").write_text("very-secret")
    files = dict.fromkeys(("a.csv", "a.parquet", "gone.csv"), "cannot be read")
    for name, said in {**files, "a.txt": "expected a .csv or .parquet"}.items():
        path = str(tmp_path / name)
        look = look_into(kind="dataset", path=path, content={"rows": 50})
        assert said in error_of(look)
        assert "very-secret" not in repr(look)


def test_nobody_looks_into_columns_unasked(look_into: Any, tmp_path: Path) -> None:
    outcome = look_into(kind="postgresql", url="postgresql://u@127.0.0.1:1/x").outcome
    assert isinstance(outcome, Skipped)
