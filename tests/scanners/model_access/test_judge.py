"""False alarms of people who go on as before, and that order and cuts make no difference."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compline.scanners.access import memory as kept
from compline.scanners.access.download import Download
from compline.scanners.access.habits import Habits
from compline.scanners.access.judge import Rules, judge
from compline.scanners.access.memory import Memory

START = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules(14, 90, 4.0, 0, 0, 0, 10, ())


def at(day: int, hour: int, who: str = "ann", model: str = "fraud", size: int = 1000) -> Download:
    moment = START + timedelta(days=day, hours=hour)
    return Download(moment, who, "192.0.2.0/24", model, "1", size)


def habits_of(downloads: list[Download]) -> Habits:
    habits = Habits()
    for download in downloads:
        habits.day(download.at.date())
        habits.add(download)
    return habits


some = st.builds(
    at,
    st.integers(0, 40),
    st.integers(0, 23),
    st.sampled_from(["ann", "bob", "anonymous"]),
    st.sampled_from(["fraud", "churn"]),
    st.integers(0, 1 << 40),
)


@given(st.lists(some, max_size=40), st.randoms(use_true_random=False), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_order_and_cuts_make_no_difference(
    downloads: list[Download], lot: random.Random, cut: int
) -> None:
    whole = habits_of(downloads)
    lot.shuffle(downloads)
    parts = habits_of(downloads[:cut])
    parts.merge(habits_of(downloads[cut:]))
    assert parts == whole
    memory = Memory("x", whole)
    memory.note(judge(whole, {(pair, day) for pair, day, _ in whole.cells()}, RULES))
    again, usable = kept.from_bytes(kept.to_bytes(memory), "x")
    assert usable
    assert (again.habits, again.events) == (memory.habits, memory.events)
    assert kept.to_bytes(again) == kept.to_bytes(memory)


@pytest.mark.parametrize("spread", [0.3, 0.6, 1.0])
def test_false_alarms_of_a_stationary_habit(spread: float) -> None:
    """Eighty people, four months: sizes log-normal, hours normal around one's own."""
    lot = random.Random(7)
    downloads, active = [], 0
    for number in range(80):
        hour = lot.randrange(24)
        for day in range(120):
            if lot.random() < 0.5:
                active += 1
                for _ in range(lot.randint(1, 3)):
                    near = round(lot.gauss(hour, 1)) % 24
                    size = int(1000 * lot.lognormvariate(0, spread))
                    downloads.append(at(day, near, f"p{number}", size=size))
    habits = habits_of(downloads)
    events = judge(habits, {(pair, day) for pair, day, _ in habits.cells()}, RULES)
    by_rule = {rule: sum(event.rule == rule for event in events) for rule in (
        "new-principal", "volume-beyond-habit", "unusual-hour", "many-models"
    )}  # fmt: skip
    assert by_rule["many-models"] == 0
    # (1 - 1/2)^14 for each pair.
    assert by_rule["new-principal"] <= 1
    assert by_rule["volume-beyond-habit"] <= 0.01 * active, by_rule
    assert by_rule["unusual-hour"] <= 0.01 * active, by_rule


@given(st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True), st.integers(1, 1 << 30))
@settings(max_examples=30, deadline=None)
def test_who_repeats_itself_exactly_is_never_told(hours: list[int], size: int) -> None:
    habits = habits_of([at(day, hour, size=size) for day in range(60) for hour in hours])
    assert judge(habits, {(pair, day) for pair, day, _ in habits.cells()}, RULES) == []


def test_who_has_no_habit_is_not_judged_by_its_hours() -> None:
    days = [at(day, day * 7 % 24) for day in range(22)]
    habits = habits_of([*days, at(30, 12)])
    assert judge(habits, [(("ann", "fraud"), date(2026, 1, 31))], RULES) == []


def test_a_new_model_is_learnt_but_not_for_strangers() -> None:
    old = [at(day, 9, who) for day in range(20) for who in ("ann", "bob")]
    new = [at(20, 9, "ann", "new"), at(21, 9, "bob", "new"), at(21, 9, "eve", "new")]
    habits = habits_of(old + new)
    events = judge(habits, {(pair, day) for pair, day, _ in habits.cells()}, RULES)
    assert [(event.principal, event.grave) for event in events] == [("eve", True)]


def test_floors() -> None:
    habits = habits_of([*(at(day, 9, size=10) for day in range(20)), at(20, 9, size=1 << 20)])
    touched = [(("ann", "fraud"), date(2026, 1, 21))]
    assert [event.rule for event in judge(habits, touched, RULES)] == ["volume-beyond-habit"]
    assert judge(habits, touched, replace(RULES, floor_bytes=1 << 20)) == []
