"""The tool's processes: the canary before them, what they leave, what they cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from looks import places

from compline.model import (
    Failed,
    ScanKey,
)
from compline.scanners.blobs import scan as scan_module
from compline.scanners.interface import CannotScan, ScanContext


def test_the_canary_is_tried_alone_once_per_key(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    one = git_repository({"a.txt": "bad 1\n"}, "one")
    two = git_repository({"a.txt": "bad 2\n"}, "two")
    looks(one.job())
    looks(two.job())
    assert finder.runs == [[], ["bad 1\n"], ["bad 2\n"]]
    looks(two.job(), key=ScanKey("tool", "2"))
    assert finder.runs[3:] == [[], ["bad 2\n"]]


def test_a_tool_that_misses_its_canary_scans_nothing(
    finder: Any, looks: Any, git_repository: Any, scratch: Path
) -> None:
    finder.broken = "garbage"
    shop = git_repository({"a.txt": "bad\n"})
    with pytest.raises(CannotScan, match=r"does not find the known defect.*compline tools install"):
        looks(shop.job())
    finder.broken = ""
    assert places(looks(shop.job())["shop"]) == [("a.txt", 1)]


def test_a_tool_that_breaks_later_fails_what_it_had_not_finished(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "bad\n"})
    looks(shop.job())
    shop.commit({"b.txt": "bad bad\n"})
    other = git_repository({"a.txt": "bad\n"}, "other")
    for broken in ("gone", "crash"):
        finder.broken = broken
        found = looks(shop.job(), other.job())
        outcome = found["shop"].outcome
        assert isinstance(outcome, Failed)
        assert outcome.error.startswith("word-finder does not work: ")
        assert places(found["other"]) == [("a.txt", 1)]
    finder.broken = ""
    assert places(looks(shop.job())["shop"]) == [("a.txt", 1), ("b.txt", 1)]


def test_a_disk_that_refuses_is_said(
    looks: Any, context_: ScanContext, git_repository: Any, tmp_path: Path
) -> None:
    shop = git_repository({"a.txt": "bad\n"})
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(CannotScan, match=r"cannot be written to .*taken/scratch"):
        looks(shop.job(), within=replace(context_, workspace=taken))


def test_progress_counts_files(looks: Any, context_: ScanContext, git_repository: Any) -> None:
    lines: list[str] = []
    shop = git_repository({"a.txt": "1\n", "b.txt": "2\n"})
    looks(shop.job(), within=replace(context_, progress=lines.append))
    assert lines[-1] == "word-finder: 2 of 2 new files"


def test_leaving_early_leaves_nothing(
    finder: Any, context_: ScanContext, git_repository: Any, scratch: Path
) -> None:
    jobs = [git_repository({"a.txt": f"bad {n}\n"}, f"r{n}").job() for n in range(4)]
    generator = scan_module.BlobScan(finder, ScanKey("t", "1"), context_).looks(jobs)
    next(generator)
    generator.close()


def test_seconds_of_a_process_are_shared_out_by_size(
    looks: Any, context_: ScanContext, git_repository: Any
) -> None:
    found = looks(
        git_repository({"a.txt": "bad\n" * 300}, "large").job(),
        git_repository({"b.txt": "bad\n"}, "small").job(),
        within=replace(context_, processes=1),
    )
    opened = found["small"].seconds  # and next to nothing of the process's half second
    assert found["large"].seconds >= 0.49
    assert opened < 0.4
