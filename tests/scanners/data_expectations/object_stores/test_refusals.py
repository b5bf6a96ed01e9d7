"""A store that is stopped, slow, busy, refuses or breaks off: Failed or a gap, never clean."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from store_proxy import Fault, Proxy

from compline.model import Completed, GapReason

_XML = (("Content-Type", "application/xml"),)


def s3_error(code: str, status: int, **headers: str) -> Fault:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Fault(status, body, (*_XML, *((k.replace("_", "-"), v) for k, v in headers.items())))


@pytest.fixture
def two(s3: Any) -> None:
    """Two buckets, both without anything set."""
    for name in ("first", "second"):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="a", Body=b"x")


REFUSED = {
    "encryption": ("unencrypted-at-rest", "encryption"),
    "publicAccessBlock": ("public-access-not-blocked", "public-access"),
    "policy": ("tls-not-enforced", "transport"),
    "ownershipControls": ("access-lists-enabled", "access-lists"),
    "logging": ("no-access-log", "access-log"),
    "versioning": ("unversioned", "versioning"),
    "object-lock": ("no-object-lock", "object-lock"),
    "list-type": ("unencrypted-object", "objects"),
}


def test_one_refused_question_is_a_gap_for_that_question_of_that_bucket(
    s3: Any, look_at_s3: Any, found: Any, proxy: Proxy
) -> None:
    """As many buckets as questions, and in each another one is refused."""
    for number, query in enumerate(REFUSED):
        s3.create_bucket(Bucket=f"bucket{number}")
        s3.put_object(Bucket=f"bucket{number}", Key="a", Body=b"x")
        proxy.fail(f"/bucket{number}?{query}", s3_error("AccessDenied", 403))

    names = [f"bucket{number}" for number in range(len(REFUSED))]
    look = look_at_s3(buckets=[{"name": name, "classification": ["model"]} for name in names])
    seen = set(found(look))

    # The policy is half of what access is.
    gaps = {"bucket/bucket2/access/"}
    for number, (rule, place) in enumerate(REFUSED.values()):
        assert {(r, f"bucket/bucket{number}/{p}") for r, p in REFUSED.values()} - seen == {
            (rule, f"bucket/bucket{number}/{place}")
        }
        gaps.add(f"bucket/bucket{number}/{place}")
    assert {gap.path for gap in look.outcome.gaps} == gaps
    assert {gap.reason for gap in look.outcome.gaps} == {GapReason.FORBIDDEN}


def test_a_head_that_is_refused(two: None, look_at_s3: Any, found: Any, proxy: Proxy) -> None:
    """As of objects that are encrypted with a key which only their writer has."""
    proxy.fail("/first/a", Fault(400))
    look = look_at_s3()

    assert ("unencrypted-object", "bucket/second/objects") in found(look)
    assert [gap.path for gap in look.outcome.gaps] == ["bucket/first/objects"]


def test_an_account_that_may_not_ask_anything(
    two: None, look_at_s3: Any, error_of: Any, proxy: Proxy
) -> None:
    proxy.fail("/", s3_error("AccessDenied", 403))

    assert "list_buckets: AccessDenied" in error_of(look_at_s3())
    told_nothing = error_of(look_at_s3(buckets=[{"name": "first"}, {"name": "second"}]))
    assert "the store told nothing of any of 2 buckets" in told_nothing


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_a_credential_that_is_not_accepted(
    two: None, look_at_s3: Any, error_of: Any, proxy: Proxy, code: str
) -> None:
    proxy.fail("/second?logging", s3_error(code, 403))

    error = error_of(look_at_s3(credential="reader:hunter2-of-tests"))
    assert "does not accept the credential" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    "fault",
    [s3_error("SlowDown", 503, Retry_After="1"), s3_error("Throttled", 429, Retry_After="1")],
)
def test_a_busy_store_is_asked_again_when_it_says(
    two: None, look_at_s3: Any, proxy: Proxy, fault: Fault
) -> None:
    proxy.fail("/first?encryption", fault, times=1)
    look = look_at_s3()

    assert isinstance(look.outcome, Completed)
    assert look.outcome.gaps == ()
    assert proxy.paused("/first?encryption") >= 1
    assert sum("/first?encryption" in path for _, path in proxy.requests) == 2


def test_a_store_that_asks_for_more_patience_than_there_is(
    two: None, look_at_s3: Any, error_of: Any, proxy: Proxy
) -> None:
    proxy.fail("/first?encryption", s3_error("SlowDown", 503, Retry_After="600"))
    started = time.monotonic()

    assert "busy or broken (get_bucket_encryption: SlowDown)" in error_of(look_at_s3())
    assert time.monotonic() - started < 10


def test_a_slow_store(two: None, look_at_s3: Any, error_of: Any, proxy: Proxy) -> None:
    proxy.fail("/first?encryption", Fault(seconds=8))
    started = time.monotonic()

    assert "did not answer" in error_of(look_at_s3(seconds=2))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "part", ["/?max-buckets", "/first?list-type", "/first?acl", "/first?logging"]
)
def test_an_answer_that_breaks_off(
    two: None, look_at_s3: Any, error_of: Any, proxy: Proxy, part: str
) -> None:
    proxy.fail(part, Fault(half=True))

    assert "busy or broken" in error_of(look_at_s3(seconds=2))


def test_a_store_that_is_stopped(look_at_s3: Any, error_of: Any) -> None:
    assert "list_buckets" in error_of(look_at_s3(endpoint_url="http://127.0.0.1:9"))


def test_a_policy_that_is_not_one(two: None, look_at_s3: Any, found: Any, proxy: Proxy) -> None:
    proxy.fail("/first?policy", Fault(body=b'{"Statement": "none"}'))
    look = look_at_s3()

    assert ("tls-not-enforced", "bucket/first/transport") not in found(look)
    assert {(g.path, g.reason) for g in look.outcome.gaps} == {
        ("bucket/first/transport", GapReason.UNPARSED),
        ("bucket/first/access/", GapReason.UNPARSED),
    }


def test_google_refuses_one_question_and_everything(
    gcs_proxy: Proxy, answer_json: Callable[..., Fault], look_at_gcs: Any, found: Any, error_of: Any
) -> None:
    listed = {
        "kind": "storage#buckets",
        "items": [{"name": "first", "iamConfiguration": {"publicAccessPrevention": "x"}}],
    }
    gcs_proxy.fail("/first/iam", answer_json({}, 403))
    gcs_proxy.fail("/first/o?", answer_json({}, 429, Retry_After="1"), times=1)
    gcs_proxy.fail("/first/o?", answer_json({"kind": "storage#objects"}))
    gcs_proxy.fail("/storage/v1/b?", answer_json(listed))

    look = look_at_gcs()
    assert ("no-access-log", "bucket/first/access-log") in found(look)
    assert [(g.reason, g.path) for g in look.outcome.gaps] == [
        (GapReason.FORBIDDEN, "bucket/first/access/")
    ]
    assert sum("/first/o?" in path for _, path in gcs_proxy.requests) == 2
    assert gcs_proxy.paused("/first/o?") >= 1

    gcs_proxy.faults.insert(1, lambda _m, path: answer_json({}, 403) if "/v1/b?" in path else None)
    assert "list of buckets: 403" in error_of(look_at_gcs())


@pytest.mark.parametrize(
    ("part", "fault", "said"),
    [
        ("/storage/v1/b", Fault(401), "does not accept the credential"),
        ("/storage/v1/b", Fault(body=b'{"items": ['), "broke off"),
        ("/storage/v1/b", Fault(seconds=5), "did not answer"),
        ("/storage/v1/b", Fault(503), "the store is busy"),
        ("/storage/v1/b", Fault(429, headers=(("Retry-After", "600"),)), "the store is busy"),
        ("/token", Fault(400, b'{"error": "invalid_grant"}'), "does not accept the credential"),
    ],
)
def test_google_does_not_answer(
    gcs_proxy: Proxy, look_at_gcs: Any, error_of: Any, part: str, fault: Fault, said: str
) -> None:
    gcs_proxy.faults.insert(0, lambda _method, path: fault if path.startswith(part) else None)

    assert said in error_of(look_at_gcs(seconds=2))


def test_google_is_stopped(look_at_gcs: Any, error_of: Any) -> None:
    stopped = error_of(look_at_gcs(endpoint_url="http://127.0.0.1:9", seconds=2))
    assert "list of buckets: no connection" in stopped


def test_a_credential_that_is_no_account_of_google(look_at_gcs: Any, error_of: Any) -> None:
    error = error_of(look_at_gcs(credential='{"private_key": "hunter2-of-tests"}'))

    assert "must be the JSON of a service account's key" in error
    assert "hunter2" not in error
