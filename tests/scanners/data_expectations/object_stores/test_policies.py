"""Bucket policies are read as AWS means them: principals, conditions, denials."""

from __future__ import annotations

from typing import Any

import pytest

from compline.scanners.stores.s3.policies import grants_of, without_tls

OWN, OTHER = "111111111111", "222222222222"
BOTH = ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]


def allow(principal: Any = "*", action: Any = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action,
            "Resource": BOTH, **more}  # fmt: skip


def deny(**more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": BOTH, **more}


def reached(*statements: Any) -> set[tuple[str, str, str]]:
    """(reach, name, access) of everybody besides the own account."""
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    return {(g.who.reach, g.who.name, g.access) for g in grants_of(policy, "b", OWN, "owner-id")}


EVERYONE = {("public", "everyone", "read")}


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", EVERYONE),
        ({"AWS": "*"}, EVERYONE),
        ({"AWS": ["*", OWN]}, EVERYONE),
        ({"AWS": OWN}, set()),
        ({"AWS": f"arn:aws:iam::{OWN}:role/etl"}, set()),
        ({"AWS": f"arn:aws-cn:iam::{OWN}:root"}, set()),
        ({"AWS": OTHER}, {("account", OTHER, "read")}),
        ({"AWS": f"arn:aws:sts::{OTHER}:assumed-role/x/y"},
         {("account", f"arn:aws:sts::{OTHER}:assumed-role/x/y", "read")}),
        ({"AWS": "AIDAABCDEFGHIJKLMNOPQ"}, set()),
        ({"CanonicalUser": "owner-id"}, set()),
        ({"CanonicalUser": "other-id"}, {("account", "other-id", "read")}),
        ({"Service": "logs.example"}, {("service", "logs.example", "read")}),
        ({"Federated": "idp.example"}, {("account", "federated idp.example", "read")}),
        ({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"},
         {("service", "user/CloudFront Origin Access Identity E1", "read")}),
    ],
)  # fmt: skip
def test_principals(principal: Any, expected: set[tuple[str, str, str]]) -> None:
    assert reached(allow(principal)) == expected


def test_allowing_everybody_but_some_is_allowing_everybody() -> None:
    statement = allow(NotPrincipal={"AWS": OTHER})
    del statement["Principal"]

    assert reached(statement) == EVERYONE


@pytest.mark.parametrize(
    ("action", "accesses"),
    [
        ("s3:GetObject", {"read"}),
        ("s3:getobject", {"read"}),
        ("s3:*", {"read", "write"}),
        ("*", {"read", "write"}),
        ("s3:Put*", {"write"}),
        (["s3:List*", "s3:DeleteObject"], {"read", "write"}),
        ("s3:ReplicateObject", {"write"}),
        ("s3:GetBucketLocation", {"read"}),
    ],
)
def test_actions(action: Any, accesses: set[str]) -> None:
    assert {access for _, _, access in reached(allow(action=action))} == accesses


def test_everything_but_an_action_is_the_rest() -> None:
    statement = allow(NotAction="s3:Get*")
    del statement["Action"]

    assert {access for _, _, access in reached(statement)} == {"read", "write"}


