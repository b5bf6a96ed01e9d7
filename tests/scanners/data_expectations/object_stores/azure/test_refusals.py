"""Azure that refuses, is busy, is slow or breaks off: Failed or a gap, never clean."""

from __future__ import annotations

from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from store_proxy import Fault, Proxy

from compline.model import Completed, GapReason


@pytest.fixture
def one(blobs: BlobServiceClient) -> None:
    blobs.create_container("first")


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("/first?restype=container&comp=acl", "bucket/first/access-policy/"),
        ("/first?restype=container&comp=list", "bucket/first/objects"),
        ("?restype=service&comp=properties", "account/devstoreaccount1/access-log"),
    ],
)
def test_one_refused_question_is_a_gap(
    one: None, look_at_azure: Any, azure_proxy: Proxy, part: str, place: str
) -> None:
    azure_proxy.fail(part, Fault(403))
    outcome = look_at_azure().outcome

    assert isinstance(outcome, Completed)
    assert [g.path for g in outcome.gaps if g.reason == GapReason.FORBIDDEN] == [place]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(403), "list of containers: 403"),
        (Fault(401), "does not accept the credential"),
        (Fault(503), "the store is busy"),
        (Fault(429, headers=(("Retry-After", "600"),)), "the store is busy"),
        (Fault(seconds=5), "did not answer"),
        (Fault(half=True), "list of containers"),
    ],
)
def test_no_list_of_containers(
    one: None, look_at_azure: Any, error_of: Any, azure_proxy: Proxy, fault: Fault, said: str
) -> None:
    azure_proxy.fail("?comp=list", fault)

    assert said in error_of(look_at_azure(seconds=2))


def test_a_busy_store_is_asked_again_when_it_says(
    one: None, look_at_azure: Any, azure_proxy: Proxy
) -> None:
    azure_proxy.fail("comp=acl", Fault(503, headers=(("Retry-After", "1"),)), times=1)

    assert isinstance(look_at_azure().outcome, Completed)
    assert azure_proxy.paused("comp=acl") >= 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(403), ""),
        (Fault(body=b"{"), "broke off"),
        (Fault(401), "does not accept the credential"),
        (Fault(429, headers=(("Retry-After", "600"),)), "the store is busy"),
        (Fault(seconds=3), "still answering after 1 s"),
    ],
)
def test_resource_manager_refuses(
    one: None, look_as_application: Any, reading_proxy: Proxy, fault: Fault, said: str
) -> None:
    reading_proxy.fail("/subscriptions/", fault)
    outcome = look_as_application(seconds=1 if fault.seconds else 30).outcome

    if said:
        assert said in outcome.error
    else:
        places = {g.path for g in outcome.gaps if g.reason == GapReason.FORBIDDEN}
        assert {"account/devstoreaccount1/transport", "bucket/first/encryption"} <= places


def test_a_store_that_is_stopped(look_at: Any, connect: Any, error_of: Any) -> None:
    url = "http://127.0.0.1:9"
    given = {"kind": "azure-blob", "credential": "env:STORE_URL"}
    given["account_url"] = f"{url}/devstoreaccount1"

    assert "no connection" in error_of(look_at(url=connect(url), seconds=2, **given))


@pytest.mark.parametrize("answer", ["a page", "garbage", "nothing", "a redirect"])
@pytest.mark.parametrize(
    "part", ["comp=properties", "?comp=list", "comp=acl", "restype=container&comp=list"]
)
def test_what_is_no_answer_of_azure(
    blobs: BlobServiceClient, look_at_azure: Any, azure_proxy: Proxy, part: str, answer: str
) -> None:
    blobs.create_container("first", public_access="container")
    blobs.get_blob_client("first", "a").upload_blob(b"x")
    xml = (("Content-Type", "application/xml"),)
    azure_proxy.fail(part, {
        "a page": Fault(200, b"<html><body>Please log in</body></html>", xml),
        "garbage": Fault(200, b"\x00\xff garbage", xml),
        "nothing": Fault(200, b"", xml),
        "a redirect": Fault(302, headers=(("Location", "http://127.0.0.1:9/"),)),
    }[answer])  # fmt: skip

    error = look_at_azure().outcome.error

    wanted = "points to another address" if "redirect" in answer else "none of such a store"
    assert wanted in error
