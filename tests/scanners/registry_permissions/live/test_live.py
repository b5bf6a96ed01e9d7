"""Against real MLflow servers: a good arrangement is clean, each bad one is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from compline.evidence.locker import Locker
from compline.model import Completed, Failed, GapReason, Look, Severity

# The first of them installs MLflow where it is not there yet, and waits for two servers.
pytestmark = pytest.mark.timeout(900)

GOOD = {
    "admins": ["admin"],
    "users": ["alice", "bob"],
    "default_permission": "READ",
    "grants": {"alice": {"fraud": "EDIT", "experiment/training": "EDIT"}},
    "roles": {"science": {"*": "USE"}},
    "artifact_store": "local",
}

PEOPLE = ("user/", "grant/", "role/", "member/", "default-permission")
LEANING = ("admins", "admin/", "activity/", "production/", "lifted-permission")
"""What is judged by them."""


def found(look: Look) -> dict[tuple[str, str], Severity]:
    assert isinstance(look.outcome, Completed), look.outcome
    return {(o.rule, o.subject): o.severity for o in look.outcome.observations}


@pytest.fixture
def mallory(guarded: Any) -> Iterator[str]:
    """An account that no policy knows; removed afterwards."""
    guarded.create_user("mallory")
    yield "mallory"
    guarded.call("DELETE", "api/2.0/mlflow/users/delete", username="mallory")


def test_a_registry_in_order_is_clean_and_wholly_seen(guarded: Any, look_at: Any) -> None:
    look = look_at(guarded.url, GOOD)

    assert isinstance(look.outcome, Completed)
    assert (look.outcome.observations, look.outcome.gaps) == ((), ())
    assert look.revision == "2026-01-01T00:00:00+00:00"
    assert look.scan_key is not None
    assert look.fresh


def test_only_reading_calls_are_sent(guarded: Any, look_at: Any) -> None:
    before = len(guarded.requests())

    look_at(guarded.url, GOOD)

    sent = guarded.requests()[before:]
    assert len(sent) == 11
    assert {request.split()[0] for request in sent} == {"GET"}


def test_every_page_is_read(
    guarded: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch, scene: Any
) -> None:
    monkeypatch.setattr("compline.scanners.registries.paging.PAGE", 1)

    look = look_at(guarded.url, GOOD)

    facts = json.loads(Locker(scene.home / "evidence").get(look.evidence[0]))["facts"]
    assert [one["name"] for one in facts["models"]] == ["churn", "fraud"]
    assert {one["id"]: one["name"] for one in facts["experiments"]} == {
        "0": "Default",
        "1": "training",
    }
    assert facts["calls"] == 13


def test_a_server_without_basic_auth_is_open_to_anyone(unguarded: Any, look_at: Any) -> None:
    look = look_at(unguarded.url, GOOD)

    assert found(look) == {
        ("anonymous-access", "endpoint/api/2.0/mlflow/registered-models/search"): Severity.CRITICAL,
        ("anonymous-access", "endpoint/api/2.0/mlflow/experiments/search"): Severity.CRITICAL,
        ("registry-without-tls", "server"): Severity.LOW,
    }
    assert [(gap.reason, gap.path) for gap in look.outcome.gaps] == [
        (GapReason.UNSUPPORTED, place) for place in (*PEOPLE, *LEANING)
    ]


def test_plain_http_on_loopback_can_be_declared_right(unguarded: Any, look_at: Any) -> None:
    look = look_at(unguarded.url, {**GOOD, "allow_loopback_http": True})

    assert ("registry-without-tls", "server") not in found(look)


def test_a_default_permission_beyond_the_policy(guarded: Any, look_at: Any) -> None:
    look = look_at(guarded.url, {**GOOD, "default_permission": "NO_PERMISSIONS"})

    assert found(look) == {("default-permission-too-wide", "default-permission"): Severity.HIGH}


def test_an_undeclared_account(guarded: Any, look_at: Any, mallory: str) -> None:
    assert found(look_at(guarded.url, GOOD)) == {
        ("undeclared-user", "user/mallory"): Severity.MEDIUM
    }


def test_an_undeclared_administrator(guarded: Any, look_at: Any, mallory: str) -> None:
    guarded.call("PATCH", "api/2.0/mlflow/users/update-admin", username=mallory, is_admin=True)

    assert found(look_at(guarded.url, GOOD)) == {
        ("undeclared-admin", "user/mallory"): Severity.HIGH
    }


def test_grants_beyond_the_policy(guarded: Any, look_at: Any, mallory: str) -> None:
    guarded.grant(mallory, "registered_model", "fraud", "MANAGE")
    guarded.grant(mallory, "registered_model", "churn", "USE")
    guarded.grant(mallory, "experiment", "1", "EDIT")
    policy = {**GOOD, "users": ["alice", "bob", "mallory"]}

    look = look_at(guarded.url, policy)

    assert found(look) == {
        ("grant-beyond-policy", "grant/mallory/experiment/1"): Severity.HIGH,
        ("grant-beyond-policy", "grant/mallory/registered_model/churn"): Severity.MEDIUM,
        ("grant-beyond-policy", "grant/mallory/registered_model/fraud"): Severity.HIGH,
    }
    titles = [observation.title for observation in look.outcome.observations]
    assert titles[0] == "mallory may EDIT experiment 1 (training); the policy says READ"


def test_a_role_beyond_the_policy_names_its_holder(guarded: Any, look_at: Any) -> None:
    look = look_at(guarded.url, {**GOOD, "roles": {}})

    (observation,) = look.outcome.observations
    assert observation.subject == "role/science/registered_model/*"
    assert dict(observation.details)["held by"] == "bob"


def test_what_is_declared_but_missing_is_told(guarded: Any, look_at: Any) -> None:
    policy = {
        **GOOD,
        "admins": ["admin", "alice"],
        "users": ["alice", "bob", "carol"],
        "grants": {**GOOD["grants"], "bob": {"fraud": "MANAGE"}},  # type: ignore[dict-item]
    }

    assert found(look_at(guarded.url, policy)) == {
        ("declared-but-missing", "admin/alice"): Severity.INFO,
        ("declared-but-missing", "user/carol"): Severity.INFO,
        ("declared-but-missing", "grant/bob/registered_model/fraud"): Severity.INFO,
    }


def test_without_a_policy_it_says_that_nobody_checks(guarded: Any, look_at: Any) -> None:
    assert found(look_at(guarded.url)) == {
        ("access-policy-undeclared", "policy/admins"): Severity.LOW,
        ("access-policy-undeclared", "policy/users"): Severity.LOW,
        ("access-policy-undeclared", "policy/grants"): Severity.LOW,
    }


def test_an_ordinary_account_leaves_gaps(guarded: Any, look_at: Any) -> None:
    """MLflow answers it 200, with everybody else's roles left out."""
    look = look_at(guarded.url, GOOD, credential="alice:a-password-for-tests-alice")

    assert found(look) == {}
    assert [(gap.reason, gap.path) for gap in look.outcome.gaps] == [
        *((GapReason.FORBIDDEN, place) for place in ("grant/", "role/", "member/")),
        (GapReason.UNSUPPORTED, "default-permission"),
        (GapReason.FORBIDDEN, "webhook/"),
        (GapReason.FORBIDDEN, "production/"),
        (GapReason.UNSUPPORTED, "lifted-permission"),
    ]


def test_without_a_credential_only_the_door_is_tried(guarded: Any, look_at: Any) -> None:
    look = look_at(guarded.url, GOOD, credential=None)

    assert found(look) == {}
    contents = ("webhook/", "registered_model/", "experiment/")
    behind = (*LEANING, "policy/movers", "artifacts/")
    assert [gap.path for gap in look.outcome.gaps] == [*PEOPLE, *contents, *behind, "server"]


def test_a_refused_credential_is_failed_and_not_repeated(guarded: Any, look_at: Any) -> None:
    look = look_at(guarded.url, GOOD, credential="admin:wrong-and-secret")

    assert isinstance(look.outcome, Failed)
    assert "does not accept the configured credential" in look.outcome.error
    assert "wrong-and-secret" not in repr(look)


def test_a_certificate_that_is_not_trusted_is_failed(
    guarded: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    look = look_at(guarded.url, GOOD)

    assert isinstance(look.outcome, Failed)
    assert "CERTIFICATE_VERIFY_FAILED" in look.outcome.error
