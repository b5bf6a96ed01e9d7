"""Batches of equal work; one hostile file costs its own coverage, never its neighbours'."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compline.model import Completed, Failed, GapReason
from compline.scanners.blobs import batches as batches_module
from compline.scanners.blobs.batches import Item, Packer, batch_bytes


def crashed(look: Any) -> dict[str, str]:
    assert isinstance(look.outcome, Completed), look.outcome
    return {gap.path: gap.detail for gap in look.outcome.gaps if gap.reason is GapReason.CRASHED}


def found(look: Any) -> set[str]:
    assert isinstance(look.outcome, Completed), look.outcome
    return {each.place.path for each in look.outcome.observations}


def packed(sizes: list[int], processes: int, grain: int) -> list[tuple[Item, ...]]:
    packer = Packer(batch_bytes(sum(sizes), processes, grain))
    items = [Item(f"f{number}", size, "r") for number, size in enumerate(sizes)]
    batches = [*(packer.add(item) for item in items), packer.rest()]
    assert [item for batch in batches for item in batch] == items
    return [batch for batch in batches if batch]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 5_000_000), max_size=60),
    processes=st.integers(1, 8),
    grain=st.integers(1, 2_000_000),
)
def test_batches_hold_every_file_once_and_not_too_much(
    sizes: list[int], processes: int, grain: int
) -> None:
    for batch in packed(sizes, processes, grain):
        but_last = sum(item.size for item in batch[:-1])
        assert but_last < max(min(2 << 20, sum(sizes) / processes + 1), 1)
        assert len(batch) <= 1_000


def test_small_work_is_shared_by_all_processes() -> None:
    assert [len(batch) for batch in packed([100] * 40, 4, 1 << 20)] == [10, 10, 10, 10]
    assert packed([], 4, 1 << 20) == []


def test_large_work_is_cut_so_that_no_core_waits_long_for_the_last_batch() -> None:
    assert len(packed([10_000] * 1_000, 2, 500_000)) == 16
    assert len(packed([10_000] * 1_000, 2, 1_500_000)) == 7
    assert len(packed([0] * 2_500, 2, 1)) >= 3


@pytest.mark.parametrize("word", ["crash", "hang", "flood", "garbage"])
def test_one_hostile_file_costs_its_own_coverage(
    word: str, looks: Any, finder: Any, git_repository: Any
) -> None:
    files = {f"f{number:03}.txt": f"bad {number}\n" for number in range(100)}
    shop = git_repository(files | {"f050.txt": f"bad {word}\n"})
    look = looks(shop.job())["shop"]
    assert list(crashed(look)) == ["f050.txt"]
    assert found(look) == set(files) - {"f050.txt"}
    failures = [run for run in finder.runs if any(word in text for text in run)]
    assert len(failures) <= math.ceil(math.log2(100)) + 1
    # It is not remembered: the next look tries it again, and it alone.
    runs = len(finder.runs)
    looks(shop.job())
    assert finder.runs[runs:] == [[f"bad {word}\n"], []]


def test_neighbours_in_other_repositories_lose_nothing(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    hostile = git_repository({f"h{n}.txt": f"crash {n}\n" for n in range(20)}, "hostile")
    others = [
        git_repository({f"o{n}.txt": f"bad {name} {n}\n" for n in range(20)}, name)
        for name in ("one", "two")
    ]
    looked = looks(others[0].job(), hostile.job(), others[1].job())
    assert len(crashed(looked["hostile"])) == 20
    for name in ("one", "two"):
        assert crashed(looked[name]) == {}
        assert len(found(looked[name])) == 20


def test_a_batch_is_split_between_repositories_first(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    one = git_repository({f"o{n}.txt": f"bad {n}\n" for n in range(30)}, "one")
    hostile = git_repository({"h.txt": "crash\n"}, "hostile")
    looks(one.job(), hostile.job())
    failed = [len(run) for run in finder.runs if any("crash" in text for text in run)]
    assert len(failed) == 2
    assert failed[0] > failed[1] == 1


def test_a_repository_full_of_poison_is_given_up_after_a_while(
    looks: Any, finder: Any, git_repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_module, "_MOST_FAILURES", 5)
    files = {f"h{n:03}.txt": f"hang bad {n}\n" for n in range(64)}
    look = looks(git_repository(files).job())["shop"]
    assert set(crashed(look)) == set(files)
    assert any("files on which the tool fails" in text for text in crashed(look).values())
    # What was put aside when the patience ended is tried once more, as a whole.
    assert len([run for run in finder.runs if run]) <= 5 + 2 * 6


def test_what_hangs_gets_less_time_the_less_it_is(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    files = {f"f{number}.txt": f"{number}" + "x" * 100_000 for number in range(8)}
    looks(git_repository(files | {"f3.txt": "hang" + "x" * 100_000}).job())
    failures = [
        seconds
        for run, seconds in zip(finder.runs, finder.seconds, strict=True)
        if any("hang" in text for text in run)
    ]
    assert failures == sorted(failures, reverse=True)
    assert 45 < failures[-1] < failures[0] < 100


def test_no_process_gets_more_time_than_configured(
    looks: Any, finder: Any, context: Any, git_repository: Any
) -> None:
    within = context(None, limits={"tool_seconds": 7})
    looks(git_repository({"a.txt": "hang\n"}).job(), within=within)
    assert set(finder.seconds) == {7}


def test_a_tool_that_fails_on_its_canary_is_not_bisected(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    looks(git_repository({"z.txt": "z\n"}, "before").job())
    runs = len(finder.runs)
    finder.broken = "crash"
    shop = git_repository({f"f{n}.txt": f"bad {n}\n" for n in range(50)})
    outcome = looks(shop.job())["shop"].outcome
    assert isinstance(outcome, Failed)
    assert "ended by signal" in outcome.error
    assert len(finder.runs) - runs == 4  # two batches, and the canary after each


def test_files_that_needed_a_little_more_time_get_a_second_try(
    looks: Any, finder: Any, git_repository: Any
) -> None:
    shop = git_repository({"a.txt": "bad\n", "b.txt": "hasty bad\n", "c.txt": "hasty slow bad\n"})
    look = looks(shop.job())["shop"]
    assert list(crashed(look)) == ["c.txt"]
    assert found(look) == {"a.txt", "b.txt", "c.txt"}
    assert finder.scanned.count("bad\n") == 1
    runs = len(finder.runs)
    looks(shop.job())
    assert finder.runs[runs:] == [["hasty slow bad\n"]] * 2
