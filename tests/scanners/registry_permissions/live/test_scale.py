"""A crowded MLflow in a bounded number of calls; at full size it is `make prove`'s `registry`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from mlflow_server import Crowd, empty, fill

from compline.evidence.locker import Locker
from compline.model import Completed

pytestmark = pytest.mark.timeout(900)

CROWD = Crowd(models=2_500, users=200, grants=5, roles=3, role_grants=40)


@pytest.fixture
def crowded(guarded: Any) -> Iterator[Any]:
    """The server with many users and models in it."""
    fill(guarded.log.parent, "guarded", CROWD)
    yield guarded
    empty(guarded.log.parent, "guarded")


def test_calls_do_not_grow_with_users_and_facts_not_with_models(
    crowded: Any, look_at: Any, scene: Any
) -> None:
    look = look_at(crowded.url, {"artifact_store": "local"}, seconds=120)

    assert isinstance(look.outcome, Completed), look.outcome
    assert look.outcome.gaps == ()
    facts = json.loads(Locker(scene.home / "evidence").get(look.evidence[0]))["facts"]
    assert (len(facts["models"]), len(facts["users"])) == (2_502, 203)
    assert facts["calls"] == 13  # two more pages of models than an empty server has
    told = [fact for fact in look.outcome.facts if "crowd-" in fact.subject]
    # Each user, its grants, its roles; and each role's grants once.
    assert len(told) == 200 * (1 + 5 + 3) + 3 * 40
    assert look.seconds < 30
