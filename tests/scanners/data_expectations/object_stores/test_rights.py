"""The policies of the documentation are enough, and nothing of them writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import yaml
from botocore.exceptions import ClientError
from store_proxy import Proxy

ROOT = Path(__file__).parents[4]
GUIDE = (ROOT / "docs" / "checks" / "object-stores.md").read_text(encoding="utf-8")


def documented() -> dict[str, Any]:
    (text,) = (t for t in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL) if "2012-10-17" in t)
    policy: dict[str, Any] = json.loads(text)
    return policy


@contextmanager
def enforcing(moto: str) -> Iterator[None]:
    """moto holds every call against the IAM policies of who makes it."""
    httpx.post(f"{moto}/moto-api/reset-auth", content="0").raise_for_status()
    try:
        yield
    finally:
        httpx.post(f"{moto}/moto-api/reset-auth", content="inf").raise_for_status()


@pytest.fixture
def account(arrange: Callable[[str], Any]) -> Callable[[dict[str, Any]], tuple[str, str]]:
    """A user with one policy; gives its access key."""

    def made(policy: dict[str, Any]) -> tuple[str, str]:
        iam = arrange("iam")
        iam.create_user(UserName="compline")
        iam.put_user_policy(
            UserName="compline", PolicyName="reader", PolicyDocument=json.dumps(policy)
        )
        key = iam.create_access_key(UserName="compline")["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    return made


def test_the_documented_policy_of_aws_is_enough_and_writes_nothing(
    s3: Any, arrange: Any, account: Any, moto: str, look_at_s3: Any, found: Any, proxy: Proxy
) -> None:
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="a", Body=b"x")
    key = arrange("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket="models",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},
    )
    identifier, secret = account(documented())
    reader = boto3.client(
        "s3", endpoint_url=moto, region_name="us-east-1",
        aws_access_key_id=identifier, aws_secret_access_key=secret,
    )  # fmt: skip
    with enforcing(moto):
        look = look_at_s3(credential=f"{identifier}:{secret}")
        with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
            reader.put_object(Bucket="models", Key="b", Body=b"x")
        with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
            reader.delete_bucket(Bucket="models")

    assert ("key-not-rotated", f"key/{key}") in found(look)
    assert ("unencrypted-object", "bucket/models/objects") in found(look)
    assert look.outcome.gaps == ()


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ("s3:GetBucketLogging", "bucket/models/access-log"),
        ("s3:GetBucketAcl", "bucket/models/access/"),
        ("s3:GetObject", "bucket/models/objects"),
    ],
)
def test_a_right_that_is_missing_is_a_gap(
    s3: Any, account: Any, moto: str, look_at_s3: Any, action: str, place: str
) -> None:
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="a", Body=b"x")
    policy = documented()
    for statement in policy["Statement"]:
        actions = statement["Action"]
        listed = actions if isinstance(actions, list) else [actions]
        statement["Action"] = [a for a in listed if a != action] or ["s3:ListAllMyBuckets"]
    identifier, secret = account(policy)
    with enforcing(moto):
        look = look_at_s3(credential=f"{identifier}:{secret}")

    assert [gap.path for gap in look.outcome.gaps] == [place]


def test_nothing_that_is_asked_for_could_write() -> None:
    actions = [
        action
        for statement in documented()["Statement"]
        for action in (
            statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        )
    ]
    assert len(actions) > 15
    assert [a for a in actions if not re.match(r"^(s3|kms):(Get|List|Describe)[A-Za-z]+$", a)] == []
    role = next(
        yaml.safe_load(text)
        for text in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
        if "includedPermissions" in text
    )
    assert {p.rpartition(".")[2] for p in role["includedPermissions"]} == {
        "get",
        "getIamPolicy",
        "list",
    }
    (azure,) = (t for t in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL) if "IsCustom" in t)
    allowed = [*json.loads(azure)["Actions"], *json.loads(azure)["DataActions"]]
    assert [a for a in allowed if not a.endswith(("/read", "/getAcl/action"))] == []
