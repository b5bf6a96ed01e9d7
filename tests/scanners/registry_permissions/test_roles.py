"""What comes through roles, and who is an administrator: one change is one finding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compline.scanners.registries.evaluate import evaluate
from compline.scanners.registries.facts import Grant, RegistryFacts, User
from compline.scanners.registries.policy import parse_policy


def facts(*grants: Grant, **changes: Any) -> RegistryFacts:
    users = (User("root", True), User("ann", False))
    return RegistryFacts(True, False, (), **{"users": users, "grants": grants, **changes})


def found(here: RegistryFacts, **policy: Any) -> dict[tuple[str, str], str]:
    declared = {"admins": ["root"], "users": ["ann"], "grants": {}, **policy}
    told = evaluate(here, parse_policy(declared), "test")
    return {(one.rule, one.subject): one.title for one in told}


def test_what_a_role_may_that_nobody_holds_is_judged() -> None:
    role = Grant("", "registered_model", "*", "MANAGE", role="keepers")
    rule, subject = "grant-beyond-policy", "role/keepers/registered_model/*"
    told = "the role keepers may MANAGE every model; the policy says nothing"
    assert found(facts(roles=(role,))) == {(rule, subject): told}
    # Who gets it then is another change, and this one stays as it is.
    held = facts(replace(role, user="ann"), roles=(role,))
    assert found(held) == {(rule, subject): told}
    assert found(facts(roles=(role,)), roles={"keepers": {"*": "MANAGE"}}) == {}
    assert set(found(facts(roles=(role,)), grants=None)) == {
        ("access-policy-undeclared", "policy/grants"),
        ("may-change-every-model", subject),
    }


@pytest.mark.parametrize("declared", [{}, None])
def test_a_role_that_mlflow_makes_with_a_workspace_is_told_of_who_has_it(declared: Any) -> None:
    role = Grant("", "workspace", "*", "MANAGE", "lab", "admin")
    of_nobody = set(found(facts(roles=(role,)), grants=declared))
    assert of_nobody <= {("access-policy-undeclared", "policy/grants")}
    held = found(facts(replace(role, user="ann"), roles=(role,)), grants=declared)
    ((_, subject),) = set(held) - of_nobody
    assert subject == "member/ann/lab:admin"
    assert any(title.startswith("ann, by the role admin, may") for title in held.values())


def test_an_administrator_beyond_the_policy_keeps_what_was_granted_beyond_it() -> None:
    users = (User("root", True), User("ann", True))
    granted = facts(Grant("ann", "registered_model", "lab", "EDIT"), users=users)
    assert set(found(granted)) == {
        ("undeclared-admin", "user/ann"),
        ("grant-beyond-policy", "grant/ann/registered_model/lab"),
    }
    assert found(granted, admins=["root", "ann"], users=[]) == {}
