"""The index that answers offline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from packaging.version import Version

from compline.advisories.errors import AdvisoryError
from compline.advisories.index import OsvIndex
from compline.advisories.osv import BUNDLED
from compline.advisories.records import read_records

RecordOf = Callable[..., dict[str, Any]]
EVENTS = ({"introduced": "0"}, {"fixed": "2.0"})


def test_it_answers_by_normal_name_and_version(record: RecordOf) -> None:
    index = OsvIndex([record("PYSEC-1", "Shop.Tool", events=EVENTS)], "here")
    assert [each["id"] for each in index.affecting("shop-tool", Version("1.0"))] == ["PYSEC-1"]
    assert index.affecting("shop-tool", Version("2.0")) == []
    assert index.affecting("other", Version("1.0")) == []


def test_withdrawn_advisories_count_no_more(record: RecordOf) -> None:
    gone = record("PYSEC-1", events=EVENTS, withdrawn="2024-01-01T00:00:00Z")
    stays = record("PYSEC-2", events=EVENTS)
    found = OsvIndex([gone, stays], "here").affecting("shop", Version("1.0"))
    assert [each["id"] for each in found] == ["PYSEC-2"]


def test_data_without_any_python_package_is_refused(record: RecordOf) -> None:
    other = record("RUSTSEC-1")
    other["affected"][0]["package"]["ecosystem"] = "crates.io"
    for records in ([], [other], [record(events=EVENTS, withdrawn="2024-01-01T00:00:00Z")]):
        with pytest.raises(AdvisoryError, match="holds no advisory for a PyPI package"):
            OsvIndex(records, "here")


def test_the_canary_is_a_release_that_is_affected(record: RecordOf) -> None:
    odd = record("PYSEC-1", "a-first", versions=("not-a-version",))
    first = record("PYSEC-2", "b-then", events=({"introduced": "1.4"}, {"fixed": "1.5"}))
    index = OsvIndex([first, odd], "here")
    assert index.known_vulnerable() == ("b-then", "1.4")
    with pytest.raises(AdvisoryError, match="names an affected version"):
        OsvIndex([odd], "here").known_vulnerable()


def test_the_bundled_data_knows_the_sample() -> None:
    index = OsvIndex(read_records(BUNDLED / "pypi.osv.jsonl.gz"), "bundled")
    sample = {
        ("werkzeug", "0.11"): 7,
        ("flask", "2.0.0"): 1,
        ("mlflow", "2.0.1"): 8,
        ("langchain", "0.0.200"): 11,
        ("pyyaml", "5.3"): 2,
        ("gradio", "3.30.0"): 3,
    }
    found = {
        (name, version): len(index.affecting(name, Version(version))) for name, version in sample
    }
    assert found == sample
