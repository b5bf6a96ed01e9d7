"""Stores that answer something else: a page of a portal, garbage, a redirect. Never clean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from store_proxy import Fault, Proxy

from compline.model import Completed

PAGE = b"<html><head><title>Welcome</title></head><body>Please log in</body></html>"
_HTML = (("Content-Type", "text/html"),)
ANSWERS = {
    "a page": Fault(200, PAGE, _HTML),
    "garbage": Fault(200, b"\x00\xff garbage"),
    "nothing": Fault(200, b""),
    "a redirect": Fault(302, headers=(("Location", "http://127.0.0.1:9/"),)),
    "another redirect": Fault(301, headers=(("Location", "http://127.0.0.1:9/"),)),
    "a client's error": Fault(400, b"no"),
}
S3 = (
    "/?max-buckets", "/first?encryption", "/first?policy", "/first?acl", "/first?list-type",
    "/first?publicAccessBlock", "/first?ownership", "/first?object-lock", "/first?versioning",
    "/first?logging", "/first?lifecycle", "/first?tagging",
)  # fmt: skip


def held(outcome: Any) -> str:
    """What is said of an answer that is none; a look that takes it for an answer is an error."""
    if isinstance(outcome, Completed):
        assert outcome.gaps
        return " ".join(gap.detail for gap in outcome.gaps)
    assert "the check itself broke" not in outcome.error
    return str(outcome.error)


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        *((part, answer) for part in S3 for answer in ("a page", "nothing", "a redirect")),
        *(("/first?acl", answer) for answer in ANSWERS),
        *(("/?max-buckets", answer) for answer in ANSWERS),
        ("/first?policy", "garbage"),
    ],
)
def test_s3(s3: Any, look_at_s3: Any, proxy: Proxy, part: str, answer: str) -> None:
    s3.create_bucket(Bucket="first")
    s3.put_bucket_acl(Bucket="first", ACL="public-read")
    proxy.fail(part, ANSWERS[answer])

    said = held(look_at_s3().outcome)

    if "redirect" in answer:
        assert "points to another address, which is not followed" in said
    if answer == "a page" and part != "/first?policy":
        assert "the answer is none of such a store" in said


def test_an_access_list_without_a_list(s3: Any, look_at_s3: Any, proxy: Proxy) -> None:
    s3.create_bucket(Bucket="first")
    body = b"<AccessControlPolicy><Owner><ID>me</ID></Owner></AccessControlPolicy>"
    proxy.fail("/first?acl", Fault(200, body))

    assert "access list is not understood" in held(look_at_s3().outcome)


@pytest.mark.parametrize("answer", [*ANSWERS, "an empty object", "a list"])
@pytest.mark.parametrize("part", ["/storage/v1/b?", "/b/first/iam", "/b/first/o?", "/token"])
def test_google(
    look_at_gcs: Any, gcs_proxy: Proxy, answer_json: Callable[..., Fault], part: str, answer: str
) -> None:
    bucket = {
        "name": "first", "iamConfiguration": {"publicAccessPrevention": "inherited"}
    }  # fmt: skip
    everyone = {"role": "roles/storage.objectViewer", "members": ["allUsers"]}
    faults = {**ANSWERS, "an empty object": answer_json({}), "a list": answer_json([])}
    gcs_proxy.faults.insert(0, lambda _m, path: faults[answer] if part in path else None)
    gcs_proxy.fail("/iam", answer_json({"version": 3, "etag": "CAE=", "bindings": [everyone]}))
    gcs_proxy.fail("/o?", answer_json({"kind": "storage#objects", "items": [{"name": "m"}]}))
    gcs_proxy.fail("/storage/v1/b?", answer_json({"kind": "storage#buckets", "items": [bucket]}))

    said = held(look_at_gcs().outcome)

    if "redirect" in answer and part != "/token":
        assert "points to another address, which is not followed" in said
