"""Models of a SageMaker registry of moto's server, their files in its S3; only read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import hostile_models as hostile
import httpx
import pytest
from aws_server import serving_aws
from model_folders import TONIGHT, Models
from store_proxy import Fault, Proxy, proxying

from compline.model import Completed, Failed, GapReason, TargetKind

SECRETS = {"AWS": "reader:secret"}
GOOD = hostile.tarred({"weights.safetensors": hostile.safetensors()})
BAD = hostile.tarred({"code/model.pkl": hostile.bad()})


class Registry:
    """A registry that a test may write to; the scanners see it through a recording proxy."""

    def __init__(self, url: str) -> None:
        access: dict[str, Any] = {
            "region_name": "us-east-1",
            "endpoint_url": url,
            "aws_access_key_id": "writer",
            "aws_secret_access_key": "secret",
        }
        self.s3 = boto3.client("s3", **access)
        self.sagemaker = boto3.client("sagemaker", **access)
        self.s3.create_bucket(Bucket="models")
        self.sagemaker.create_model_package_group(ModelPackageGroupName="fraud")

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket="models", Key=key, Body=content)

    def register(self, *data: Any, status: str = "PendingManualApproval", **more: Any) -> None:
        """A version of `fraud` with a container for each of these: a URL, or its fields."""
        containers = [
            {"Image": "x", **({"ModelDataUrl": each} if isinstance(each, str) else each)}
            for each in data
        ]
        self.sagemaker.create_model_package(
            ModelPackageGroupName="fraud",
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": containers,
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            **more,
        )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The server's URL."""
    with serving_aws() as url:
        yield url


@pytest.fixture
def registry(server: str) -> Iterator[Registry]:
    """One good approved version and a newer bad one that nobody has approved."""
    made = Registry(server)
    made.put("fraud/1/model.tar.gz", GOOD)
    made.put("fraud/2/model.tar.gz", BAD)
    made.register("s3://models/fraud/1/model.tar.gz", status="Approved")
    made.register("s3://models/fraud/2/model.tar.gz")
    yield made
    httpx.post(f"{server}/moto-api/reset").raise_for_status()


