"""Models in Azure Blob Storage: its ETags, one changed byte, refusals; only read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hostile_models as hostile
import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ResourceTypes,
    generate_account_sas,
)
from model_folders import TONIGHT, Models
from store_proxy import Fault, Proxy

from compline.model import Completed, Failed, GapReason
from compline.scanners.interface import ScanContext
from compline.tools.toolbox import Toolbox

SAFE = hostile.safetensors()


@pytest.fixture
def container(blobs: BlobServiceClient) -> Any:
    """A container, for arranging."""
    blobs.create_container("empty")
    return blobs.create_container("models")


@pytest.fixture
def models(
    tmp_path: Path,
    context: Callable[..., ScanContext],
    tools: Callable[..., Toolbox],
    azure_proxy: Proxy,
    blobs: BlobServiceClient,
) -> Models:
    """The container's folder `fraud`, seen through the proxy; the signature reads and lists."""
    assert blobs.account_name
    signature = generate_account_sas(
        blobs.account_name,
        blobs.credential.account_key,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, list=True),
        datetime.now(UTC) + timedelta(hours=1),
    )
    endpoint = f"BlobEndpoint={azure_proxy.url}/{blobs.account_name}"
    secret = f"{endpoint};SharedAccessSignature={signature};"

    def scene(*arguments: Any, **more: Any) -> ScanContext:
        return context(*arguments, secrets={"STORE": secret, **more.pop("secrets", {})}, **more)

    found = Models(tmp_path, scene, tools("modelaudit", "picklescan", "model-signing"))
    found.url = "abfs://models/fraud"
    found.settings = {"credential": "env:STORE"}
    return found


def put(container: Any, path: str, content: bytes) -> None:
    container.upload_blob(f"fraud/{path}", content, overwrite=True)


def test_a_bad_file_is_found_and_one_changed_byte_is_one_changed_fact(
    container: Any, models: Models, azure_proxy: Proxy
) -> None:
    put(container, "1/model.pt", hostile.torch_zip(hostile.bad()))
    put(container, "1/weights.safetensors", SAFE)
    for scanner in ("modelaudit", "picklescan"):
        found = models.completed(scanner).observations
        assert [each.subject for each in found] == ["fraud/1/model.pt"]
    before = models.facts()
    asked = len(azure_proxy.requests)
    assert models.facts(now=TONIGHT + timedelta(hours=1)) == before
    assert len(azure_proxy.requests) - asked == 1, "what did not move is not fetched"
    put(container, "1/weights.safetensors", SAFE[:-1] + b"\1")
    after = models.facts(now=TONIGHT + timedelta(hours=2))
    changed = [each for each in before if before[each] != after[each]]
    assert changed == ["fraud/1/weights.safetensors"]
    assert {method for method, _ in azure_proxy.requests} == {"GET"}


def test_a_blob_that_was_replaced_meanwhile_is_a_gap(
    container: Any, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compline.scanners.models.places.azure import AzureContainer

    put(container, "1/model.pkl", hostile.bad())
    real = AzureContainer.files

    def files(self: AzureContainer) -> Any:
        found = real(self)
        put(container, "1/model.pkl", hostile.good())
        return found

    monkeypatch.setattr(AzureContainer, "files", files)
    outcome = models.completed("picklescan")
    assert [(gap.path, gap.reason) for gap in outcome.gaps] == [
        ("fraud/1/model.pkl", GapReason.TRUNCATED)
    ]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(403), "403"),
        (Fault(429), "429"),
        (Fault(500), "500"),
        (Fault(302, b"", (("Location", "http://127.0.0.1:1/"),)), ""),
        (Fault(200, b"<html>"), ""),
        (Fault(half=True), ""),
        (Fault(seconds=3), ""),
    ],
)
def test_an_answer_that_is_none_is_failed(
    container: Any, models: Models, azure_proxy: Proxy, fault: Fault, said: str
) -> None:
    put(container, "1/model.safetensors", SAFE)
    azure_proxy.fail("comp=list", fault)
    # What the library says after its own tries comes first, where the time is long enough for them.
    seconds = 9 if said else 2
    outcome = models.look("model-guard", scanners={"model-guard": {"seconds": seconds}}).outcome
    assert isinstance(outcome, Failed), outcome
    assert said in outcome.error
    assert "abfs://models cannot be listed" in outcome.error


def test_no_container_an_empty_one_and_a_credential_that_is_none_are_failed(
    container: Any, models: Models
) -> None:
    put(container, "1/model.safetensors", SAFE)
    assert isinstance(models.look("model-guard").outcome, Completed)
    for url, said in (("abfs://nowhere/x", "404"), ("abfs://empty", "holds nothing")):
        models.url = url
        outcome = models.look("model-guard").outcome
        assert isinstance(outcome, Failed)
        assert said in outcome.error
    models.url = "abfs://models/fraud"
    outcome = models.look("model-guard", secrets={"STORE": "AccountKey=half"}).outcome
    assert isinstance(outcome, Failed)
    assert "half" not in outcome.error
    models.settings = {}
    outcome = models.look("model-guard").outcome
    assert isinstance(outcome, Failed)
    assert "endpoint" in outcome.error
