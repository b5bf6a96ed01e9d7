"""Trivy's database: found in every layout, unpacked once, refused when it is none."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compline.advisories.bolt import Bolt
from compline.advisories.errors import AdvisoryError
from compline.advisories.osv import BUNDLED
from compline.advisories.trivydb import TrivyDatabase, trivy_database
from compline.config.schema import Advisories

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def never(_reference: str, _directory: Path) -> None:
    raise AssertionError("nothing may be fetched")


def opened(setting: object, workspace: Path, now: datetime = NOW) -> TrivyDatabase:
    settings = Advisories.model_validate({"trivy_db": setting})
    return trivy_database(settings, workspace, now, never)


@pytest.fixture
def raw() -> bytes:
    return gzip.decompress((BUNDLED / "trivy.db.gz").read_bytes())


def metadata(updated: str = "2025-06-07T08:09:10Z", version: int = 2) -> str:
    return json.dumps({"Version": version, "UpdatedAt": updated})


def test_the_bundled_database(tmp_path: Path) -> None:
    database = opened("bundled", tmp_path)
    assert database.date == "2024-10-10"
    assert (database.directory / "db" / "trivy.db").stat().st_size == 2097152
    assert (database.directory / "db" / "metadata.json").is_file()
    assert database.directory.is_relative_to(tmp_path)
    assert "debian 12" in database.sources
    assert "pip::GitHub Security Advisory Pip" in database.sources
    (first, *_) = database.advisories("debian 12")
    assert (first.package, first.id, first.fixed) == ("curl", "CVE-2023-38545", "7.88.1-10+deb12u4")
    python = {entry.package for entry in database.advisories("pip::GitHub Security Advisory Pip")}
    assert len(python) == 659


@pytest.mark.parametrize(
    ("database", "facts", "packed"),
    [
        ("db/trivy.db", "db/metadata.json", False),
        ("trivy.db", "metadata.json", False),
        ("trivy.db.gz", "metadata.json", True),
        ("trivy.db.gz", "trivy-metadata.json", True),
        ("db/trivy.db.gz", "db/metadata.json", True),
    ],
)
def test_every_layout(
    tmp_path: Path, raw: bytes, database: str, facts: str, *, packed: bool
) -> None:
    source = tmp_path / "source"
    for name, content in (
        (database, gzip.compress(raw) if packed else raw),
        (facts, metadata().encode()),
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    found = opened(source, tmp_path)
    assert found.date == "2025-06-07"
    assert (found.directory / "db" / "trivy.db").read_bytes() == raw


def test_it_is_unpacked_once_and_stays_as_it_was(tmp_path: Path, raw: bytes) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "trivy.db").write_bytes(raw)
    (source / "metadata.json").write_text(metadata())
    first = opened(source, tmp_path)
    assert opened(source, tmp_path).directory == first.directory
    (source / "metadata.json").write_text(metadata("2025-07-08T00:00:00Z"))
    second = opened(source, tmp_path)
    assert second.digest != first.digest
    assert (first.date, second.date) == ("2025-06-07", "2025-07-08")
    assert first.sources == second.sources


@pytest.mark.parametrize(
    ("database", "facts", "said"),
    [
        (b"no database", metadata(), "not a Trivy database"),
        (b"", metadata(), "cannot be read"),
        (None, metadata(version=1), "schema 1"),
        (None, "{}", "unreadable"),
        (None, "nothing", "unreadable"),
    ],
)
def test_what_is_no_database_is_refused_and_not_kept(
    tmp_path: Path, raw: bytes, database: bytes | None, facts: str, said: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "trivy.db").write_bytes(raw if database is None else database)
    (source / "metadata.json").write_text(facts)
    for _ in range(2):
        with pytest.raises(AdvisoryError, match=said):
            opened(source, tmp_path)


def test_a_truncated_download_is_refused(tmp_path: Path, raw: bytes) -> None:
    source = tmp_path / "source"
    source.mkdir()
    packed = gzip.compress(raw)
    (source / "trivy.db.gz").write_bytes(packed[: len(packed) // 2])
    (source / "metadata.json").write_text(metadata())
    with pytest.raises(AdvisoryError, match="cannot be unpacked"):
        opened(source, tmp_path)


def test_a_damaged_database_is_an_error_when_it_is_read(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "trivy.db").write_bytes(raw[:8192] + b"\xff" * (len(raw) - 8192))
    with (
        Bolt(tmp_path / "trivy.db") as bolt,
        pytest.raises(AdvisoryError, match="damaged"),
    ):
        list(bolt.buckets())


def test_absent_is_an_error_that_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match=r"set `advisories\.trivy_db`"):
        opened(tmp_path / "gone", tmp_path)


class Fetching:
    """Plays trivy's download of its database."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.asked: list[str] = []
        self.fails = False

    def __call__(self, reference: str, directory: Path) -> None:
        self.asked.append(reference)
        if self.fails:
            raise AdvisoryError("no way to the registry")
        (directory / "db").mkdir()
        (directory / "db" / "trivy.db").write_bytes(self.raw)
        facts = metadata(f"2025-12-{len(self.asked):02}T00:00:00Z")
        (directory / "db" / "metadata.json").write_text(facts)


