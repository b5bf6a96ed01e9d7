"""Which advisories there are, known without reading them all each time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compline.advisories import osv
from compline.advisories.age import stale_warning
from compline.advisories.errors import AdvisoryError
from compline.advisories.online import OsvOnline
from compline.advisories.osv import osv_origin
from compline.config.schema import Advisories

NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
RecordOf = Callable[..., dict[str, Any]]


def test_the_bundled_data_says_its_date(tmp_path: Path) -> None:
    origin = osv_origin(Advisories(osv="bundled"), tmp_path, NOW)
    assert origin.date == "2024-10-10"
    assert not origin.live
    assert len(origin.digest) == 64
    assert origin.load().known_vulnerable() == ("accesscontrol", "4.0")


def test_the_digest_follows_the_content_and_the_date_the_newest_record(
    tmp_path: Path, record: RecordOf
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    settings = Advisories(osv=data)
    (data / "a.json").write_text(json.dumps(record(modified="2024-05-06T07:08:09Z")))
    first = osv_origin(settings, tmp_path, NOW)
    assert first.date == "2024-05-06"
    (data / "b.json").write_text(json.dumps(record(modified="2025-01-02T00:00:00Z")))
    second = osv_origin(settings, tmp_path, NOW)
    assert second.date == "2025-01-02"
    assert second.digest != first.digest
    (data / "b.json").unlink()
    assert osv_origin(settings, tmp_path, NOW).digest == first.digest


def test_a_declared_date_goes_first(tmp_path: Path, record: RecordOf) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps(record()).encode()))
    settings = Advisories(osv=tmp_path / "a.jsonl.gz", osv_date="2025-03-04")
    assert osv_origin(settings, tmp_path, NOW).date == "2025-03-04"


def test_what_is_known_of_a_file_is_computed_once(
    tmp_path: Path, record: RecordOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(record()))
    settings = Advisories(osv=tmp_path / "a.jsonl")
    first = osv_origin(settings, tmp_path, NOW)

    def must_not(_path: Path) -> None:
        raise AssertionError("the records were read again")

    monkeypatch.setattr(osv, "read_records", must_not)
    assert osv_origin(settings, tmp_path, NOW).digest == first.digest
    memo = tmp_path / "advisories" / "facts.json"
    memo.write_text("damaged")
    with pytest.raises(AssertionError, match="read again"):
        osv_origin(settings, tmp_path, NOW)


def test_the_live_service_counts_in_spans_of_time(tmp_path: Path) -> None:
    settings = Advisories(osv="online", recheck_hours=12)

    def digest(hours: float) -> str:
        return osv_origin(settings, tmp_path, NOW + timedelta(hours=hours)).digest

    assert digest(0) == digest(8.9)
    assert digest(0) != digest(9)
    origin = osv_origin(settings, tmp_path, NOW)
    assert origin.live
    source = origin.load()
    assert isinstance(source, OsvOnline)
    assert source.known_vulnerable() == ("pyyaml", "5.3")
    source.close()


def test_absent_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AdvisoryError, match="no advisory data"):
        osv_origin(Advisories(osv=tmp_path / "gone.zip"), tmp_path, NOW)


def test_old_data_is_a_warning() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    said = stale_warning("OSV advisories", "2024-10-10", now, 7)
    assert said.startswith(
        "stale advisories: OSV advisories are 774 days old (2024-10-10), the limit is 7"
    )
    assert stale_warning("OSV advisories", "2026-11-16", now, 7) == ""
    assert stale_warning("OSV advisories", "2026-11-15", now, 7) != ""
    assert "not known" in stale_warning("OSV advisories", "", now, 7)
