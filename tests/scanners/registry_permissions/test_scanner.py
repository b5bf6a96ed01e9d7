"""The scanner's own ways: its policy, its canary, its crashes, and what it makes of odd answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Failed, Gap, GapReason
from compline.scanners.registries import canary, mlflow
from compline.scanners.registries.rules import RULES

POLICY = {
    "admins": ["admin"],
    "users": ["alice", "bob"],
    "grants": {"alice": {"fraud": "EDIT", "experiment/training": "EDIT"}},
    "roles": {"science": {"*": "USE"}},
    "artifact_store": "local",
    "allow_loopback_http": True,
}


def error_of(look: Any) -> str:
    assert isinstance(look.outcome, Failed), look.outcome
    return look.outcome.error


def gaps_of(look: Any) -> tuple[Gap, ...]:
    assert isinstance(look.outcome, Completed), look.outcome
    return look.outcome.gaps


def test_an_unknown_policy_key_is_refused(stub: Any, look_at: Any) -> None:
    assert "did you mean 'admins'?" in error_of(look_at(stub.url, {"admin": []}))
    assert stub.seen == []


def test_grants_on_what_is_gone_do_not_tell_what_they_are_lifted_to(
    stub: Any, look_at: Any
) -> None:
    stub.says(mlflow.SERVER_INFO, {"workspaces_enabled": True})
    stub.says(mlflow.PERMISSION, {"permission": "NO_PERMISSIONS", "allowed": False})
    stub.says(mlflow.WORKSPACES, {"workspaces": [{"name": "default"}, {"name": "lab"}]})

    look = look_at(stub.url, POLICY)

    assert {(gap.path, gap.reason) for gap in gaps_of(look)} == {
        ("lifted-permission", GapReason.UNSUPPORTED),
        ("production/", GapReason.UNSUPPORTED),
    }
    searches = [path for _, path, known in stub.seen if known and mlflow.MODELS in path]
    assert len(searches) == 2  # one for each workspace


def test_workspaces_that_are_not_told_are_a_gap(stub: Any, look_at: Any) -> None:
    stub.says(mlflow.SERVER_INFO, {"workspaces_enabled": True})
    stub.says(mlflow.WORKSPACES, {}, 403)

    assert ("workspace/", GapReason.FORBIDDEN) in {
        (gap.path, gap.reason) for gap in gaps_of(look_at(stub.url, POLICY))
    }


@pytest.mark.parametrize(
    ("store", "place", "detail"),
    [
        (None, "", "where the server keeps artifacts is not declared (policy: artifact_store)"),
        ("s3://models", "", "no artifact_credential to ask s3://models with"),
        ("gs://models/m", "models/", "who reaches gs://models/m is not asked here"),
    ],
)
def test_artifacts_that_nobody_can_ask_about_are_a_gap(
    stub: Any, look_at: Any, store: str | None, place: str, detail: str
) -> None:
    (gap,) = gaps_of(look_at(stub.url, {**POLICY, "artifact_store": store}))
    assert gap.path == f"artifacts/{place}"
    assert gap.detail.startswith(detail)


def test_a_store_that_clients_reach_directly_and_is_no_s3_is_a_gap(stub: Any, look_at: Any) -> None:
    told = {
        "experiments": [{"experiment_id": "1", "name": "training", "artifact_location": "gs://m/1"}]
    }
    stub.says(mlflow.EXPERIMENTS, told)
    look = look_at(stub.url, {**POLICY, "artifact_store": None})
    assert [gap.path for gap in gaps_of(look)] == ["artifacts/m/"]
    assert [one.subject for one in look.outcome.observations] == ["artifacts/gs://m"]


def test_users_without_roles_are_a_gap(stub: Any, look_at: Any) -> None:
    """Before 3.17 the list does not tell roles; that is not the same as nobody having any."""
    users = [{"id": 1, "username": "admin", "is_admin": True}]
    users += [{"id": 2, "username": name, "is_admin": False} for name in ("alice", "bob")]
    stub.says(mlflow.USERS, {"users": users})

    look = look_at(stub.url, POLICY)

    detail = "users/list has no roles before MLflow 3.17"
    assert look.outcome.observations == ()
    assert gaps_of(look) == tuple(
        Gap(GapReason.UNSUPPORTED, place, detail)
        for place in ("grant/", "role/", "member/", "production/")
    )


def test_the_canary_is_asked_once_and_must_be_found(
    stub: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RULES, "a-rule-that-finds-nothing", RULES["undeclared-user"])

    assert "a-rule-that-finds-nothing" in error_of(look_at(stub.url, POLICY))


def test_an_unforeseen_crash_does_not_repeat_its_text(
    stub: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(canary, "prove", crash)

    error = error_of(look_at(stub.url, POLICY))

    assert "RuntimeError at test_scanner.py" in error
    assert "a secret" not in error


def test_names_in_a_hostile_registry_stay_in_one_line(stub: Any, look_at: Any) -> None:
    users = [{"id": 1, "username": "admin", "is_admin": True, "roles": []}]
    users += [{"id": 9, "username": "x\n\x1b[31m", "is_admin": True, "roles": []}]
    stub.says(mlflow.USERS, {"users": users})

    look = look_at(stub.url, {"admins": ["admin"], "users": [], "grants": {},
                              "roles": {"science": {"*": "USE"}},
                              "artifact_store": "local", "allow_loopback_http": True})  # fmt: skip

    (observation,) = look.outcome.observations
    assert observation.subject == "user/x\\u000a\\u001b[31m"


@pytest.mark.parametrize(("fixed", "told"), [("3.17.3", {"GHSA-1"}), ("3.17.2", set())])
def test_advisories_hold_for_the_version_that_the_server_tells(
    stub: Any, look_at: Any, tmp_path: Path, fixed: str, told: set[str]
) -> None:
    """The stub's is 3.17.2."""
    events = [{"introduced": "0"}, {"fixed": fixed}]
    affected = {
        "package": {"ecosystem": "PyPI", "name": "mlflow"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    mirror = tmp_path / "osv.jsonl"
    mirror.write_text(
        json.dumps({"id": "GHSA-1", "modified": "2026-01-01", "affected": [affected]})
    )
    look = look_at(stub.url, POLICY, advisories={"osv": str(mirror)})
    assert {one.rule for one in look.outcome.observations if one.package} == told
    assert not any("advisor" in gap.detail for gap in gaps_of(look))
    look = look_at(stub.url, POLICY, advisories={"osv": str(tmp_path / "none.jsonl")})
    assert [gap.subjects for gap in gaps_of(look)] == [("pypi:mlflow",)]
