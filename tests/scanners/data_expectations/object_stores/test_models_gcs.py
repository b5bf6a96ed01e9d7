"""Models in Google Cloud Storage: its generations, one changed byte, refusals; only read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import hostile_models as hostile
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from model_folders import TONIGHT, Models
from store_proxy import Fault, Proxy

from compline.model import Completed, Failed, GapReason, Target, TargetKind
from compline.scanners.interface import Job, ScanContext
from compline.scanners.registries.scanner import RegistryPermissions
from compline.tools.toolbox import Toolbox

SAFE = hostile.safetensors()


@pytest.fixture
def bucket(fake_gcs: str) -> Any:
    """A bucket, for arranging."""
    client = storage.Client(
        project="p", credentials=AnonymousCredentials(), client_options={"api_endpoint": fake_gcs}
    )
    for name in ("models", "empty"):
        if client.lookup_bucket(name) is None:
            client.create_bucket(name)
    made = client.bucket("models")
    for blob in list(made.list_blobs()):
        blob.delete()
    return made


@pytest.fixture
def models(
    tmp_path: Path,
    context: Callable[..., ScanContext],
    tools: Callable[..., Toolbox],
    gcs_proxy: Proxy,
    private_key: str,
) -> Models:
    """The bucket's folder `fraud`, seen through the proxy by a service account."""
    account = {
        "type": "service_account",
        "client_email": "compline@our-project.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": private_key,
        "token_uri": f"{gcs_proxy.url}/token",
    }

    def scene(*arguments: Any, **more: Any) -> ScanContext:
        secrets = {"STORE": json.dumps(account), **more.pop("secrets", {})}
        return context(*arguments, secrets=secrets, **more)

    found = Models(tmp_path, scene, tools("modelaudit", "picklescan", "model-signing"))
    found.url = "gs://models/fraud"
    found.settings = {"endpoint": gcs_proxy.url, "credential": "env:STORE"}
    return found


def put(bucket: Any, path: str, content: bytes) -> None:
    bucket.blob(f"fraud/{path}").upload_from_string(content)


def test_a_bad_file_is_found_and_one_changed_byte_is_one_changed_fact(
    bucket: Any, models: Models, gcs_proxy: Proxy
) -> None:
    put(bucket, "1/model.pt", hostile.torch_zip(hostile.bad()))
    put(bucket, "1/weights.safetensors", SAFE)
    for scanner in ("modelaudit", "picklescan"):
        found = models.completed(scanner).observations
        assert [each.subject for each in found] == ["fraud/1/model.pt"]
    before = models.facts()
    asked = len(gcs_proxy.requests)
    assert models.facts(now=TONIGHT + timedelta(hours=1)) == before
    again = [path for _, path in gcs_proxy.requests[asked:] if "/token" not in path]
    assert len(again) == 1, "what did not move is listed and not fetched"
    put(bucket, "1/weights.safetensors", SAFE[:-1] + b"\1")
    after = models.facts(now=TONIGHT + timedelta(hours=2))
    changed = [each for each in before if before[each] != after[each]]
    assert changed == ["fraud/1/weights.safetensors"]
    assert {m for m, path in gcs_proxy.requests if "/token" not in path} == {"GET"}


def test_an_object_that_was_replaced_meanwhile_is_a_gap(
    bucket: Any, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compline.scanners.models.places.gcs import GoogleBucket

    put(bucket, "1/model.pkl", hostile.bad())
    real = GoogleBucket.files

    def files(self: GoogleBucket) -> Any:
        found = real(self)
        put(bucket, "1/model.pkl", hostile.good())
        return found

    monkeypatch.setattr(GoogleBucket, "files", files)
    outcome = models.completed("picklescan")
    assert outcome.observations == ()
    assert [gap.path for gap in outcome.gaps] == ["fraud/1/model.pkl"]
    assert outcome.gaps[0].reason in (GapReason.FORBIDDEN, GapReason.TRUNCATED)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(403, b"{}"), "403"),
        (Fault(401, b"{}"), "401"),
        (Fault(429, b"{}"), "429"),
        (Fault(500, b"{}"), "500"),
        (Fault(302, b"", (("Location", "http://127.0.0.1:1/"),)), ""),
        (Fault(200, b"<html>"), ""),
        (Fault(half=True), ""),
        (Fault(seconds=3), ""),
    ],
)
def test_an_answer_that_is_none_is_failed(
    bucket: Any, models: Models, gcs_proxy: Proxy, fault: Fault, said: str
) -> None:
    put(bucket, "1/model.safetensors", SAFE)
    gcs_proxy.fail("/o?", fault)
    outcome = models.look("model-guard", scanners={"model-guard": {"seconds": 2}}).outcome
    assert isinstance(outcome, Failed), outcome
    assert said in outcome.error
    assert "gs://models cannot be listed" in outcome.error


def test_no_bucket_an_empty_one_and_a_credential_that_is_none_are_failed(
    bucket: Any, models: Models
) -> None:
    put(bucket, "1/model.safetensors", SAFE)
    assert isinstance(models.look("model-guard").outcome, Completed)
    for url, said in (("gs://nowhere/x", "404"), ("gs://empty", "holds nothing")):
        models.url = url
        outcome = models.look("model-guard").outcome
        assert isinstance(outcome, Failed)
        assert said in outcome.error
    models.url = "gs://models/fraud"
    outcome = models.look("model-guard", secrets={"STORE": '{"private_key": "half'}).outcome
    assert isinstance(outcome, Failed)
    assert "half" not in outcome.error


def test_a_bucket_as_registry_is_listed_by_its_generations(bucket: Any, models: Models) -> None:
    settings = {"kind": "directory", "url": models.url, **models.settings}

    def look() -> Completed:
        target = Target(TargetKind.MODEL_REGISTRY, "released", models.url, settings=settings)
        asked = models.context(None, scanners={"model-guard": {"enabled": False}})
        (found,) = RegistryPermissions().scan([Job(target, "")], asked)
        assert isinstance(found.outcome, Completed), found.outcome
        return found.outcome

    for version in ("1", "2"):
        put(bucket, f"scoring/{version}/model.safetensors", SAFE)
    before = look()
    assert before.observations == ()
    assert [gap.path for gap in before.gaps] == ["mode/"], "a bucket has no modes"
    put(bucket, "scoring/1/model.safetensors", SAFE[:-1] + b"\1")
    changed = {fact.subject for fact in set(before.facts) ^ set(look().facts)}
    assert changed == {"version/scoring/1"}