@pytest.fixture
def proxy(
    server: str, registry: Registry, models: Models, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    """What stands between the scanners and the server."""
    monkeypatch.setattr("compline.scanners.expectations.deadline.GRACE", 0.5)
    with proxying(server) as running:
        models.kind = TargetKind.MODEL_REGISTRY
        models.rules = {"artifacts": ["s3://models/"]}
        models.settings = {
            "kind": "sagemaker",
            "region": "us-east-1",
            "endpoint": running.url,
            "credential": "env:AWS",
        }
        yield running


def guarded(models: Models, **more: Any) -> Completed:
    return models.completed("model-guard", secrets=SECRETS, **more)


def facts(models: Models, **more: Any) -> dict[str, str]:
    return {fact.subject: fact.value for fact in guarded(models, **more).facts}


def gaps(outcome: Completed) -> set[tuple[str, GapReason]]:
    return {(gap.path, gap.reason) for gap in outcome.gaps if gap.path.endswith("/")}


def within(seconds: int) -> dict[str, Any]:
    return {"scanners": {"model-guard": {"seconds": seconds}}}


def test_a_pickle_in_a_version_is_found_and_a_good_version_is_clean(
    proxy: Proxy, models: Models
) -> None:
    outcome = models.completed("modelaudit", secrets=SECRETS)
    assert {each.subject for each in outcome.observations} == {"fraud/2/model.tar.gz"}
    assert outcome.gaps == ()
    told = facts(models)
    assert told["fraud/1/model.tar.gz"] == f"sha256:{hashlib.sha256(GOOD).hexdigest()}"
    assert told["fraud@production"] == "1"


def test_nothing_is_sent_but_reading_calls(proxy: Proxy, models: Models) -> None:
    for scanner in ("modelaudit", "model-guard"):
        models.completed(scanner, secrets=SECRETS)
    assert set(proxy.calls) == {
        f"SageMaker.{name}"
        for name in ("ListModelPackageGroups", "ListModelPackages", "DescribeModelPackage")
    }
    others = [each for each in proxy.requests if each[0] != "GET"]
    assert others == [("POST", "/")] * len(proxy.calls)


def test_one_changed_byte_is_one_changed_fact(
    proxy: Proxy, models: Models, registry: Registry
) -> None:
    before = facts(models)
    registry.put("fraud/1/model.tar.gz", GOOD[:-1] + bytes([GOOD[-1] ^ 1]))
    after = facts(models, now=TONIGHT + timedelta(days=1))
    assert [each for each in before if before[each] != after[each]] == ["fraud/1/model.tar.gz"]


def test_what_is_approved_is_served_the_newest_first(
    proxy: Proxy, models: Models, registry: Registry
) -> None:
    registry.register("s3://models/fraud/1/model.tar.gz", status="Approved")
    registry.register("s3://models/fraud/1/model.tar.gz", status="Rejected")
    assert facts(models)["fraud@production"] == "3"
    models.rules["production"] = "Rejected"
    assert facts(models)["fraud@production"] == "4"


def test_a_bucket_that_is_not_listed_is_a_gap_and_not_asked(
    proxy: Proxy, models: Models, registry: Registry
) -> None:
    registry.put("fraud/1/model.tar.gz.old", b"beside")
    models.rules = {"artifacts": ["s3://models/fraud/1/"]}
    outcome = models.completed("modelaudit", secrets=SECRETS)
    assert gaps(outcome) == {("fraud/2/", GapReason.FORBIDDEN)}
    (gap,) = outcome.gaps
    assert gap.detail.endswith("list s3://models/fraud/2/")
    assert {each for each in facts(models) if "tar" in each} == {"fraud/1/model.tar.gz"}
    asked = [path for method, path in proxy.requests if method == "GET"]
    assert asked
    assert all("fraud%2F1" in path or "fraud/1" in path for path in asked), asked


def test_more_than_a_page_is_listed_whole(
    proxy: Proxy, models: Models, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline.scanners.models.sagemaker.registry.PAGE", 1)
    registry.sagemaker.create_model_package_group(ModelPackageGroupName="empty")
    assert {"fraud/1", "fraud/2"} <= set(facts(models))
    listed = [each for each in proxy.calls if each.endswith(("PackageGroups", "Packages"))]
    assert len(listed) >= 4


def test_prefixes_and_several_parts(proxy: Proxy, models: Models, registry: Registry) -> None:
    registry.put("fraud/3/a.safetensors", hostile.safetensors())
    registry.put("fraud/3/deep/b.pkl", hostile.bad())
    registry.put("fraud/3/deep/model.tar.gz", GOOD)
    folder = {"S3Uri": "s3://models/fraud/3/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    registry.register(
        {"ModelDataSource": {"S3DataSource": folder}},
        "s3://models/fraud/3/deep/model.tar.gz",
        "s3://models/fraud/1/model.tar.gz",
        "s3://models/fraud/3/a.safetensors",
    )
    outcome = models.completed("picklescan", secrets=SECRETS)
    assert "fraud/3/deep/b.pkl" in {each.subject for each in outcome.observations}
    assert {each for each in facts(models) if each.startswith("fraud/3/")} == {
        "fraud/3/a.safetensors",
        "fraud/3/deep/b.pkl",
        "fraud/3/deep/model.tar.gz",
        "fraud/3/part-2/model.tar.gz",
        "fraud/3/part-3/model.tar.gz",
        "fraud/3/part-4/a.safetensors",
    }


def test_what_cannot_be_read_is_a_gap(proxy: Proxy, models: Models, registry: Registry) -> None:
    registry.register({})
    registry.register("https://models.s3.amazonaws.com/fraud/1/model.tar.gz")
    registry.register("s3://models/fraud/gone/model.tar.gz")
    registry.register("s3://models/fraud/1/model.tar.gz", {})
    loose = {"S3Uri": "s3://models/fraud", "S3DataType": "S3Prefix", "CompressionType": "None"}
    registry.register({"ModelDataSource": {"S3DataSource": loose}})
    registry.sagemaker.create_model_package(ModelPackageGroupName="fraud")
    assert gaps(guarded(models)) == {
        ("fraud/3/", GapReason.UNSUPPORTED),
        ("fraud/4/", GapReason.UNSUPPORTED),
        ("fraud/5/", GapReason.MISSING_OBJECT),
        ("fraud/6/part-2/", GapReason.UNSUPPORTED),
        ("fraud/7/", GapReason.UNSUPPORTED),
        ("fraud/8/", GapReason.UNSUPPORTED),
    }


def test_the_origin_is_known(proxy: Proxy, models: Models, registry: Registry) -> None:
    models.rules |= {"provenance": ["commit", "dataset"], "licences": ["mit"]}
    rules = {"provenance-missing", "licence-missing"}
    assert rules <= {each.rule for each in guarded(models).observations}
    registry.register(
        "s3://models/fraud/1/model.tar.gz",
        status="Approved",
        MetadataProperties={"CommitId": "0af3"},
        CustomerMetadataProperties={"dataset": "cards", "license": "mit"},
    )
    assert not rules & {each.rule for each in guarded(models).observations}


DENIED = b'{"__type": "AccessDeniedException", "Message": "no"}'


@pytest.mark.parametrize(
    "fault",
    [
        Fault(400, DENIED),
        Fault(302, b"", (("Location", "http://127.0.0.1:1/"),)),
        Fault(200, b"<html>"),
        Fault(half=True),
        Fault(200, b"{" * 999, drips=True),
    ],
)
@pytest.mark.parametrize("call", ["ListModelPackageGroups", "ListModelPackages"])
def test_a_listing_that_is_none_is_failed(
    proxy: Proxy, models: Models, fault: Fault, call: str
) -> None:
    proxy.fail(f"SageMaker.{call}", fault)
    started = time.monotonic()
    more = within(2) if fault.drips else {}
    outcome = models.look("model-guard", secrets=SECRETS, **more).outcome
    assert isinstance(outcome, Failed), outcome
    assert "SageMaker" in outcome.error
    assert "secret" not in outcome.error
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(400, DENIED), GapReason.FORBIDDEN),
        (Fault(200, b"<html>"), GapReason.UNPARSED),
        (Fault(200, b"{" * 999, drips=True), GapReason.TRUNCATED),
    ],
)
def test_a_version_that_is_not_described_is_a_gap(
    proxy: Proxy, models: Models, fault: Fault, reason: GapReason
) -> None:
    proxy.fail("DescribeModelPackage", fault, times=1)  # what is approved comes first
    more = within(6) if fault.drips else {}
    started = time.monotonic()
    outcome = models.completed("model-guard", secrets=SECRETS, **more)
    assert time.monotonic() - started < 30
    described = {gap for gap in gaps(outcome) if gap[1] is reason}
    assert len(described) == 1
    assert described <= {("fraud/1/", reason), ("fraud/2/", reason)}
    served = [fact for fact in outcome.facts if fact.subject == "fraud@production"]
    assert [fact.value for fact in served] == ["1"]


def test_a_busy_registry_is_asked_again(proxy: Proxy, models: Models) -> None:
    busy = Fault(400, b'{"__type": "ThrottlingException", "Message": "later"}')
    proxy.fail("DescribeModelPackage", busy, times=1)
    assert gaps(guarded(models)) == set()


def test_nobody_there_and_a_credential_that_is_none(proxy: Proxy, models: Models) -> None:
    outcome = models.look("model-guard", secrets={"AWS": "secret-alone"}).outcome
    assert isinstance(outcome, Failed)
    assert "secret-alone" not in outcome.error
    models.settings["endpoint"] = "http://127.0.0.1:9"
    outcome = models.look("modelaudit", secrets=SECRETS).outcome
    assert isinstance(outcome, Failed)
    assert "EndpointConnectionError" in outcome.error
