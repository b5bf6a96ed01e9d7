"""How often a registry is asked: listed once for all scanners of a shard, no version twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from compline.model import Completed, Failed
from compline.scanners.models.mlflow.runs import Runs

FIRST = datetime(2026, 1, 1, 2, tzinfo=UTC)
SCANNERS = ("modelaudit", "picklescan", "model-guard")
SEARCHES = ("registered-models/search", "model-versions/search")
RUNS = "runs/get"


class Cache(dict[str, bytes]):
    """The results cache's two methods."""

    def get_many(self, _scanner: str, _key: Any, names: Any) -> dict[str, bytes]:
        return {name: self[name] for name in names if name in self}

    def put_many(self, _scanner: str, _key: Any, values: dict[str, bytes]) -> None:
        self.update(values)


def asked(recorded: Any, part: str) -> int:
    return sum(part in each for each in recorded.seen)


def test_one_listing_serves_the_scanners_of_a_shard(recorded: Any, look: Any) -> None:
    shared: dict[str, Any] = {}
    outcomes = [look(scanner, shared=shared).outcome for scanner in SCANNERS]
    assert all(isinstance(each, Completed) for each in outcomes), outcomes
    assert [asked(recorded, each) for each in SEARCHES] == [1, 1]
    alone = [look(scanner).outcome for scanner in SCANNERS]
    assert alone == outcomes
    assert [asked(recorded, each) for each in SEARCHES] == [4, 4], "another night asks again"


def test_a_listing_that_failed_is_failed_for_each_of_them(recorded: Any, look: Any) -> None:
    recorded.says(SEARCHES[1], 403)
    shared: dict[str, Any] = {}
    outcomes = [look(scanner, shared=shared).outcome for scanner in SCANNERS]
    assert all(isinstance(each, Failed) and "403" in each.error for each in outcomes), outcomes
    assert asked(recorded, SEARCHES[1]) == 1


def test_gaps_of_the_listing_are_gaps_for_each_of_them(recorded: Any, look: Any) -> None:
    recorded.says("mlflow-artifacts/artifacts", 404)
    shared: dict[str, Any] = {}
    for scanner in SCANNERS:
        outcome = look(scanner, shared=shared).outcome
        assert isinstance(outcome, Completed)
        assert {"scoring/1/", "scoring/2/"} <= {gap.path for gap in outcome.gaps}


def test_where_files_lie_is_asked_only_of_references(recorded: Any, look: Any) -> None:
    look()
    assert asked(recorded, "get-download-uri") == 0
    recorded.lies_at("models:/m-1")
    look()
    assert asked(recorded, "get-download-uri") == 2


def test_a_version_that_the_gate_asks_about_is_seen_as_production_is(
    recorded: Any, look: Any
) -> None:
    for answer in recorded.answers.values():
        for version in answer.get("model_versions", ()):
            version["version"] = {"1": "1", "2": "0"}[version["version"]]
        answer.pop("aliases", None)
        for model in answer.get("registered_models", ()):
            model.pop("aliases", None)
    look()
    assert asked(recorded, RUNS) == 1, "the newest one's"
    look(about=("scoring", "0"))
    assert asked(recorded, RUNS) == 2, "its own; what the newest one's said is known"
    look(about=("scoring", "0"))
    assert asked(recorded, RUNS) == 3, "the gate is never answered from memory"


def test_each_run_is_asked_again_within_its_days() -> None:
    cache: Any = Cache()
    names = [f"run-{number}" for number in range(300)]
    asked_on: dict[str, list[int]] = {name: [] for name in names}
    for night in range(90):
        runs = Runs("mlflow", cache, FIRST + timedelta(days=night), 30)
        runs.look_up(names)
        for name in names:
            if runs.said(name) is None:
                asked_on[name].append(night)
                runs.learn(name, {"commit": "c"})
        runs.keep()
    for nights in asked_on.values():
        assert max(b - a for a, b in pairwise([*nights, 90])) <= 30
    by_night = Counter(night for nights in asked_on.values() for night in nights[1:])
    assert max(by_night.values()) <= 30, "three times an even share"