@pytest.mark.parametrize(
    ("condition", "reach"),
    [
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, "organisation"),
        ({"StringEquals": {"AWS:principalorgid": ["o-1"]}}, "organisation"),
        ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, "public"),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, "public"),
        ({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}, "public"),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/r-1/*"}}, "organisation"),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, "public"),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "network"),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "network"),
        ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/0"]}}, "public"),
        ({"IpAddress": {"aws:SourceIp": "2001::/8"}}, "public"),
        ({"StringEquals": {"aws:PrincipalAccount": OTHER}}, "account"),
        ({"StringEquals": {"aws:PrincipalAccount": OWN}}, None),
        ({"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}, None),
        ({"StringEquals": {"aws:PrincipalAccount": "${aws:username}"}}, "public"),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}}, None),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/etl"}}, "public"),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/*"}}, "account"),
        ({"StringEquals": {"aws:Referer": "https://example.org"}}, "public"),
        ({"Bool": {"aws:SecureTransport": "true"}}, "public"),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}, "Bool": {"aws:SecureTransport": "true"}},
         "network"),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1", "aws:PrincipalAccount": OWN}}, None),
    ],
)  # fmt: skip
def test_conditions(condition: Any, reach: str | None) -> None:
    reaches = {found for found, _, _ in reached(allow(Condition=condition))}

    assert reaches == ({reach} if reach else set())


@pytest.mark.parametrize(
    ("denial", "reach"),
    [
        (deny(), None),
        (deny(Action="s3:PutObject"), "public"),
        (deny(Resource=BOTH[:1]), "public"),
        (deny(Principal={"AWS": OTHER}), "public"),
        (deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}), "organisation"),
        (deny(Condition={"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}), "network"),
        (deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": OWN}}), None),
        (deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": OWN},
                         "Bool": {"aws:PrincipalIsAWSService": "false"}}), None),
        (deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": OWN},
                         "StringEquals": {"s3:prefix": "x"}}), "public"),
        (deny(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), "public"),
        (deny(Condition={"Bool": {"aws:SecureTransport": "false"}}), "public"),
    ],
)  # fmt: skip
def test_denials(denial: Any, reach: str | None) -> None:
    reaches = {found for found, _, _ in reached(allow(), denial)}

    assert reaches == ({reach} if reach else set())


def test_denying_everybody_but_some_leaves_those() -> None:
    denial = deny(NotPrincipal={"AWS": OTHER})
    del denial["Principal"]

    assert reached(allow(), denial) == {("account", OTHER, "read")}


def test_a_service_that_acts_for_the_own_account_only() -> None:
    service = {"Service": "logging.s3.amazonaws.com"}
    ours = {"StringEquals": {"aws:SourceAccount": OWN}}
    source = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::our-bucket"}}

    assert reached(allow(service, Condition=ours)) == set()
    assert {r for r, _, _ in reached(allow(service))} == {"service"}
    assert {n for _, n, _ in reached(allow(service, Condition=source))} == {
        "arn:aws:s3:::our-bucket"
    }


PLAIN = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("statements", "left"),
    [
        ([deny(Condition=PLAIN)], ""),
        ([deny(Condition=PLAIN, Action="*", Resource="*")], ""),
        ([deny(Condition=PLAIN, Resource="arn:aws:s3:::b*")], ""),
        ([deny(Condition=PLAIN, Resource=BOTH[0]), deny(Condition=PLAIN, Resource=BOTH[1])], ""),
        ([deny(Condition={"BoolIfExists": {"AWS:securetransport": ["false"]}})], ""),
        ([deny(Condition=PLAIN, Resource=BOTH[1])], "the bucket"),
        ([deny(Condition=PLAIN, Resource=BOTH[0])], "its objects"),
        ([deny(Condition=PLAIN, Resource="arn:aws:s3:::b/secret/*")], "the bucket and its objects"),
        ([deny(Condition=PLAIN, Action="s3:PutObject")], "the bucket and its objects"),
        ([deny(Condition=PLAIN, Principal={"AWS": OTHER})], "the bucket and its objects"),
        ([deny(Condition={"Bool": {"aws:SecureTransport": "true"}})], "the bucket and its objects"),
        ([deny(Condition={**PLAIN, "StringEquals": {"s3:prefix": "x"}})],
         "the bucket and its objects"),
        ([allow(Condition={"Bool": {"aws:SecureTransport": "true"}})],
         "the bucket and its objects"),
        ([], "the bucket and its objects"),
    ],
)  # fmt: skip
def test_what_can_be_reached_without_tls(statements: Any, left: str) -> None:
    assert without_tls({"Statement": statements}, "b") == left


@pytest.mark.parametrize("policy", [{}, {"Statement": "x"}, {"Statement": ["x"]}])
def test_what_is_no_policy(policy: Any) -> None:
    with pytest.raises(ValueError, match="no statements"):
        grants_of(policy, "b", OWN, "")
