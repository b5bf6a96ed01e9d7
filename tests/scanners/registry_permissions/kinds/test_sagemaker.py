"""SageMaker's Model Registry by moto's server, and the bucket behind an MLflow."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.sagemaker.responses import SageMakerResponse
from store_proxy import proxying

from compline.model import Completed, Failed, GapReason
from compline.scanners.registries import buckets
from compline.scanners.registries.aws import Access
from compline.scanners.registries.buckets import BucketHidden
from compline.scanners.registries.sagemaker import frames

OWN = "arn:aws:iam::123456789012:role/deploy"
OTHER = "arn:aws:iam::999999999999:root"


def statement(principal: Any, action: Any = "sagemaker:DescribeModelPackage") -> str:
    allow = {"Effect": "Allow", "Principal": principal, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


@pytest.fixture
def fraud(aws: Any) -> Any:
    """A group with an approved version in an encrypted bucket."""
    aws.client("s3").create_bucket(
        Bucket="models", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    aws.client("s3").put_bucket_encryption(
        Bucket="models",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    )
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="fraud")
    sagemaker.create_model_package(
        ModelPackageGroupName="fraud",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": "x", "ModelDataUrl": "s3://models/fraud.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    aws.policies["fraud"] = statement({"AWS": OWN})
    return aws


def look(aws: Any, look_at_kind: Any, **more: Any) -> Any:
    return look_at_kind(aws.secrets, **{**aws.settings, **more})


def test_a_registry_in_order(fraud: Any, look_at_kind: Any, found: Any) -> None:
    seen = look(fraud, look_at_kind)
    assert found(seen) == set()
    assert seen.outcome.gaps == ()
    assert {(fact.subject, fact.value) for fact in seen.outcome.facts} == {
        (f"grant/fraud/{OWN}", "sagemaker:DescribeModelPackage"),
        ("package/fraud/1", "Approved"),
    }


def test_nothing_is_sent_but_reading_calls(fraud: Any, look_at_kind: Any) -> None:
    with proxying(fraud.url) as proxy:
        seen = look(fraud, look_at_kind, endpoint=proxy.url)
    assert isinstance(seen.outcome, Completed)
    assert set(proxy.calls) == {
        f"SageMaker.{name}"
        for name in (
            "ListModelPackageGroups",
            "GetModelPackageGroupPolicy",
            "ListModelPackages",
            "DescribeModelPackage",
        )
    }
    others = [each for each in proxy.requests if each[0] != "GET"]
    assert others == [("POST", "/")] * len(proxy.calls)


def test_an_approval_that_model_guard_tells_is_not_told_twice(
    fraud: Any, look_at_kind: Any
) -> None:
    """What it tells instead, models/test_sagemaker.py has: another version in production."""
    facts = look(fraud, look_at_kind, guarded=True).outcome.facts
    assert [fact.subject for fact in facts] == [f"grant/fraud/{OWN}"]


def test_policies_that_reach_others(fraud: Any, look_at_kind: Any, found: Any) -> None:
    fraud.policies["fraud"] = statement({"AWS": [OTHER, OWN]}, "sagemaker:*")
    assert found(look(fraud, look_at_kind)) == {
        ("model-group-open-to-another-account", f"grant/fraud/{OTHER}")
    }
    assert found(look(fraud, look_at_kind, policy={"accounts": ["999999999999"]})) == set()
    fraud.policies["fraud"] = statement("*")
    assert found(look(fraud, look_at_kind)) == {("model-group-open-to-the-world", "grant/fraud/*")}


def test_whom_a_statement_really_lets_in(fraud: Any, look_at_kind: Any, found: Any) -> None:
    confined = {
        "own": {"Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}},
        "ours": {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-acme12345"}}},
        "said": {"Condition": {"StringLike": {"aws:Referer": "x"}}},
        "any": {"Principal": {"AWS": "*"}},
        "not": {"Effect": "Deny"},
    }
    for name, changes in confined.items():
        fraud.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
        policy = json.loads(statement("*"))
        policy["Statement"][0] |= changes
        fraud.policies[name] = json.dumps(policy)
    assert found(look(fraud, look_at_kind)) == {
        ("model-group-open-to-another-account", "grant/ours/organisation o-acme12345"),
        ("model-group-open-to-the-world", "grant/said/*"),
        ("model-group-open-to-the-world", "grant/any/*"),
    }


def test_a_group_without_a_policy(fraud: Any, look_at_kind: Any, found: Any) -> None:
    fraud.policies.clear()
    seen = look(fraud, look_at_kind)
    assert found(seen) == set()
    assert seen.outcome.gaps == ()


def test_undecided_versions_and_open_buckets(fraud: Any, look_at_kind: Any, found: Any) -> None:
    arn = fraud.client("sagemaker").list_model_packages(ModelPackageGroupName="fraud")
    fraud.client("sagemaker").update_model_package(
        ModelPackageArn=arn["ModelPackageSummaryList"][0]["ModelPackageArn"],
        ModelApprovalStatus="PendingManualApproval",
    )
    fraud.client("s3").delete_bucket_encryption(Bucket="models")
    assert found(look(fraud, look_at_kind)) == {
        ("model-package-without-a-decision", "package/fraud/1"),
        ("model-artifacts-unencrypted", "artifacts/models"),
    }


def test_wider_rights_have_a_higher_rank() -> None:
    def rank(action: str) -> int:
        answers = {"groups": [], "packages": [], "encryption": {},
                   "policies": {"fraud": statement({"AWS": OWN}, action)}}  # fmt: skip
        (fact,) = frames.inventory_of(answers, "").facts
        return fact.rank

    actions = ("DescribeModelPackage", "Describe*", "Up*", "UpdateModelPackage*", "*")
    ranks = {action: rank(f"sagemaker:{action}") for action in actions}
    assert ranks["DescribeModelPackage"] < ranks["Describe*"] < ranks["Up*"] < ranks["*"]
    assert ranks["Up*"] == ranks["UpdateModelPackage*"]


def test_nobody_there_and_half_an_answer(aws: Any, look_at_kind: Any) -> None:
    gone = look(aws, look_at_kind, endpoint="http://127.0.0.1:9", seconds=20)
    assert isinstance(gone.outcome, Failed)
    assert "EndpointConnectionError" in gone.outcome.error


def refusing(aws: Any, monkeypatch: pytest.MonkeyPatch, name: str, code: str) -> None:
    def answer(self: Any) -> Any:
        raise JsonRESTError(code, "no")

    monkeypatch.setattr(SageMakerResponse, name, answer, raising=False)


@pytest.mark.parametrize(
    ("call", "place"),
    [
        ("get_model_package_group_policy", "grant/fraud/"),
        ("describe_model_package", "package/fraud/"),
    ],
)
def test_a_refusal_of_a_part_is_a_gap(
    fraud: Any, look_at_kind: Any, monkeypatch: pytest.MonkeyPatch, call: str, place: str
) -> None:
    refusing(fraud, monkeypatch, call, "AccessDeniedException")
    outcome = look(fraud, look_at_kind).outcome
    assert isinstance(outcome, Completed)
    assert [(gap.path, gap.reason) for gap in outcome.gaps] == [(place, GapReason.FORBIDDEN)]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "Broken"])
def test_a_refusal_of_the_list_is_failed(
    fraud: Any, look_at_kind: Any, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    refusing(fraud, monkeypatch, "list_model_package_groups", code)
    started = time.monotonic()
    assert isinstance(look(fraud, look_at_kind).outcome, Failed)
    assert time.monotonic() - started < 30


class TestTheBucketBehindMlflow:
    def access(self, aws: Any) -> Access:
        return Access("testing:testing", 20, endpoint=aws.url)

    def test_who_reaches_it(self, fraud: Any) -> None:
        assert buckets.ask("models", self.access(fraud)).reached_by == {}
        policy = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                  "Resource": "arn:aws:s3:::models/*"}  # fmt: skip
        fraud.client("s3").put_bucket_policy(
            Bucket="models", Policy=json.dumps({"Version": "2012-10-17", "Statement": [policy]})
        )
        assert buckets.ask("models", self.access(fraud)).reached_by == {"*": "read"}
        fraud.client("s3").put_public_access_block(
            Bucket="models",
            PublicAccessBlockConfiguration={"RestrictPublicBuckets": True},
        )
        assert buckets.ask("models", self.access(fraud)).reached_by == {}

    def test_one_that_is_not_there_is_hidden(self, aws: Any) -> None:
        with pytest.raises(BucketHidden, match="NoSuchBucket"):
            buckets.ask("models", self.access(aws))

    def test_nobody_there(self, fraud: Any) -> None:
        with pytest.raises(BucketHidden, match="EndpointConnectionError"):
            buckets.ask("models", Access("a:b", 4, endpoint="http://127.0.0.1:9"))


def test_a_credential_of_another_form_is_not_repeated(aws: Any, look_at_kind: Any) -> None:
    settings = {**aws.settings, "credential": "env:AWS"}
    outcome = look_at_kind({"AWS": "only-a-secret"}, **settings).outcome
    assert isinstance(outcome, Failed)
    assert "ACCESS_KEY_ID:SECRET_ACCESS_KEY" in outcome.error
    assert "only-a-secret" not in outcome.error
