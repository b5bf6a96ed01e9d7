"""Inventory files: every format gives the same frame; a broken one is refused, never shortened."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from compline.scanners.expectations.inventory import CannotCollect, records
from compline.scanners.stores.inventory.files import FRAME, collect, inventory_of

COLUMNS = {
    "resource": "string",
    "size": "integer",
    "share": "number",
    "encrypted": "boolean",
    "reviewed": "datetime",
}
ROWS: list[dict[str, Any]] = [
    {"resource": "a", "size": 1, "share": 0.5, "encrypted": True, "reviewed": "2026-01-02"},
    {"resource": "b", "size": None, "share": 2.0, "encrypted": False, "reviewed": None},
]
CSV = b"resource,size,share,encrypted,reviewed,ignored\na,1,0.5,yes,2026-01-02,x\nb,,2,FALSE,,y\n"


def parquet_of(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


WRITTEN = {
    ".csv": CSV,
    ".json": json.dumps(ROWS).encode(),
    ".jsonl": "\n".join(json.dumps(row) for row in ROWS).encode(),
    ".parquet": parquet_of(ROWS),
}


def rows_of(content: bytes, suffix: str, columns: dict[str, str] = COLUMNS) -> list[dict[str, Any]]:
    return records(inventory_of(content, suffix, columns).frames[FRAME])


@pytest.mark.parametrize("suffix", WRITTEN)
def test_every_format_gives_the_same_frame(suffix: str) -> None:
    first, second = rows_of(WRITTEN[suffix], suffix)

    assert (first["resource"], first["size"], first["share"]) == ("a", 1, 0.5)
    assert first["encrypted"] is True
    assert first["reviewed"].date().isoformat() == "2026-01-02"
    assert second["encrypted"] is False
    assert second["size"] is None
    assert set(first) == set(COLUMNS)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_a_file_cut_anywhere_is_refused(suffix: str) -> None:
    content = WRITTEN[suffix]
    for length in range(0, len(content), max(1, len(content) // 60)):
        with pytest.raises(CannotCollect):
            rows_of(content[:length], suffix)


def test_a_csv_cut_inside_a_row_is_refused() -> None:
    for length in range(len(CSV) - 8, len(CSV) - 2):
        with pytest.raises(CannotCollect, match=r"cut short|is not a"):
            rows_of(CSV[:length], ".csv")


@pytest.mark.parametrize(
    ("content", "suffix", "message"),
    [
        (b"", ".csv", "the file is empty"),
        (b"resource,size,share,encrypted,reviewed\n", ".csv", "lists nothing"),
        (b"[]", ".json", "declared columns are missing"),
        (b"resource,size,share\na,1,2\n", ".csv", "declared columns are missing: encrypted"),
        (b"resource,resource\na,b\n", ".csv", "two columns have the same name"),
        (CSV.replace(b"FALSE", b"perhaps"), ".csv", "row 2: encrypted is not a boolean"),
        (CSV.replace(b",1,", b",one,"), ".csv", "row 1: size is not a integer"),
        (CSV.replace(b"2026-01-02", b"yesterday"), ".csv", "row 1: reviewed is not a datetime"),
        (CSV.replace(b"a,1", b'"a,1'), ".csv", "not CSV"),
        (b"\xff\xfe", ".csv", "not UTF-8"),
        (b'{"resource": "a"}', ".json", "expected a list of objects"),
        (b'[["a"]]', ".json", "expected a list of objects"),
        (b'[{"resource": 5}]', ".json", "declared columns are missing"),
        (CSV, ".txt", "expected one of .csv, .json, .jsonl, .parquet"),
        (CSV, "", "no suffix"),
        (b"PAR1 and nothing more", ".parquet", "not Parquet, or cut short"),
    ],
)
def test_what_is_not_an_inventory_is_refused(content: bytes, suffix: str, message: str) -> None:
    with pytest.raises(CannotCollect, match=message):
        rows_of(content, suffix)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(5, "string"), (True, "integer"), (1.5, "integer"), ("x", "number"), (5, "boolean")],
)
def test_json_values_have_their_declared_type(value: Any, kind: str) -> None:
    content = json.dumps([{"resource": "a", "x": value}]).encode()
    with pytest.raises(CannotCollect, match="row 1: x is not a"):
        rows_of(content, ".json", {"resource": "string", "x": kind})


def test_an_error_does_not_repeat_the_value() -> None:
    with pytest.raises(CannotCollect) as caught:
        rows_of(b"resource,x\na,very-secret\n", ".csv", {"resource": "string", "x": "integer"})
    assert "secret" not in str(caught.value)


def test_without_a_declared_schema_known_columns_are_taken() -> None:
    content = b"id,encrypted_at_rest,password\na,true,very-secret\n"

    assert rows_of(content, ".csv", {}) == [{"resource": "a", "id": "a", "encrypted_at_rest": True}]
    with pytest.raises(CannotCollect, match="no column is known"):
        rows_of(b"x,y\n1,2\n", ".csv", {})


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(CannotCollect, match="cannot be read"):
        collect(tmp_path / "gone.csv", {}, 1000)
    (tmp_path / "big.csv").write_bytes(CSV)
    with pytest.raises(CannotCollect, match="more than 0 MB"):
        collect(tmp_path / "big.csv", {}, 10)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([".csv", ".json", ".jsonl", ".parquet"]))
def test_any_bytes_are_read_or_refused(content: bytes, suffix: str) -> None:
    try:
        frames = inventory_of(content, suffix, {}).frames
    except CannotCollect:
        return
    assert len(frames[FRAME]) > 0
