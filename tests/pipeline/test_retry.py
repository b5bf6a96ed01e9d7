"""A retry does what is missing or failed and nothing else; the end of a run leaves no hole."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from compline.model import Failed, Look, RunResult
from compline.pipeline import claim, conclude, discover, plan
from compline.pipeline import scan as scan_step
from compline.pipeline.claim import LEASE
from compline.pipeline.request import Request
from compline.pipeline.session import Session
from compline.scanners.interface import Job, ScanContext
from compline.store.ledger import coverage
from compline.store.record import record
from compline.store.shards import claim_shard, list_shards

BAD = {"a.txt": "fine\nBAD\n"}


@pytest.fixture
def three(organisation: Any, fake: Any) -> Any:
    """Three repositories for two scanners, all in one shard."""
    for name in ("one", "three", "two"):
        organisation.commit(name, BAD)
    organisation.scanners = ("bandit", "semgrep")
    return organisation


def begun(session: Session) -> int:
    run = discover.begin(session, "nightly", "night-1", Request())
    assert plan.plan(session, run) == 1
    return run


def outcomes(session: Session, run: int) -> dict[tuple[str, str], str]:
    return {(row.target, row.scanner): row.outcome for row in coverage(session.store, run)}


def test_only_what_failed_is_scanned_again(three: Any, fake: Any, bad_lines: Any) -> None:
    trouble = {"two"}

    def behave(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
        for job in jobs:
            if job.target.name in trouble:
                raise OSError("disk full")
            yield bad_lines("semgrep", job)

    steady, shaky = fake("bandit"), fake("semgrep", behave)
    with three.session() as session:
        run = begun(session)
        scan_step.scan_shard(session, run, 0, "worker/1")
        assert outcomes(session, run)["two", "semgrep"] == "failed"
        # A finished shard is done; Airflow does not retry it, and asking again changes nothing.
        scan_step.scan_shard(session, run, 0, "worker/2")
        assert len(steady.asked) == 1
    # The same failure, but the worker died before it said that the shard is done.
    trouble.clear()
    with three.session() as session:
        run = discover.begin(session, "nightly", "night-2", Request(fresh=True))
        plan.plan(session, run)
        trouble.add("two")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scan_step, "finish_shard", lambda *_a: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                scan_step.scan_shard(session, run, 0, "worker/1")
        trouble.clear()
        steady.asked.clear()
        shaky.asked.clear()
        with pytest.raises(scan_step.ShardTaken):
            scan_step.scan_shard(session, run, 0, "worker/2")
        with pytest.MonkeyPatch.context() as patch:
            real = Session.now
            patch.setattr(Session, "now", lambda self: real(self) + timedelta(minutes=3))
            scan_step.scan_shard(session, run, 0, "worker/2")
        assert steady.asked == []
        assert shaky.asked == [("two",)]
        assert set(outcomes(session, run).values()) == {"completed"}


def test_a_target_recorded_before_the_crash_is_left_alone(
    three: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    three.scanners = ("bandit",)
    scanner = fake("bandit")
    done: list[str] = []
    real = scan_step.record_target  # type: ignore[attr-defined]

    def dies_at_the_second(session: Any, run: Any, request: Any, inputs: Any, looks: Any) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(inputs.work.target.name)
        real(session, run, request, inputs, looks)

    with three.session() as session:
        run = begun(session)
        monkeypatch.setattr(scan_step, "record_target", dies_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            scan_step.scan_shard(session, run, 0, "worker/1")
        monkeypatch.setattr(scan_step, "record_target", real)
        scan_step.scan_shard(session, run, 0, "worker/1")
        assert set(outcomes(session, run).values()) == {"completed"}
    assert sorted(scanner.asked[1]) == sorted({"one", "two", "three"} - set(done))
    assert len(three.open()) == 3


def test_a_killed_tasks_lease_has_run_out_when_airflow_retries() -> None:
    dag = (Path(__file__).parents[2] / "dags" / "compliance.py").read_text(encoding="utf-8")
    found = re.search(r'"retry_delay": timedelta\(minutes=(\d+)\)', dag)
    assert found is not None
    assert int(found[1]) * 60 > LEASE


@pytest.mark.parametrize("at", ["one", "three", "two"])
def test_a_worker_whose_shard_was_taken_over_stops_recording(
    three: Any, fake: Any, bad_lines: Any, at: str
) -> None:
    """It was suspended for longer than the lease; the other's work stands, nothing is doubled."""
    ended: list[str] = []

    def suspended(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
        try:
            for job in jobs:
                if job.target.name == at:
                    later = session.now() + timedelta(seconds=LEASE + 1)
                    assert claim_shard(session.store, run, 0, "worker/2", later, 600)
                yield bad_lines("bandit", job)
        finally:
            ended.append("bandit")

    three.scanners = ("bandit",)
    fake("bandit", suspended)
    with three.session() as session:
        run = begun(session)
        with pytest.raises(scan_step.ShardTaken, match="taken over by another worker"):
            scan_step.scan_shard(session, run, 0, "worker/1")
        assert ended == ["bandit"], "the scanner was not closed"
        before = {"one": 0, "three": 1, "two": 2}[at]
        assert len(outcomes(session, run)) == before
        assert [shard.state for shard in list_shards(session.store, run)] == ["pending"]
        fake("bandit")
        scan_step.scan_shard(session, run, 0, "worker/2")
        assert set(outcomes(session, run).values()) == {"completed"}
    assert len(three.open()) == 3


def test_a_scanner_is_not_begun_for_another_workers_shard(
    three: Any, fake: Any, bad_lines: Any
) -> None:
    def suspended(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
        yield from [bad_lines("bandit", job) for job in jobs]
        later = session.now() + timedelta(seconds=LEASE + 1)
        assert claim_shard(session.store, run, 0, "worker/2", later, 600)

    fake("bandit", suspended)
    second = fake("semgrep")
    with three.session() as session:
        run = begun(session)
        with pytest.raises(scan_step.ShardTaken):
            scan_step.scan_shard(session, run, 0, "worker/1")
        assert second.asked == []
        assert outcomes(session, run) == {}


def test_a_store_that_is_away_for_a_moment_does_not_end_the_renewing(
    three: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    beats: list[str] = []

    def away_at_first(*_arguments: Any) -> bool:
        beats.append("beat")
        if len(beats) == 1:
            raise OSError("away")
        return True

    monkeypatch.setattr(claim, "heartbeat_shard", away_at_first)
    monkeypatch.setattr(claim, "LEASE", 0.04)
    with three.session() as session, claim.Claim(session, 1, 0, "worker/1"):
        end = time.monotonic() + 10
        while len(beats) < 3 and time.monotonic() < end:
            time.sleep(0.01)
    assert len(beats) >= 3
    assert "could not be renewed" in caplog.text


def test_planning_again_gives_the_same_shards(three: Any, fake: Any) -> None:
    fake("bandit")
    fake("semgrep")
    with three.session(execution={"shard_targets": 2, "processes": 1}) as session:
        run = discover.begin(session, "nightly", "night", Request())
        assert discover.begin(session, "nightly", "night", Request()) == run
        assert plan.plan(session, run) == 2
        three.commit("one", {"a.txt": "BAD\nBAD\n"})
        assert plan.plan(session, run) == 2
        assert [shard.number for shard in list_shards(session.store, run)] == [0, 1]


def test_conclude_fills_what_a_dead_task_left_out(three: Any, fake: Any) -> None:
    fake("bandit")
    fake("semgrep")
    with three.session() as session:
        run = begun(session)
        assert claim_shard(session.store, run, 0, "dead", session.now(), 600)
        look = Look("one", "bandit", Failed("x"), revision="c" * 40)
        record(session.store, run, "one", [look], looked_at=session.now(), now=session.now())
        assert conclude.conclude(session, run) is RunResult.INCOMPLETE
        rows = coverage(session.store, run)
        assert len(rows) == 6
        assert {row.outcome for row in rows} == {"failed"}
        reasons = {row.reason for row in rows if (row.target, row.scanner) != ("one", "bandit")}
        assert reasons == {"the scan task did not finish; see its log and run again"}
        # Concluding is retried too, and says the same.
        assert conclude.conclude(session, run) is RunResult.INCOMPLETE
        assert len(coverage(session.store, run)) == 6
    assert three.night().result is RunResult.FINDINGS


def test_filled_rows_close_nothing(three: Any, fake: Any) -> None:
    fake("bandit")
    fake("semgrep")
    three.night()
    before = three.open()
    for name in ("one", "two", "three"):
        three.commit(name, {"a.txt": "fine\n"})
    with three.session() as session:
        run = begun(session)
        conclude.conclude(session, run)
    assert set(three.open()) == set(before)


def test_a_look_that_comes_late_changes_nothing(three: Any, fake: Any) -> None:
    """Planned before another run looked, scanned after it: the newer look stands, and its pin."""
    three.scanners = ("bandit",)
    fake("bandit")
    three.night()
    newer = {"a.txt": "fine\nfine\nBAD\nBAD, too\n"}
    with three.session() as session:
        run = discover.begin(session, "nightly", "slow", Request(fresh=True))
        plan.plan(session, run)
        tip = three.commit("one", newer)
        night = three.night()
        assert night.row("one", "bandit").revision == tip
        before = {i: (one.state, one.line) for i, one in three.findings().items()}
        scan_step.scan_shard(session, run, 0, "worker/1")
        rows = {row.target: row.result for row in coverage(session.store, run)}
        # The other two heads have not moved: their looks were reused, and are newer as well.
        assert rows["one"] == "superseded"
    assert {i: (one.state, one.line) for i, one in three.findings().items()} == before
    [mirror] = (three.home / "work" / "mirrors").glob("one-*.git")
    pinned = subprocess.run(
        ["git", "-C", mirror, "for-each-ref", "--format=%(objectname)", "refs/compline/recorded"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert pinned.stdout.split() == [tip]
