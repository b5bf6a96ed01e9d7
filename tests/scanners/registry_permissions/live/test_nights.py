"""Nights over a real MLflow: what was widened between two is told once, by a real delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compline.cli.scan import run_once
from compline.config.schema import Config
from compline.config.secrets import SecretResolver
from compline.model import RunResult
from compline.pipeline.replay import replay
from compline.pipeline.request import Request
from compline.pipeline.session import open_session
from compline.scanners import registry
from compline.store.check import check

pytestmark = pytest.mark.timeout(900)

POLICY = {
    "admins": ["admin"],
    "users": ["alice", "bob", "carol"],
    "grants": {
        "alice": {"fraud": "EDIT", "experiment/training": "EDIT"},
        "carol": {"fraud": "EDIT", "churn": "READ"},
    },
    "roles": {"science": {"*": "USE"}},
    "artifact_store": "local",
}

ROLES = "api/3.0/mlflow/roles"
CHANNEL = {"name": "hook", "url": "env:HOOK", "signing_key": "env:KEY"}

Night = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def carol(guarded: Any) -> Iterator[str]:
    """An account that may read two models."""
    guarded.create_user("carol")
    for model in ("fraud", "churn"):
        guarded.grant("carol", "registered_model", model, "READ")
    yield "carol"
    guarded.call("DELETE", "api/2.0/mlflow/users/delete", username="carol")


@pytest.fixture
def night(guarded: Any, receiver: Any, tmp_path: Path) -> Night:
    """One night; gives what the webhook was told in it."""
    config = Config.model_validate(
        {
            "organisation": "acme",
            "workspace": str(tmp_path / "work"),
            "advisories": {"osv": "bundled", "trivy_db": "bundled"},
            "targets": {
                "model_registries": [
                    {
                        "name": "models",
                        "kind": "mlflow",
                        "url": guarded.url,
                        "credential": "env:REGISTRY",
                        "policy": POLICY,
                    }
                ]
            },
            "alerts": {"console": False, "channels": [CHANNEL]},
            "scanners": {
                name: {"enabled": name == "registry-permissions"} for name in registry.names()
            },
        }
    )
    secrets = {
        "REGISTRY": "admin:a-password-for-tests",
        "HOOK": f"http://{receiver.address}/",
        "KEY": "of the test",
    }

    def run() -> list[dict[str, Any]]:
        receiver.got.clear()
        with open_session(config, SecretResolver(secrets), lambda _progress: None) as session:
            number, result = run_once(session, Request())
            assert result is not RunResult.INCOMPLETE
            assert [one.verdict for one in replay(session, number)] == ["same"]
            assert [one for one in check(session.store) if one.broken] == []
        return [got.json for got in receiver.got]

    return run


def told(alerts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Kind and title of everything in the alerts."""
    return [(entry["kind"], entry["title"]) for alert in alerts for entry in alert["entries"]]


def test_a_widened_permission_is_exactly_one_alert(guarded: Any, carol: str, night: Night) -> None:
    assert told(night()) == []  # the first look is the baseline, and only grave ones are told
    assert night() == []

    # Beyond the policy: a finding opens as well.
    guarded.regrant(carol, "registered_model", "churn", "EDIT")
    alerts = night()
    assert told(alerts) == [("permission-widened", "carol on model churn: from READ to EDIT")]
    assert "carol may EDIT" in alerts[0]["text"]

    assert night() == []


def test_so_is_one_that_the_policy_allows(guarded: Any, carol: str, night: Night) -> None:
    night()
    guarded.regrant(carol, "registered_model", "fraud", "EDIT")
    assert told(night()) == [("permission-widened", "carol on model fraud: from READ to EDIT")]
    assert night() == []


def test_and_each_further_step(guarded: Any, carol: str, night: Night) -> None:
    night()
    guarded.regrant(carol, "registered_model", "churn", "EDIT")
    night()
    guarded.regrant(carol, "registered_model", "churn", "MANAGE")
    assert told(night()) == [("permission-widened", "carol on model churn: from EDIT to MANAGE")]


def test_a_new_administrator(guarded: Any, carol: str, night: Night) -> None:
    night()
    guarded.call("PATCH", "api/2.0/mlflow/users/update-admin", username=carol, is_admin=True)
    assert told(night()) == [
        ("permission-widened", "carol in the registry: from account to administrator")
    ]


@pytest.fixture
def keepers(guarded: Any) -> Iterator[int]:
    """A role without holders that may delete every model; the policy does not have it."""
    made = guarded.call("POST", f"{ROLES}/create", name="keepers", workspace="default")
    number = made["role"]["id"]
    add_to(guarded, number, "registered_model", "MANAGE")
    yield number
    guarded.call("DELETE", f"{ROLES}/delete", role_id=number)


def add_to(guarded: Any, role: int, kind: str, permission: str) -> None:
    given = {"resource_type": kind, "resource_pattern": "*", "permission": permission}
    guarded.call("POST", f"{ROLES}/permissions/add", role_id=role, **given)


def test_a_role_is_one_alert_and_who_gets_it_another(
    guarded: Any, carol: str, keepers: int, night: Night
) -> None:
    night()
    add_to(guarded, keepers, "workspace", "MANAGE")
    assert told(night()) == [
        ("permission-widened", "the role keepers on workspace default: from nothing to MANAGE")
    ]

    guarded.call("POST", f"{ROLES}/assign", username=carol, role_id=keepers)
    ((kind, title),) = told(night())
    assert kind == "permission-widened"
    assert title.startswith("carol in the role keepers (MANAGE on every model, MANAGE on workspace")
    assert title.endswith("from nothing to member")
    assert night() == []


def test_who_becomes_an_administrator_is_well_again_in_nothing(
    guarded: Any, carol: str, night: Night
) -> None:
    guarded.regrant(carol, "registered_model", "churn", "EDIT")
    night()
    guarded.call("PATCH", "api/2.0/mlflow/users/update-admin", username=carol, is_admin=True)
    alerts = night()
    assert len(alerts) == 1
    assert "carol is an administrator beyond the policy" in alerts[0]["text"]


def test_a_model_that_somebody_registers_is_no_widening(
    guarded: Any, carol: str, night: Night
) -> None:
    """MLflow grants MANAGE to whoever makes one; that the policy does not say so is a finding."""
    night()
    guarded.call_as(carol, "POST", "api/2.0/mlflow/registered-models/create", name="carols")
    try:
        ((kind, title),) = told(night())
    finally:
        guarded.call("DELETE", "api/2.0/mlflow/registered-models/delete", name="carols")
    assert kind == "new"
    assert title.startswith("carol may MANAGE")


def test_a_denial_that_is_taken_back_is_a_widening(guarded: Any, carol: str, night: Night) -> None:
    """Nobody grants anything, and yet she may read it: by the server's default."""
    guarded.regrant(carol, "registered_model", "churn", "DENY")
    night()
    guarded.revoke(carol, "registered_model", "churn")
    assert [entry for entry in told(night()) if entry[0] == "permission-widened"] == [
        (
            "permission-widened",
            "carol on model churn: from DENY to READ, which nothing denies any more",
        )
    ]
    assert night() == []
