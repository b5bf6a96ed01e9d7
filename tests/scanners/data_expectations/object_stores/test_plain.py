"""Stores that are reached without TLS, though not on this machine itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from store_proxy import Fault, Proxy


def rules(look: Any) -> set[tuple[str, str]]:
    return {(o.rule, o.subject.partition("/")[0]) for o in look.outcome.observations}


def test_s3(s3: Any, moto: str, look_at_s3: Any, elsewhere: Callable[[str], str]) -> None:
    s3.create_bucket(Bucket="first")

    plain = look_at_s3(endpoint_url=elsewhere(moto))
    here = look_at_s3(endpoint_url=moto)

    assert ("connection-without-tls", "connection") in rules(plain)
    assert ("connection-without-tls", "connection") not in rules(here)


def test_google(
    fake_gcs: str, look_at_gcs: Any, gcs_proxy: Proxy, answer_json: Callable[..., Fault],
    elsewhere: Callable[[str], str],
) -> None:  # fmt: skip
    listed = {"kind": "storage#buckets", "items": [{"name": "first"}]}
    gcs_proxy.fail("/iam", answer_json({"version": 3, "etag": "CAE="}))
    gcs_proxy.fail("/o?", answer_json({"kind": "storage#objects"}))
    gcs_proxy.fail("/storage/v1/b?", answer_json(listed))

    plain = look_at_gcs(endpoint_url=elsewhere(gcs_proxy.url))

    assert ("connection-without-tls", "connection") in rules(plain)
    assert ("connection-without-tls", "connection") not in rules(look_at_gcs())
