"""Pages, counts and totals against the plain truth, over a store in which everything occurs."""

from __future__ import annotations

import importlib.util
import random
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select

from compline.model import FindingKind, Severity, State
from compline.store.check import check
from compline.store.engine import Store, StoreError
from compline.store.findings import (
    Condition,
    FindingFilter,
    count_findings,
    count_matching,
    list_findings,
    total_findings,
)
from compline.store.listing import _FEW, _STREAMS, Counted, count
from compline.store.schema import findings, heads, witnesses


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "million.py"
    spec = importlib.util.spec_from_file_location("million", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look for their module there.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "million", module)
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def full(store: Store, generator: ModuleType) -> Store:
    """Two thousand findings in ninety targets, made as the benchmark makes a million."""
    generator.fill(store, generator.Size(1_700, 300, 40, 9_000, 90))
    return store


class Truth:
    """All rows, filtered and ordered by Python."""

    def __init__(self, store: Store, since: Any) -> None:
        with store.reading() as connection:
            self.rows = connection.execute(
                select(findings).where(findings.c.merged_into.is_(None))
            ).all()
            looked = {
                (row.target_id, row.scanner): row.completed_at
                for row in connection.execute(select(heads))
            }
            last: dict[str, list[Any]] = defaultdict(list)
            for row in connection.execute(select(witnesses)):
                if row.state != "gone":
                    seen = row.state == "seen"
                    last[row.finding_id].append(
                        looked[row.target_id, row.scanner] if seen else row.last_seen
                    )
        self.stale = {name for name, times in last.items() if max(times) < since}

    def of(self, which: FindingFilter) -> list[str]:
        chosen = [row for row in self.rows if self._fits(row, which)]
        chosen.sort(key=lambda row: (-row.risk, row.first_seen, row.id))
        return [row.id for row in chosen]

    def _fits(self, row: Any, which: FindingFilter) -> bool:
        severity = Severity(row.severity)
        return (
            (not which.states or row.state in which.states)
            and (not which.severities or severity in which.severities)
            and (which.at_least is None or severity.reaches(which.at_least))
            and (not which.targets or f"target-{row.target_id}" in which.targets)
            and (not which.scanners or bool({*row.scanners.split()} & {*which.scanners}))
            and (not which.kinds or row.kind in which.kinds)
            and (which.since_run is None or row.opened_run >= which.since_run)
            and (not which.ids or row.id in which.ids)
            and (not which.conditions or any(self._is(row, c, which) for c in which.conditions))
            and not any(self._is(row, c, which) for c in which.without)
        )

    def _is(self, row: Any, condition: Condition, which: FindingFilter) -> bool:
        if condition is Condition.WAIVED:
            return row.waived_until is not None and row.waived_until > which.now
        if condition is Condition.STALE:
            return row.id in self.stale
        if condition is Condition.OVERDUE:
            waived = self._is(row, Condition.WAIVED, which)
            late = row.due_at is not None and row.due_at <= which.now
            return row.state == "open" and late and not waived
        return bool(row.sight == condition)


def filters(dice: random.Random, generator: ModuleType, ids: list[str]) -> Any:
    def some(values: Any, most: int) -> Any:
        return tuple(dice.sample(list(values), dice.randint(1, most)))

    possible: dict[str, Any] = {
        "states": lambda: some(State, 2),
        "severities": lambda: some(Severity, 3),
        "at_least": lambda: dice.choice(list(Severity)),
        "targets": lambda: tuple(
            f"target-{n}" for n in dice.sample(range(1, 92), dice.choice((1, 2, 60)))
        ),
        "scanners": lambda: some(generator._SCANNERS, 2),
        "kinds": lambda: some(FindingKind, 2),
        "conditions": lambda: some(Condition, dice.choice((1, 1, 2))),
        "without": lambda: some(Condition, 1),
        "since_run": lambda: dice.choice((1, 30, 55, 60)),
        "ids": lambda: tuple(dice.sample(ids, 5)),
    }
    names = dice.sample(sorted(possible), dice.choice((0, 1, 1, 2, 3)))
    return FindingFilter(
        **{name: possible[name]() for name in names},
        now=generator.T0 + timedelta(days=200),
        stale_since=generator.T0 + timedelta(days=40),
    )


def test_what_the_generator_makes_holds(full: Store) -> None:
    assert [one for one in check(full) if one.broken] == []


@pytest.mark.parametrize(("few", "streams"), [(_FEW, _STREAMS), (50, 3)])
def test_every_page_and_count_is_the_truth(
    full: Store, generator: ModuleType, monkeypatch: pytest.MonkeyPatch, few: int, streams: int
) -> None:
    """With the real limits, and with such that every way of finding a page is taken."""
    monkeypatch.setattr("compline.store.listing._FEW", few)
    monkeypatch.setattr("compline.store.listing._STREAMS", streams)
    truth = Truth(full, generator.T0 + timedelta(days=40))
    dice = random.Random(20250601 + few)
    sizes = set()
    for _ in range(40):
        which = filters(dice, generator, [row.id for row in truth.rows])
        expected = truth.of(which)
        start = dice.randint(0, max(len(expected) - 1, 0))
        for begin in (0, start):
            after = expected[begin - 1] if begin else None
            found = list_findings(full, which, limit=25, after=after)
            assert [one.id for one in found] == expected[begin : begin + 25], which
        assert count_matching(full, which) == Counted(len(expected)), which
        assert sum(count_findings(full, which).values()) == len(expected), which
        sizes.add(len(expected))
    assert len(sizes) > 10
    assert [one.id for one in list_findings(full)] == truth.of(FindingFilter())


def test_totals(full: Store, generator: ModuleType) -> None:
    truth = Truth(full, generator.T0)
    expected = Counter((State(row.state), Severity(row.severity)) for row in truth.rows)
    assert total_findings(full) == dict(expected)


def test_beyond_the_limit_it_is_not_counted_on(full: Store, generator: ModuleType) -> None:
    everything = FindingFilter()
    recent = FindingFilter(since_run=2)
    with full.reading() as connection:
        for which in (everything, recent):
            exact = count(connection, which, 5_000)
            assert not exact.more
            assert count(connection, which, exact.number) == exact
            assert count(connection, which, exact.number - 1) == Counted(
                exact.number - 1, more=True
            )
            assert str(count(connection, which, 1_000)) == "1,000+"
    assert str(Counted(9_999)) == "9,999"


def test_a_cursor_that_is_gone(full: Store) -> None:
    with pytest.raises(StoreError, match="there is no finding 'CMP-0'"):
        list_findings(full, after="CMP-0")


def test_what_depends_on_the_time_asks_for_it() -> None:
    for condition in (Condition.WAIVED, Condition.STALE):
        with pytest.raises(ValueError, match=condition.value):
            FindingFilter(conditions=(condition,))
