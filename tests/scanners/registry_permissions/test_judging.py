"""Administrators, teams, roles, production, webhooks, artifacts, versions against a policy."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from compline.model import FindingKind, Gap, GapReason, Severity
from compline.scanners.registries import buckets
from compline.scanners.registries.behind import behind
from compline.scanners.registries.buckets import BucketFacts
from compline.scanners.registries.evaluate import evaluate
from compline.scanners.registries.facts import (
    CannotAsk,
    Experiment,
    Grant,
    Member,
    Model,
    RegistryFacts,
    User,
    Webhook,
)
from compline.scanners.registries.policy import parse_policy

FRAUD = Model("fraud", aliases=("champion",))
CHURN = Model("churn", stages=("Production",))
LAB = Model("lab")


def facts(*grants: Grant, **changes: Any) -> RegistryFacts:
    known: dict[str, Any] = {
        "https": True,
        "loopback": False,
        "open_to_anyone": (),
        "version": "3.17.2",
        "users": (User("root", True), User("ann", False)),
        "grants": grants,
        "members": (),
        "default_permission": "READ",
        "models": (FRAUD, CHURN, LAB),
        "experiments": (),
        "webhooks": (),
    }
    return RegistryFacts(**{**known, **changes})


def found(here: RegistryFacts, *more: Any, **policy: Any) -> dict[tuple[str, str], str]:
    declared = {"admins": ["root"], "users": ["ann"], "grants": {}, "movers": [], **policy}
    return {
        (one.rule, one.subject): one.title
        for one in evaluate(here, parse_policy(declared), "test", *more)
    }


def ann(kind: str, pattern: str, permission: str, **more: str) -> Grant:
    return Grant("ann", kind, pattern, permission, **more)


def test_the_number_of_administrators() -> None:
    two = facts(users=(User("root", True), User("ann", True)))
    policy = {"admins": ["root", "ann"], "users": []}
    assert found(two, **policy, most_admins=2) == {}
    assert found(two, **policy, most_admins=1) == {
        ("too-many-admins", "admins"): "2 accounts are administrators; the policy says 1 at most"
    }


def test_a_teams_grants_are_its_members() -> None:
    team = {"risk": {"members": ["ann"], "grants": {"lab": "EDIT"}}}
    granted = facts(ann("registered_model", "lab", "EDIT"))
    assert found(granted, users=[], teams=team) == {}
    assert ("grant-beyond-policy", "grant/ann/registered_model/lab") in found(granted, users=[])
    # Both ways: what the team is declared to have, and has not.
    assert list(found(facts(), users=[], teams=team)) == [
        ("declared-but-missing", "grant/ann/registered_model/lab")
    ]
    # The higher level counts where a person has a grant of its own as well.
    lower = {"ann": {"lab": "READ"}}
    assert found(granted, grants=lower, teams=team) == {}


def test_who_holds_a_role_both_ways() -> None:
    held = facts(members=(Member("ann", "science"),))
    assert found(held) == {}
    assert found(held, members={"science": ["ann"]}) == {}
    assert list(found(held, members={"ops": ["bob"]})) == [
        ("member-beyond-policy", "member/ann/science"),
        ("declared-but-missing", "member/bob/ops"),
    ]


@pytest.mark.parametrize(
    ("grant", "told"),
    [
        (("registered_model", "*", "EDIT"), True),
        (("registered_model", "*", "USE"), False),
        (("registered_model", "lab", "MANAGE"), False),
        (("experiment", "*", "MANAGE"), False),
        (("workspace", "*", "MANAGE"), True),
        (("workspace", "*", "USE"), False),
    ],
)
def test_without_a_policy_who_may_change_every_model(
    grant: tuple[str, str, str], told: bool
) -> None:
    rules = {rule for rule, _ in found(facts(ann(*grant), models=()), grants=None)}
    assert rules == {"access-policy-undeclared"} | ({"may-change-every-model"} if told else set())


@pytest.mark.parametrize(
    ("grants", "default", "models"),
    [
        ([("registered_model", "fraud", "EDIT")], "READ", 1),
        ([("registered_model", "fraud", "USE")], "READ", 0),
        ([("registered_model", "lab", "MANAGE")], "READ", 0),
        ([("registered_model", "*", "MANAGE")], "READ", 2),
        ([("registered_model_version", "*", "EDIT")], "READ", 2),
        ([("workspace", "*", "MANAGE")], "READ", 2),
        ([("registered_model", "*", "EDIT"), ("registered_model", "fraud", "DENY")], "READ", 1),
        ([], "EDIT", 2),
        # MLflow lifts what is granted to its default, but no denial.
        ([("registered_model", "fraud", "READ")], "EDIT", 2),
        ([("registered_model", "fraud", "DENY")], "EDIT", 1),
    ],
)
def test_who_may_move_what_production_serves(
    grants: list[tuple[str, str, str]], default: str, models: int
) -> None:
    here = facts(*(ann(*grant) for grant in grants), default_permission=default)
    told = [title for (rule, _), title in found(here).items() if rule == "may-move-production"]
    expected = f"ann may move what production serves of {models} models"
    assert told == ([expected] if models else [])
    assert not any(rule == "may-move-production" for rule, _ in found(here, movers=["ann"]))


def test_what_production_serves_is_declared() -> None:
    granted = facts(ann("registered_model", "*", "EDIT"))
    every = {"ann": {"*": "EDIT"}}
    assert found(granted, production=["blue"], grants=every) == {}
    assert found(granted, grants=every, movers=None) == {
        ("access-policy-undeclared", "policy/movers"): "The policy does not say who may move what "
        "production serves, so nobody checks it"
    }


def test_webhooks_to_hosts_that_nobody_declared() -> None:
    here = facts(webhooks=(Webhook("chat", "hooks.example.org", True),))
    assert list(found(here)) == [("webhook-to-unknown-host", "webhook/chat/hooks.example.org")]
    for host in ("hooks.example.org", "HOOKS.example.org", ".example.org"):
        assert found(here, webhook_hosts=[host]) == {}
    for host in ("example.org", ".hooks.example.org", "ample.org"):
        assert found(here, webhook_hosts=[host]) != {}
    plain = facts(webhooks=(Webhook("chat", "hooks.example.org", False),))
    assert list(found(plain, webhook_hosts=[".example.org"])) == [
        ("webhook-without-tls", "webhook/chat/hooks.example.org")
    ]


def test_artifacts_that_clients_reach_by_themselves() -> None:
    direct = facts(experiments=(Experiment("1", "a", 0, "s3://models"),))
    assert list(found(direct)) == [("artifacts-past-the-registry", "artifacts/s3://models")]
    for root in ("mlflow-artifacts:", "file:", ""):
        assert found(facts(experiments=(Experiment("1", "a", 0, root),))) == {}


def test_whoever_else_reaches_the_bucket() -> None:
    arn = "arn:aws:iam::123456789012:role/etl"
    bucket = BucketFacts("models", {"*": "read", arn: "write"})
    assert found(facts(), (), bucket) == {
        ("artifacts-open-to-others", "artifacts/models/*"): "Anybody may read in s3://models "
        "without asking the registry",
        ("artifacts-open-to-others", f"artifacts/models/{arn}"): f"{arn} may write in "
        "s3://models without asking the registry",
    }
    for known in (arn, "123456789012"):
        assert len(found(facts(), (), bucket, artifact_principals=[known])) == 1


OWNER = {"Owner": {"ID": "me"}, "Grants": [{"Grantee": {"ID": "me"}, "Permission": "FULL_CONTROL"}]}
WORLD = {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}


def policy(*statements: dict[str, Any]) -> dict[str, str]:
    return {"Policy": json.dumps({"Statement": list(statements)})}


@pytest.mark.parametrize(
    ("statement", "reached"),
    [
        ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}, {"*": "read"}),
        ({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:*"}, {"*": "read and write"}),
        ({"Effect": "Allow", "Principal": {"AWS": ["a", "b"]}, "Action": ["s3:PutObject"]},
         {"a": "write", "b": "write"}),
        ({"Effect": "Allow", "Principal": "*", "Action": "s3:G*"}, {"*": "read"}),
        ({"Effect": "Deny", "Principal": "*", "Action": "s3:*"}, {}),
        ({"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"},
          "Action": "s3:PutObject"}, {"logging.s3.amazonaws.com": "write"}),
        # What a condition leaves of everybody: an organisation, a network; a referrer is nobody.
        ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
          "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-acme"}}}, {"o-acme": "read"}),
        ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
          "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, {"10.0.0.0/8": "read"}),
        ({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
          "Condition": {"StringLike": {"aws:Referer": "https://acme.example/*"}}}, {"*": "read"}),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": "a"}, "Action": "s3:GetObject"},
         {"*": "read"}),
    ],
)  # fmt: skip
def test_a_buckets_policy(statement: dict[str, Any], reached: dict[str, str]) -> None:
    assert buckets.read("x", policy(statement), OWNER, {}).reached_by == reached


def test_what_a_bucket_denies_to_everybody_else_counts() -> None:
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    others = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
              "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}}}  # fmt: skip
    reached = buckets.read("x", policy(everybody, others), OWNER, {}).reached_by
    assert reached == {"o-acme": "read"}


def test_a_buckets_acl_and_the_block_before_it() -> None:
    acl = {**OWNER, "Grants": [{"Grantee": WORLD, "Permission": "READ"}]}
    assert buckets.read("x", {}, acl, {}).reached_by == {"*": "read"}
    block = {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": True}}
    assert buckets.read("x", {}, acl, block).reached_by == {}
    open_ = policy({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"})
    block = {"PublicAccessBlockConfiguration": {"RestrictPublicBuckets": True}}
    assert buckets.read("x", open_, OWNER, block).reached_by == {}


@pytest.mark.parametrize("answer", [{"Policy": "{"}, {"Policy": "[]"}, {"Policy": '{"a": 1}'}])
def test_a_policy_that_cannot_be_read_is_no_empty_one(answer: dict[str, str]) -> None:
    with pytest.raises(CannotAsk):
        buckets.read("x", answer, OWNER, {})


def test_a_server_with_a_known_vulnerability() -> None:
    record = {
        "id": "GHSA-1",
        "aliases": ["CVE-1"],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "mlflow"},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.18.0"}]}
                ],
            }
        ],
    }
    here = facts(users=None, grants=None)
    told = evaluate(here, parse_policy({"admins": [], "users": [], "grants": {}, "movers": []}),
                    "test", [record])  # fmt: skip
    (one,) = told
    assert (one.rule, one.severity, one.kind) == (
        "GHSA-1",
        Severity.CRITICAL,
        FindingKind.DEPENDENCY,
    )
    assert one.aliases == ("CVE-1", "GHSA-1")
    assert one.package is not None
    assert (one.package.version, one.package.fixed_version) == ("3.17.2", "3.18.0")


def test_nothing_closes_that_leans_on_what_is_hidden() -> None:
    """A mover of production, a bucket that others reach: judged by what gaps name otherwise."""
    shown = facts(
        ann("registered_model", "fraud", "EDIT"), experiments=(Experiment("1", "a", 0, "s3://m"),)
    )
    bucket = BucketFacts("m", {"*": "read"})
    every = found(shown, (), bucket)
    for hidden, path in (
        ({"users": None}, "user/"),
        ({"grants": None, "members": None}, "grant/"),
        ({"models": None}, "registered_model/"),
        ({"experiments": None}, "experiment/"),
    ):
        named = (Gap(GapReason.FORBIDDEN, path), Gap(GapReason.FORBIDDEN, "member/"))
        gaps = (*named, *behind(named))
        still = found(replace(shown, **hidden), (), bucket if "experiments" not in hidden else None)
        closing = {
            subject
            for rule, subject in every.keys() - still.keys()
            if not any(gap.covers(subject, subject) for gap in gaps)
        }
        assert not closing, path
        assert every.keys() - still.keys(), f"{path}: nothing is judged by it"
