"""Shards: everything in exactly one, none too large, about equal."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from compline.model import Target, TargetKind
from compline.pipeline.work import Work, from_payload, into_shards, to_payload

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def work(number: int, scanners: int) -> Work:
    target = Target(TargetKind.REPOSITORY, f"t{number}", "file:///x", labels={"a": "b"})
    return Work(target, NOW, "c" * 40, "refs/heads/main", tuple(f"s{i}" for i in range(scanners)))


def test_a_payload_is_plain_and_comes_back() -> None:
    items = (work(1, 2), work(2, 0))
    assert from_payload(to_payload(items)) == items


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.integers(1, 5), max_size=60), st.integers(1, 20))
def test_everything_is_in_exactly_one_shard(loads: list[int], most: int) -> None:
    items = [work(number, load) for number, load in enumerate(loads)]
    shards = into_shards(items, most)
    assert sorted(i.target.name for shard in shards for i in shard) == sorted(
        i.target.name for i in items
    )
    assert all(0 < len(shard) <= most for shard in shards)
    assert len(shards) == -(-len(items) // most)
