"""The parser against the recorded answers of a real server, whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compline.scanners.registries import answers
from compline.scanners.registries.facts import (
    CannotAsk,
    Experiment,
    Grant,
    Member,
    Model,
    User,
    Webhook,
)

GOLDEN = Path(__file__).parent / "golden" / "mlflow-3.17.2.json"


@pytest.fixture(scope="module")
def recorded() -> Any:
    return json.loads(GOLDEN.read_text())


def test_users_and_ourselves(recorded: Any) -> None:
    assert answers.users(recorded["api/2.0/mlflow/users/list"]) == (
        User("admin", True),
        User("alice", False),
        User("bob", False),
    )
    assert answers.caller(recorded["api/2.0/mlflow/users/current"]) == User("admin", True)


def test_grants_of_ones_own_and_through_roles(recorded: Any) -> None:
    held = answers.grants(recorded["api/2.0/mlflow/users/list"])
    assert held is not None
    assert held[1] == (Member("bob", "science"),)
    assert held[0] == (
        Grant("admin", "registered_model", "fraud", "MANAGE"),
        Grant("admin", "registered_model", "churn", "MANAGE"),
        Grant("admin", "experiment", "1", "MANAGE"),
        Grant("alice", "registered_model", "fraud", "EDIT"),
        Grant("alice", "experiment", "1", "EDIT"),
        Grant("bob", "registered_model", "*", "USE", role="science"),
    )


def test_searches_and_the_default_permission(recorded: Any) -> None:
    assert answers.models(recorded["api/2.0/mlflow/registered-models/search"]) == (
        (Model("churn", 1795414409628), Model("fraud", 1795414408899)),
        "",
    )
    assert answers.experiments(recorded["api/2.0/mlflow/experiments/search"]) == (
        (
            Experiment("1", "training", 1795414410544, "mlflow-artifacts:"),
            Experiment("0", "Default", 1795414396578, "mlflow-artifacts:"),
        ),
        "",
    )
    assert answers.permission(recorded["api/3.0/mlflow/users/permissions/get"]) == "READ"


def test_an_empty_page_is_an_object_without_the_key() -> None:
    assert answers.models({}) == ((), "")
    assert answers.models({"next_page_token": "x"}) == ((), "x")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"error_code": "INTERNAL_ERROR"},
        {"registered_models": None},
        {"registered_models": [{}]},
        {"registered_models": [{"name": ""}]},
        {"registered_models": [{"name": 5}]},
        {"registered_models": [], "next_page_token": 5},
    ],
)
def test_another_shape_is_refused(answer: Any) -> None:
    with pytest.raises(CannotAsk, match="registered-models/search"):
        answers.models(answer)


@pytest.mark.parametrize(
    "user",
    [
        {},
        {"username": "a"},
        {"username": "a", "is_admin": "yes"},
        {"username": "", "is_admin": True},
        "a",
    ],
)
def test_users_of_another_shape_are_refused(user: Any) -> None:
    with pytest.raises(CannotAsk, match="users/list"):
        answers.users({"users": [user]})


def test_a_role_of_another_shape_is_refused() -> None:
    user = {"username": "a", "is_admin": False, "roles": [{"name": "r", "permissions": [{}]}]}
    with pytest.raises(CannotAsk, match="resource_type"):
        answers.grants({"users": [user]})


def test_a_role_named_like_anothers_hidden_one_is_not_ones_own() -> None:
    permission = {"resource_type": "prompt", "resource_pattern": "*", "permission": "READ"}
    role = {"name": "__user_7__", "workspace": "lab", "permissions": [permission]}
    held = answers.grants({"users": [{"id": 8, "username": "a", "roles": [role]}]})
    assert held is not None
    (grant,) = held[0]

    assert grant == Grant("a", "prompt", "*", "READ", workspace="lab", role="__user_7__")
    assert grant.resource == "lab:prompt/*"


def test_roles_are_told_by_themselves_and_hidden_ones_left_out() -> None:
    permission = {"resource_type": "prompt", "resource_pattern": "*", "permission": "READ"}
    named = {"name": "science", "workspace": "lab", "permissions": [permission]}
    assert answers.roles({"roles": [named, {**named, "name": "__user_3__"}]}) == (
        Grant("", "prompt", "*", "READ", workspace="lab", role="science"),
    )


def test_aliases_stages_and_webhooks() -> None:
    model = {
        "name": "fraud",
        "aliases": [{"alias": "champion", "version": "3"}],
        "latest_versions": [{"version": "2", "current_stage": "Production"}],
    }
    ((found,), _) = answers.models({"registered_models": [model]})
    assert found == Model("fraud", 0, ("champion",), ("Production",))
    hook = {
        "name": "chat",
        "url": "http://user:secret@Hooks.Example.org/services/secret",
        "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
    }
    assert answers.webhooks({"webhooks": [hook]}) == (
        (Webhook("chat", "hooks.example.org", False, ("MODEL_VERSION CREATED",)),),
        "",
    )


@pytest.mark.parametrize(
    ("location", "root"),
    [
        ("s3://models/team/ann", "s3://models"),
        ("mlflow-artifacts:/1", "mlflow-artifacts:"),
        ("/srv/mlruns/1", "file:"),
        ("file:///srv/mlruns", "file:"),
        ("wasbs://box@account.blob.core.windows.net/x", "wasbs://account.blob.core.windows.net"),
        (None, ""),
    ],
)
def test_of_a_location_scheme_and_bucket_are_kept(location: str | None, root: str) -> None:
    entry = {"experiment_id": "1", "name": "x", "artifact_location": location}
    ((found,), _) = answers.experiments({"experiments": [entry]})
    assert found.artifacts == root
