"""Whatever a scanner does, each target and scanner has exactly one ledger row, and says why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from compline.model import Completed, Failed, Look, RunResult, Skipped
from compline.pipeline.progress import describe, to_lines
from compline.scanners import registry
from compline.scanners.interface import CannotScan, Job, ScanContext

BAD = {"a.txt": "fine\nBAD\n"}
GOOD = {"a.txt": "fine\n"}


@pytest.fixture
def two(organisation: Any, fake: Any) -> Any:
    """Two repositories with a bad line, seen by two scanners; a test spoils the second one."""
    organisation.commit("one", BAD)
    organisation.commit("two", BAD)
    organisation.scanners = ("bandit", "semgrep")
    fake("bandit")
    return organisation


def raises(error: Exception) -> Any:
    def behave(_jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
        raise error
        yield

    return behave


def check_failed(night: Any, *reasons: str) -> None:
    """semgrep failed at both with the reason; bandit looked at both."""
    assert night.outcomes == {
        ("one", "bandit"): "completed",
        ("one", "semgrep"): "failed",
        ("two", "bandit"): "completed",
        ("two", "semgrep"): "failed",
    }
    for target in ("one", "two"):
        for reason in reasons:
            assert reason in night.row(target, "semgrep").reason
    assert night.result is RunResult.INCOMPLETE


def test_a_scanner_that_crashes(two: Any, fake: Any) -> None:
    fake("semgrep", raises(ZeroDivisionError("by nothing")))
    check_failed(two.night(), "crashed", "ZeroDivisionError: by nothing")
    assert len(two.open()) == 2


def test_a_scanner_that_cannot_scan(two: Any, fake: Any) -> None:
    fake("semgrep", raises(CannotScan("no rules: run `compline tools install semgrep`")))
    check_failed(two.night(), "run `compline tools install semgrep`")


def test_a_scanner_that_gives_no_look(two: Any, fake: Any) -> None:
    fake("semgrep", lambda _jobs, _context: iter(()))
    check_failed(two.night(), "gave no answer")


def test_a_scanner_that_cannot_be_imported(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = registry.kinds("semgrep")
    entry = (kinds, "compline.scanners.gone:Gone")
    monkeypatch.setitem(registry._SCANNERS, "semgrep", entry)
    check_failed(two.night(), "ModuleNotFoundError")


def test_a_scanner_that_crashes_half_way(two: Any, fake: Any, bad_lines: Any) -> None:
    def behave(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
        yield bad_lines("semgrep", jobs[0])
        raise RuntimeError("half")

    fake("semgrep", behave)
    night = two.night()
    outcomes = [night.outcomes[name, "semgrep"] for name in ("one", "two")]
    assert sorted(outcomes) == ["completed", "failed"]


def test_a_scanner_that_gives_two_looks(two: Any, fake: Any, bad_lines: Any) -> None:
    def behave(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
        for job in jobs:
            look = bad_lines("semgrep", job)
            yield look
            yield replace(look, outcome=Completed(()))
            yield replace(look, target="nobody")

    fake("semgrep", behave)
    night = two.night()
    assert set(night.outcomes.values()) == {"completed"}
    assert len(night.rows) == 4
    assert night.row("one", "semgrep").observations == 1


def test_a_target_that_cannot_be_asked(two: Any, fake: Any) -> None:
    scanner = fake("semgrep")
    two.path("two").rename(two.home / "elsewhere")
    night = two.night()
    assert night.outcomes["one", "semgrep"] == "completed"
    for name in ("bandit", "semgrep"):
        row = night.row("two", name)
        assert row.outcome == "failed"
        assert row.reason
        assert row.scan_key == ""
    assert scanner.asked == [("one",)], "nobody scans what did not answer"
    assert night.result is RunResult.INCOMPLETE


def test_a_head_that_vanishes_closes_nothing(two: Any, fake: Any) -> None:
    fake("semgrep")
    two.night()
    before = two.open()
    two.path("two").rename(two.home / "elsewhere")
    two.night()
    assert set(two.open()) == set(before)


def test_results(organisation: Any, fake: Any) -> None:
    fake("bandit")
    organisation.commit("one", GOOD)
    assert organisation.night().result is RunResult.CLEAN
    organisation.commit("one", BAD)
    assert organisation.night().result is RunResult.FINDINGS
    # The fail-at severity is of the request.
    assert organisation.night(fail_at="critical").result is RunResult.CLEAN
    fake("bandit", lambda jobs, _c: (Look(j.target.name, "bandit", Skipped("no")) for j in jobs))
    assert organisation.night(fresh=True).result is RunResult.FINDINGS
    # Nothing was found, but nothing was looked at either.
    assert organisation.night(fresh=True, fail_at="critical").result is RunResult.INCOMPLETE


def test_a_night_over_nothing_is_not_clean(organisation: Any) -> None:
    night = organisation.night()
    assert night.rows == ()
    assert night.result is RunResult.INCOMPLETE


def test_progress_is_one_line_without_escapes() -> None:
    lines: list[str] = []
    error = Failed("bad\n\x1b[2J\u202e\x9bname")
    to_lines(lines.append)(describe(Look("web", "bandit", error)))
    [line] = lines
    assert line.isprintable()
    assert "bad" in line
