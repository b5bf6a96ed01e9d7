"""The results cache: what goes in comes out, for the same key only, quickly."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest

from compline.model import ScanKey
from compline.store.cache import ResultCache
from compline.store.engine import Store

KEY = ScanKey("t", "1", "r", "o")


def test_what_goes_in_comes_out(store: Store) -> None:
    store.cache.put_many("bandit", KEY, {"a:.py:x": b"{}", "b:.py:x": b"", "c": b"\0\xff" * 999})
    assert store.cache.get_many("bandit", KEY, ["a:.py:x", "b:.py:x", "c", "d", "a:.py:x"]) == {
        "a:.py:x": b"{}",
        "b:.py:x": b"",
        "c": b"\0\xff" * 999,
    }


@pytest.mark.parametrize(
    ("scanner", "key"),
    [("semgrep", KEY), ("bandit", ScanKey("t", "1", "r2", "o")), ("bandit", ScanKey("t", "1"))],
)
def test_another_key_knows_nothing(store: Store, scanner: str, key: ScanKey) -> None:
    store.cache.put_many("bandit", KEY, {"a": b"1"})
    assert store.cache.get_many(scanner, key, ["a"]) == {}


def test_a_value_can_be_replaced(store: Store) -> None:
    store.cache.put_many("bandit", KEY, {"a": b"1"})
    store.cache.put_many("bandit", KEY, {"a": b"2", "b": b"3"})
    assert store.cache.get_many("bandit", KEY, ["a", "b"]) == {"a": b"2", "b": b"3"}


def test_contents_may_be_long(store: Store) -> None:
    """PostgreSQL's indexes take no more than 2,704 bytes, and paths may have a thousand letters."""
    letters = "".join(chr(0x1F300 + number * 7 % 700) for number in range(1_000))
    results = {f"a:{letters}:x": b"1", f"b:{letters}:x": b"2", f"a:{letters}:y": b"3"}
    store.cache.put_many("semgrep", KEY, results)
    assert store.cache.get_many("semgrep", KEY, [*results, f"b:{letters}:y"]) == results


def test_nothing_in_nothing_out(store: Store) -> None:
    store.cache.put_many("bandit", KEY, {})
    assert store.cache.get_many("bandit", KEY, []) == {}


def test_ten_thousand_lookups_at_once_cost_less_than_a_thousand_single_ones(store: Store) -> None:
    results = {f"{number:040x}:.py": b'{"observations":[]}' for number in range(10_000)}
    store.cache.put_many("bandit", KEY, results)
    started = time.process_time()
    assert store.cache.get_many("bandit", KEY, results) == results
    together = time.process_time() - started
    started = time.process_time()
    for content in list(results)[:100]:
        store.cache.get_many("bandit", KEY, [content])
    assert together < 10 * (time.process_time() - started)


def test_what_is_used_is_not_pruned(store: Store) -> None:
    today = [date(2025, 1, 1)]
    cache = ResultCache(store.reading, store.writing, today=lambda: today[0])
    cache.put_many("bandit", KEY, {"old": b"1", "used": b"2"})
    cache.put_many("semgrep", KEY, {"other": b"3"})
    today[0] = date(2025, 3, 1)
    assert cache.get_many("bandit", KEY, ["used"]) == {"used": b"2"}
    assert cache.prune(date(2025, 2, 1)) == 2
    assert cache.get_many("bandit", KEY, ["old", "used"]) == {"used": b"2"}
    assert cache.get_many("semgrep", KEY, ["other"]) == {}
    cache.put_many("semgrep", KEY, {"other": b"4"})
    assert cache.get_many("semgrep", KEY, ["other"]) == {"other": b"4"}
    assert cache.prune(date(2025, 3, 1)) == 0


def test_the_day_is_utc(store: Store) -> None:
    store.cache.put_many("bandit", KEY, {"a": b"1"})
    assert store.cache.prune(datetime.now(UTC).date()) == 0


def test_what_is_dropped_is_that_key_of_that_scanner(store: Store) -> None:
    other = ScanKey("t", "2", "r", "o")
    store.cache.put_many("bandit", KEY, {"a": b"1", "canary": b"found"})
    store.cache.put_many("bandit", other, {"a": b"2"})
    store.cache.put_many("semgrep", KEY, {"a": b"3"})
    assert store.cache.drop("bandit", KEY) == 2
    assert store.cache.drop("bandit", KEY) == 0
    assert store.cache.drop("trivy", KEY) == 0
    assert store.cache.get_many("bandit", KEY, ["a", "canary"]) == {}
    assert store.cache.get_many("bandit", other, ["a"]) == {"a": b"2"}
    assert store.cache.get_many("semgrep", KEY, ["a"]) == {"a": b"3"}
    store.cache.put_many("bandit", KEY, {"a": b"4"})
    assert store.cache.get_many("bandit", KEY, ["a"]) == {"a": b"4"}
