"""Runs, targets, shards and leases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from compline.model import Failed, RunResult, Target, TargetKind
from compline.store.engine import Store, StoreError, open_store
from compline.store.leases import acquire, release, renew
from compline.store.runs import (
    finish_run,
    get_run,
    latest_run,
    list_runs,
    previous_run,
    start_run,
)
from compline.store.shards import (
    claim_shard,
    finish_shard,
    heartbeat_shard,
    list_shards,
    read_shard,
    recorded_pairs,
    save_plan,
)
from compline.store.targets import list_targets, sync_targets

Later = Callable[[float], datetime]


class TestRuns:
    def test_a_key_finds_the_run_again(self, store: Store, later: Later) -> None:
        one = start_run(store, "nightly", later(0), key="manual__1", parameters={"a": [1]})
        assert start_run(store, "nightly", later(9), key="manual__1") == one
        assert start_run(store, "nightly", later(9), key="manual__2") > one
        assert start_run(store, "cli", later(9)) != start_run(store, "cli", later(9))
        run = get_run(store, one)
        assert (run.kind, run.key, run.parameters) == ("nightly", "manual__1", {"a": [1]})
        assert (run.started, run.finished, run.result) == (later(0), None, None)

    def test_it_ends_with_a_result_and_may_say_so_twice(self, store: Store, later: Later) -> None:
        run = start_run(store, "nightly", later(0))
        finish_run(store, run, RunResult.INCOMPLETE, later(5), {"failed": 1})
        finish_run(store, run, RunResult.CLEAN, later(6), {"failed": 0})
        view = get_run(store, run)
        assert (view.result, view.finished) == (RunResult.CLEAN, later(6))
        assert view.summary == {"failed": 0}

    def test_newest_first_and_by_kind(self, store: Store, later: Later) -> None:
        assert latest_run(store) is None
        ids = [start_run(store, kind, later(0)) for kind in ("nightly", "adhoc", "nightly")]
        assert [run.id for run in list_runs(store)] == ids[::-1]
        assert [run.id for run in list_runs(store, 1, "nightly")] == [ids[2]]
        latest = latest_run(store, "adhoc")
        assert latest is not None
        assert latest.id == ids[1]

    def test_the_previous_is_finished_and_of_the_same_kind(
        self, store: Store, later: Later
    ) -> None:
        first, other, unfinished, last = (
            start_run(store, kind, later(0)) for kind in ("nightly", "adhoc", "nightly", "nightly")
        )
        for run in (first, other):
            finish_run(store, run, RunResult.CLEAN, later(1))
        found = previous_run(store, last)
        assert found is not None
        assert found.id == first
        assert previous_run(store, first) is None
        assert unfinished > first

    def test_unknown_runs_are_an_error(self, store: Store, later: Later) -> None:
        for call in (
            lambda: get_run(store, 7),
            lambda: finish_run(store, 7, RunResult.CLEAN, later(0)),
            lambda: save_plan(store, 7, [{}], later(0)),
        ):
            with pytest.raises(StoreError, match="there is no run 7"):
                call()

    def test_one_key_of_two_processes_is_one_run(self, store_url: str, later: Later) -> None:
        open_store(store_url).close()
        gate = threading.Barrier(4)
        found: list[int] = []

        def starts() -> None:
            with open_store(store_url) as store:
                gate.wait()
                found.append(start_run(store, "nightly", later(0), key="same"))

        threads = [threading.Thread(target=starts) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert len(set(found)) == 1


class TestTargets:
    def test_come_vanish_and_return(self, store: Store, later: Later) -> None:
        api, web = (
            Target(TargetKind.REPOSITORY, name, f"file:///{name}", "main", {"team": "a"})
            for name in ("api", "web")
        )
        assert sync_targets(store, [api, web], later(0)).added == ("api", "web")
        gone = sync_targets(store, [api], later(1))
        assert (gone.added, gone.vanished, gone.returned) == ((), ("web",), ())
        row = next(row for row in list_targets(store) if row.name == "web")
        assert (row.state, row.vanished_at, row.first_seen) == ("vanished", later(1), later(0))
        assert sync_targets(store, [api, web], later(2)).returned == ("web",)
        rows = list_targets(store)
        assert [(row.name, row.state, row.vanished_at) for row in rows] == [
            ("api", "listed", None),
            ("web", "listed", None),
        ]
        assert rows[0].labels == {"team": "a"}

    def test_a_target_may_move(self, store: Store, later: Later) -> None:
        old = Target(TargetKind.REPOSITORY, "api", "file:///a")
        sync_targets(store, [old], later(0))
        sync_targets(store, [replace(old, locator="file:///b", ref="dev")], later(1))
        (row,) = list_targets(store)
        assert (row.locator, row.ref) == ("file:///b", "dev")


class TestShards:
    @pytest.fixture
    def run(self, store: Store, later: Later) -> int:
        return start_run(store, "nightly", later(0))

    def test_the_first_plan_stands(self, store: Store, later: Later, run: int) -> None:
        assert save_plan(store, run, [{"targets": ["a"]}, {"targets": ["b"]}], later(0)) == 2
        assert save_plan(store, run, [{"targets": ["c"]}], later(1)) == 2
        assert read_shard(store, run, 1) == {"targets": ["b"]}
        with pytest.raises(StoreError, match="has no shard 2"):
            read_shard(store, run, 2)

    def test_an_empty_plan_is_a_plan(self, store: Store, later: Later, run: int) -> None:
        assert save_plan(store, run, [], later(0)) == 0
        assert list_shards(store, run) == ()

    def test_a_claim_keeps_others_out_until_it_expires(
        self, store: Store, later: Later, run: int
    ) -> None:
        save_plan(store, run, [{"a": 1}], later(0))
        assert claim_shard(store, run, 0, "one", later(0), 60) == {"a": 1}
        assert claim_shard(store, run, 0, "two", later(59), 60) is None
        assert claim_shard(store, run, 0, "one", later(59), 60) == {"a": 1}
        assert heartbeat_shard(store, run, 0, "one", later(100), 60)
        assert claim_shard(store, run, 0, "two", later(159), 60) is None
        assert claim_shard(store, run, 0, "two", later(160), 60) == {"a": 1}
        # The one who was taken for dead learns it, and cannot end what is not its own.
        assert not heartbeat_shard(store, run, 0, "one", later(161), 60)
        finish_shard(store, run, 0, "one", later(161))
        assert [(s.state, s.owner, s.attempts) for s in list_shards(store, run)] == [
            ("pending", "two", 3)
        ]
        finish_shard(store, run, 0, "two", later(162))
        assert claim_shard(store, run, 0, "three", later(999), 60) is None
        assert [shard.state for shard in list_shards(store, run)] == ["done"]

    def test_what_is_recorded_need_not_be_done_again(self, site: Any, kit: Any) -> None:
        site.next_night()
        site.record(site.look(()), site.look(Failed("no tool"), "semgrep"))
        assert recorded_pairs(site.store, site.run) == {
            ("api", "bandit"): "completed",
            ("api", "semgrep"): "failed",
        }


class TestLeases:
    def test_one_owner_at_a_time(self, store: Store, later: Later) -> None:
        assert acquire(store, "mirror:api", "one", later(0), 60)
        assert not acquire(store, "mirror:api", "two", later(59), 60)
        assert acquire(store, "mirror:web", "two", later(0), 60)
        assert acquire(store, "mirror:api", "one", later(30), 60)
        assert not acquire(store, "mirror:api", "two", later(89), 60)
        assert acquire(store, "mirror:api", "two", later(90), 60)

    def test_what_is_lost_is_not_renewed_and_not_released(self, store: Store, later: Later) -> None:
        acquire(store, "a", "one", later(0), 60)
        assert renew(store, "a", "one", later(50), 60)
        acquire(store, "a", "two", later(110), 60)
        assert not renew(store, "a", "one", later(111), 60)
        release(store, "a", "one")
        assert not acquire(store, "a", "three", later(112), 60)
        release(store, "a", "two")
        assert acquire(store, "a", "three", later(113), 60)

    def test_of_many_at_once_one_gets_it(self, store_url: str, later: Later) -> None:
        open_store(store_url).close()
        gate = threading.Barrier(4)
        got: list[bool] = []

        def tries(owner: str) -> None:
            with open_store(store_url) as store:
                gate.wait()
                got.append(acquire(store, "a", owner, later(0), 60))

        threads = [threading.Thread(target=tries, args=(str(n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [False, False, False, True]
