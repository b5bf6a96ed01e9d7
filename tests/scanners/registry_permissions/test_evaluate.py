"""The policy held against facts; both are values, no registry is asked."""

from __future__ import annotations

from typing import Any

import pytest

from compline.model import Severity
from compline.scanners.registries.evaluate import evaluate
from compline.scanners.registries.facts import Experiment, Grant, RegistryFacts, User
from compline.scanners.registries.policy import RegistryPolicyError, parse_policy


def facts(*grants: Grant, **changes: Any) -> RegistryFacts:
    known: dict[str, Any] = {
        "https": True,
        "loopback": False,
        "open_to_anyone": (),
        "users": (User("root", True), User("ann", False)),
        "grants": grants,
        "default_permission": "READ",
        "models": (),
        "experiments": (Experiment("1", "training"),),
    }
    return RegistryFacts(**{**known, **changes})


def found(facts: RegistryFacts, **policy: Any) -> dict[tuple[str, str], Severity]:
    declared = {"admins": ["root"], "users": ["ann"], "grants": {}, **policy}
    observations = evaluate(facts, parse_policy(declared), "test")
    return {(o.rule, o.subject): o.severity for o in observations}


def ann(kind: str, pattern: str, permission: str, **more: str) -> Grant:
    return Grant("ann", kind, pattern, permission, **more)


def test_http_is_grave_on_the_network_and_slight_on_loopback() -> None:
    plain = ("registry-without-tls", "server")
    assert found(facts(https=False)) == {plain: Severity.HIGH}
    assert found(facts(https=False, loopback=True)) == {plain: Severity.LOW}
    assert found(facts(https=False, loopback=True), allow_loopback_http=True) == {}
    assert found(facts(https=False), allow_loopback_http=True) == {plain: Severity.HIGH}


@pytest.mark.parametrize(
    ("default", "declared", "severity"),
    [
        ("READ", None, None),
        ("NO_PERMISSIONS", None, None),
        ("USE", None, Severity.HIGH),
        ("MANAGE", None, Severity.CRITICAL),
        ("READ", "NO_PERMISSIONS", Severity.HIGH),
        ("EDIT", "EDIT", None),
        ("A_LATER_LEVEL", "MANAGE", Severity.CRITICAL),
    ],
)
def test_default_permission(default: str, declared: str | None, severity: Severity | None) -> None:
    policy = {"default_permission": declared} if declared else {}
    expected = {("default-permission-too-wide", "default-permission"): severity} if severity else {}
    assert found(facts(default_permission=default), **policy) == expected


@pytest.mark.parametrize(
    ("declared", "permission", "severity"),
    [
        ({}, "READ", Severity.MEDIUM),
        ({}, "EDIT", Severity.HIGH),
        ({"fraud": "READ"}, "READ", None),
        ({"fraud": "READ"}, "USE", Severity.MEDIUM),
        ({"*": "MANAGE"}, "MANAGE", None),
        ({"registered_model/fraud": "MANAGE"}, "EDIT", None),
        ({"prompt/fraud": "MANAGE"}, "EDIT", Severity.HIGH),
        ({"churn": "MANAGE"}, "EDIT", Severity.HIGH),
        ({}, "DENY", None),
        ({"*": "MANAGE"}, "A_LATER_LEVEL", Severity.HIGH),
    ],
)
def test_a_grant_against_the_declaration(
    declared: dict[str, str], permission: str, severity: Severity | None
) -> None:
    findings = found(facts(ann("registered_model", "fraud", permission)), grants={"ann": declared})
    beyond = {key: value for key, value in findings.items() if key[0] == "grant-beyond-policy"}
    key = ("grant-beyond-policy", "grant/ann/registered_model/fraud")
    assert beyond == ({key: severity} if severity else {})


def test_a_declared_default_is_what_anyone_may_have() -> None:
    granted = facts(ann("registered_model", "fraud", "READ"))
    assert found(granted, default_permission="READ") == {}
    assert found(granted) != {}


