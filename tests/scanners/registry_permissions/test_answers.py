"""The parser against the recorded answers of a real server, whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compline.scanners.registries import answers
from compline.scanners.registries.facts import CannotAsk, Grant, User

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
    assert answers.grants(recorded["api/2.0/mlflow/users/list"]) == (
        Grant("admin", "registered_model", "fraud", "MANAGE"),
        Grant("admin", "registered_model", "churn", "MANAGE"),
        Grant("admin", "experiment", "1", "MANAGE"),
        Grant("alice", "registered_model", "fraud", "EDIT"),
        Grant("alice", "experiment", "1", "EDIT"),
        Grant("bob", "registered_model", "*", "USE", role="science"),
    )


def test_searches_and_the_default_permission(recorded: Any) -> None:
    assert answers.models(recorded["api/2.0/mlflow/registered-models/search"]) == (
        ("churn", "fraud"),
        "",
    )
    assert answers.experiments(recorded["api/2.0/mlflow/experiments/search"]) == (
        {"1": "training", "0": "Default"},
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
    (grant,) = answers.grants({"users": [{"id": 8, "username": "a", "roles": [role]}]}) or ()

    assert grant == Grant("a", "prompt", "*", "READ", workspace="lab", role="__user_7__")
    assert grant.resource == "lab:prompt/*"
