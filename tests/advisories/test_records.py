"""Reading OSV records out of every container, and refusing what cannot be read."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from compline.advisories import records
from compline.advisories.errors import AdvisoryError
from compline.advisories.records import read_records

ONE, TWO = {"id": "PYSEC-1"}, {"id": "GHSA-2"}
LINES = f"{json.dumps(ONE)}\n\n{json.dumps(TWO)}\n"


def ids(path: Path) -> list[str]:
    return [record["id"] for record in read_records(path)]


def test_lines_plain_and_compressed(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINES)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    assert ids(tmp_path / "a.jsonl") == ids(tmp_path / "b.jsonl.gz") == ["PYSEC-1", "GHSA-2"]


def test_a_zip_as_osv_hands_it_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-1.json", json.dumps(ONE))
        archive.writestr("README", "not a record")
        archive.writestr("GHSA-2.json", json.dumps(TWO))
    assert ids(tmp_path / "all.zip") == ["PYSEC-1", "GHSA-2"]


def test_a_directory_with_json_and_yaml(tmp_path: Path) -> None:
    (tmp_path / "vulns" / "x").mkdir(parents=True)
    (tmp_path / "vulns" / "a.json").write_text(json.dumps(ONE))
    (tmp_path / "vulns" / "x" / "b.yaml").write_text("id: GHSA-2\nmodified: 2024-05-06T07:08:09Z\n")
    (tmp_path / "notes.md").write_text("no record")
    assert ids(tmp_path) == ["PYSEC-1", "GHSA-2"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"id": "PYSEC-1"}\n{"id": broken\n', "a.jsonl:2"),
        ("a.jsonl", b'{"name": "no id"}\n', "has no `id`"),
        ("a.jsonl", b'["a list"]\n', "has no `id`"),
        ("a.jsonl", b"[" * 100_000 + b"\n", "not an OSV record"),
        ("a.jsonl.gz", b"not gzip", "cannot be read"),
        ("a.zip", b"not a zip", "cannot be read"),
        ("a.csv", b"id", "OSV records come as"),
    ],
)
def test_what_is_broken_is_named_and_never_left_out(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AdvisoryError, match=said):
        list(read_records(tmp_path / name))


def test_a_truncated_download_is_not_a_smaller_one(tmp_path: Path) -> None:
    whole = gzip.compress(LINES.encode() * 500)
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AdvisoryError, match="cannot be read"):
        list(read_records(tmp_path / "a.jsonl.gz"))


def test_a_huge_record_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_MOST_BYTES", 1000)
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "x", "details": "y" * 2000}))
    with pytest.raises(AdvisoryError, match="larger than"):
        list(read_records(tmp_path / "a.jsonl"))


def test_nothing_there_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match=r"set `advisories\.osv`"):
        list(read_records(tmp_path / "gone.jsonl"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(AdvisoryError, match="holds no"):
        list(read_records(tmp_path / "empty"))