def test_an_experiment_is_declared_by_id_or_name() -> None:
    granted = facts(ann("experiment", "1", "EDIT"))
    assert found(granted, grants={"ann": {"experiment/1": "EDIT"}}) == {}
    assert found(granted, grants={"ann": {"experiment/training": "EDIT"}}) == {}


def test_what_comes_through_a_role_may_be_declared_for_the_role() -> None:
    granted = facts(ann("registered_model", "*", "EDIT", role="science"))
    assert found(granted, roles={"science": {"*": "EDIT"}}) == {}
    assert found(granted, roles={"other": {"*": "EDIT"}}) != {}
    # The role's declaration does not cover a grant of one's own.
    own = facts(ann("registered_model", "*", "EDIT"))
    assert found(own, roles={"science": {"*": "EDIT"}}) != {}


def test_the_same_resource_twice_is_one_finding_with_the_graver_level() -> None:
    granted = facts(
        ann("registered_model", "fraud", "READ"),
        ann("registered_model", "fraud", "EDIT"),
    )
    (observation,) = evaluate(
        granted, parse_policy({"admins": ["root"], "users": ["ann"], "grants": {}}), "test"
    )
    assert dict(observation.details)["permission"] == "EDIT"
    assert dict(observation.details)["may"] == "change"


def test_a_role_is_one_finding_whoever_holds_it() -> None:
    users = [User(f"u{number}", False) for number in range(12)]
    granted = facts(
        *(Grant(one.name, "registered_model", "fraud", "EDIT", role="science") for one in users),
        users=(User("root", True), *users),
    )
    policy = {"admins": ["root"], "users": [one.name for one in users], "grants": {}}
    (observation,) = evaluate(granted, parse_policy(policy), "test")
    assert observation.subject == "role/science/registered_model/fraud"
    held = dict(observation.details)["held by"]
    assert held == "u0, u1, u10, u11, u2, u3, u4, u5, u6, u7 and 2 more"


def test_workspaces_are_told_apart() -> None:
    granted = facts(ann("registered_model", "fraud", "EDIT", workspace="lab"))
    assert found(granted, grants={"ann": {"fraud": "EDIT"}}) != {}
    assert found(granted, grants={"ann": {"lab:fraud": "EDIT"}}) == {}


def test_administrators_need_no_grants_and_theirs_mean_nothing() -> None:
    granted = facts(Grant("root", "registered_model", "fraud", "MANAGE"))
    assert found(granted) == {}
    assert found(facts(), grants={"root": {"fraud": "MANAGE"}}) == {}


def test_what_was_not_shown_is_not_judged_in_either_way() -> None:
    hidden = facts(users=None, grants=None, default_permission=None)
    assert found(hidden, users=["carol"], grants={"carol": {"fraud": "EDIT"}}) == {}


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"admin": []}, "did you mean 'admins'"),
        ({"zzz": 1}, "there are admins, most_admins"),
        ({"admins": "root"}, "admins must be a list of names"),
        ({"users": [1]}, "users must be a list of names"),
        ({"default_permission": "WRITE"}, "must be one of DENY"),
        ({"grants": ["x"]}, "grants must be {name"),
        ({"grants": {"ann": {"fraud": "WRITE"}}}, "grants.ann.fraud must be one of"),
        ({"grants": {"ann": {"experimnt/1": "READ"}}}, "did you mean 'experiment'"),
        ({"allow_loopback_http": "yes"}, "must be true or false"),
        ({"most_admins": "two"}, "most_admins must be a whole number"),
        ({"teams": {"risk": {"people": []}}}, "teams must be {team: {members"),
        ({"teams": {"risk": {"grants": {"fraud": "WRITE"}}}}, "teams.risk.grants.fraud must be"),
        ({"members": ["science"]}, "members must be {role: "),
        ({"movers": "ann"}, "movers must be a list of names"),
        ({"artifact_store": "models"}, "must be local, or s3://bucket, gs://bucket"),
    ],
)
def test_a_policy_that_is_not_understood(policy: dict[str, Any], message: str) -> None:
    with pytest.raises(RegistryPolicyError, match=message):
        parse_policy(policy)
