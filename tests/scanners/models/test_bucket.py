"""Models in a bucket of moto's S3 server: its ETags, one changed byte, refusals; only read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import hostile_models as hostile
import httpx
import pytest
from aws_server import read_from, serving_aws
from model_folders import TONIGHT, Models
from store_proxy import Fault, Proxy, proxying

from compline.model import Completed, Failed, GapReason


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The server's URL."""
    with serving_aws() as url:
        yield url


@pytest.fixture
def bucket(server: str, models: Models, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client that may write; the scanners see the same bucket."""
    read_from(server, monkeypatch)
    client = boto3.client("s3")
    client.create_bucket(Bucket="models")
    models.url = "s3://models/fraud"
    yield client
    httpx.post(f"{server}/moto-api/reset").raise_for_status()


def put(client: Any, path: str, content: bytes) -> None:
    client.put_object(Bucket="models", Key=f"fraud/{path}", Body=content)


def test_a_bad_file_is_found_and_one_changed_byte_is_one_changed_fact(
    bucket: Any, models: Models
) -> None:
    put(bucket, "1/model.pt", hostile.torch_zip(hostile.bad()))
    put(bucket, "1/weights.safetensors", hostile.safetensors())
    found = models.completed("picklescan").observations
    assert [each.subject for each in found] == ["fraud/1/model.pt"]
    before = models.facts()
    put(bucket, "1/weights.safetensors", hostile.safetensors()[:-1] + b"\1")
    after = models.facts(now=TONIGHT + timedelta(days=1))
    assert [each for each in before if before[each] != after[each]] == [
        "fraud/1/weights.safetensors"
    ]


def test_what_did_not_move_is_not_fetched(
    bucket: Any, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compline.scanners.models.places.s3 import Bucket

    put(bucket, "1/model.safetensors", hostile.safetensors())
    models.facts()
    opened: list[str] = []
    real = Bucket.open
    monkeypatch.setattr(
        Bucket, "open", lambda self, one: (opened.append(one.path), real(self, one))[1]
    )
    models.facts(now=TONIGHT + timedelta(hours=1))
    assert opened == []
    put(bucket, "1/model.safetensors", hostile.safetensors()[:-1] + b"\1")
    models.facts(now=TONIGHT + timedelta(hours=2))
    assert opened == ["model.safetensors"]


def test_a_target_brings_its_own_store_and_credential(
    bucket: Any, server: str, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "1/model.safetensors", hostile.safetensors())
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    models.settings = {"endpoint": server, "credential": "env:STORE"}
    assert models.facts(secrets={"STORE": "reader:secret"})["fraud/1"].startswith("1 files")
    outcome = models.look("model-guard", secrets={"STORE": "secret-alone"}).outcome
    assert isinstance(outcome, Failed)
    assert "secret-alone" not in outcome.error


def test_more_than_a_page_is_listed_whole(
    bucket: Any, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline.scanners.models.places.s3.PAGE", 2)
    for number in range(5):
        put(bucket, f"1/{number}.txt", b"words")
    assert models.facts()["fraud/1"].startswith("5 files")


def test_no_bucket_an_empty_one_and_no_server_are_failed(
    bucket: Any, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(models.look("model-guard").outcome, Failed)
    put(bucket, "1/model.safetensors", hostile.safetensors())
    assert isinstance(models.look("model-guard").outcome, Completed)
    models.url = "s3://nowhere/fraud"
    outcome = models.look("modelaudit").outcome
    assert isinstance(outcome, Failed)
    assert "NoSuchBucket" in outcome.error
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    outcome = models.look("modelaudit").outcome
    assert isinstance(outcome, Failed)
    assert "secret" not in outcome.error


LISTING, READING = "list-type=2", "/fraud/1/model.pkl"


def within(seconds: int) -> dict[str, Any]:
    """A section of the configuration."""
    return {"scanners": {"model-guard": {"seconds": seconds}}}


@pytest.fixture
def proxy(server: str, bucket: Any, models: Models, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A recording proxy before the store, of which one file runs code."""
    monkeypatch.setattr("compline.scanners.expectations.deadline.GRACE", 0.5)
    put(bucket, "1/model.pkl", hostile.bad())
    with proxying(server) as running:
        models.settings = {"endpoint": running.url}
        yield running


def test_nothing_is_sent_but_reading_calls(proxy: Proxy, models: Models) -> None:
    for scanner in ("picklescan", "model-guard"):
        models.completed(scanner)
    assert {method for method, _ in proxy.requests} == {"GET"}
    assert {path.partition("?")[0] for _, path in proxy.requests} == {
        "/models", "/models/fraud/1/model.pkl"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(403, b"<Error><Code>AccessDenied</Code></Error>"), "AccessDenied"),
        (Fault(429, b""), "429"),
        (Fault(302, b"", (("Location", "http://127.0.0.1:1/"),)), "302"),
        (Fault(200, b"<html>"), "500"),
        (Fault(half=True), ""),
        (Fault(seconds=9), "still answering after 1 s"),
        (Fault(200, b" " * 999, drips=True), "still answering after 1 s"),
    ],
)
def test_a_listing_that_is_none_is_failed(
    proxy: Proxy, models: Models, fault: Fault, said: str
) -> None:
    proxy.fail(LISTING, fault)
    endless = fault.seconds or fault.drips
    outcome = models.look("picklescan", **(within(1) if endless else {})).outcome
    assert isinstance(outcome, Failed), outcome
    assert "s3://models" in outcome.error
    assert said in outcome.error


def test_a_busy_store_is_asked_again(proxy: Proxy, models: Models) -> None:
    proxy.fail(LISTING, Fault(503, b"<Error><Code>SlowDown</Code></Error>"), times=1)
    assert len(models.completed("picklescan").observations) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(403, b"<Error><Code>AccessDenied</Code></Error>"),
        Fault(half=True),
        Fault(seconds=9),
    ],
)
def test_a_file_that_is_not_given_out_is_a_gap(proxy: Proxy, models: Models, fault: Fault) -> None:
    proxy.fail(READING, fault)
    more = within(3) if fault.seconds else {}  # enough for the listing on a busy machine
    (gap,) = models.completed("picklescan", **more).gaps
    assert gap.path == "fraud/1/model.pkl"


def test_a_file_that_drips_is_given_up(
    proxy: Proxy, models: Models, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline.scanners.models.places.pace.SLOWEST", 1 << 30)
    body = hostile.bad()
    tag = bucket.head_object(Bucket="models", Key="fraud/1/model.pkl")["ETag"]
    proxy.fail(READING, Fault(200, body, (("ETag", tag),), drips=True))
    (gap,) = models.completed("picklescan", **within(3)).gaps
    assert (gap.path, gap.reason) == ("fraud/1/model.pkl", GapReason.TRUNCATED)
    assert "slowly or without end (scanners.model-guard.seconds)" in gap.detail
