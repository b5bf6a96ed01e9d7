"""`compline coverage --target`: gaps by name, and which model files were read in full."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

CARD, WEIGHTS, WORDS = "fraud/1/README.md", "fraud/1/model.safetensors", "fraud/2/vocab.txt"
"""The files of `watched`, of which the first has changed."""


def rows(site: Any, *arguments: str) -> Any:
    return site.json("coverage", "--format", "json", *arguments)


def test_the_ledger_counts_the_files_that_were_read(watched: Any) -> None:
    assert [row["files"] for row in rows(watched, "--run", "1")] == [{"read": 3, "files": 3}]
    assert [row["files"] for row in rows(watched)] == [{"read": 1, "files": 3}]
    assert "read 1 of 3 files" in watched.run("coverage").stdout


def test_a_target_in_full_names_the_files_and_the_gaps(watched: Any) -> None:
    [row] = rows(watched, "--target", "released")
    assert row["readings"]["now"] == [CARD]
    assert row["readings"]["before"] == [WEIGHTS, WORDS]
    assert row["readings"]["oldest"]
    assert row["readings"]["unread"] == []
    shown = watched.run("coverage", "--target", "released").stdout
    assert f"Read in full by run 2 for model-guard: 1\n  {CARD}\n" in shown
    assert "unmoved since" in shown
    assert shown.rstrip().endswith(": 2")
    assert "Not covered by model-guard: 1" in shown
    assert "fraud/2/latest" in shown
    assert "symlink" in shown


def test_without_its_evidence_it_says_so(watched: Any, tmp_path: Path) -> None:
    locker = watched.home / "work" / "evidence"
    shutil.move(locker, tmp_path / "aside")
    try:
        shown = watched.run("coverage", "--target", "released")
        [row] = rows(watched, "--target", "released")
    finally:
        shutil.rmtree(locker, ignore_errors=True)
        shutil.move(tmp_path / "aside", locker)
    assert "Which files model-guard has read is not known" in shown.stdout
    assert row["files"] == {"read": 1, "files": 3}
    assert row["readings"]["trouble"]


def test_of_code_nothing_is_told_about_files(scanned: Any) -> None:
    [row] = rows(scanned, "--run", "2", "--target", "web")
    assert row["files"] is None
    assert "readings" not in row
    shown = scanned.run("coverage", "--run", "2", "--target", "web").stdout
    assert "bandit" in shown
    assert "Read in full" not in shown


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--target", "nothing"), "has not looked at 'nothing'; it looked at: calm, web"),
        (("--scanner", "trivy"), "nothing of the scanner 'trivy'; there is: bandit"),
        (("--target", "web", "--scanner", "trivy"), "nothing of the scanner 'trivy'"),
    ],
)
def test_what_was_not_looked_at_is_an_error_that_helps(
    scanned: Any, asked: tuple[str, ...], said: str
) -> None:
    done = scanned.run("coverage", "--run", "2", *asked)
    assert done.exit_code == 2
    assert said in done.stderr