def test_online_it_is_fetched_and_asked_for_again_in_time(tmp_path: Path, raw: bytes) -> None:
    fetch = Fetching(raw)
    settings = Advisories(trivy_db="online", recheck_hours=12)
    first = trivy_database(settings, tmp_path, NOW, fetch)
    assert first.date == "2025-12-01"
    again = trivy_database(settings, tmp_path, NOW + timedelta(hours=11), fetch)
    assert again == first
    later = trivy_database(settings, tmp_path, NOW + timedelta(hours=13), fetch)
    assert later.date == "2025-12-02"
    assert fetch.asked == ["", ""]
    trivy_database(
        Advisories.model_validate({"trivy_db": "oci://mirror.example/trivy-db:2"}),
        tmp_path,
        NOW,
        fetch,
    )
    assert fetch.asked[-1] == "mirror.example/trivy-db:2"


def test_a_failed_refresh_goes_on_with_the_old_one_and_says_so(tmp_path: Path, raw: bytes) -> None:
    fetch = Fetching(raw)
    settings = Advisories(trivy_db="online")
    first = trivy_database(settings, tmp_path, NOW, fetch)
    fetch.fails = True
    later = trivy_database(settings, tmp_path, NOW + timedelta(days=1), fetch)
    assert later.digest == first.digest
    assert "could not be refreshed: no way" in later.warnings[0]


def test_a_failed_first_fetch_is_an_error(tmp_path: Path, raw: bytes) -> None:
    fetch = Fetching(raw)
    fetch.fails = True
    with pytest.raises(AdvisoryError, match="no way to the registry"):
        trivy_database(Advisories(trivy_db="online"), tmp_path, NOW, fetch)


def test_what_nobody_uses_any_more_goes_after_two_weeks(tmp_path: Path, raw: bytes) -> None:
    def put(updated: str) -> Path:
        source = tmp_path / "source"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir()
        (source / "trivy.db").write_bytes(raw)
        (source / "metadata.json").write_text(metadata(updated))
        return source

    old = opened(put("2025-01-01T00:00:00Z"), tmp_path)
    used = opened(put("2025-01-02T00:00:00Z"), tmp_path)
    for database, days in ((old, 15), (used, 13)):
        then = (NOW - timedelta(days=days)).timestamp()
        os.utime(database.directory, (then, then))
    opened(put("2025-01-03T00:00:00Z"), tmp_path)
    assert not old.directory.exists()
    assert used.directory.exists()


def test_several_at_once_unpack_one(tmp_path: Path) -> None:
    found: list[TrivyDatabase] = []
    threads = [
        threading.Thread(target=lambda: found.append(opened("bundled", tmp_path))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({database.directory for database in found}) == 1
    assert len(found) == 4
