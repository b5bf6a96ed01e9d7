"""Servers that drip: every look ends when its time is over, whatever its client waits for."""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest
from dripping import dripping
from store_proxy import Fault, Proxy

from compline.scanners.expectations.deadline import GRACE, within
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.tls import shake_hands

SECONDS = 2
SLACK = 6
"""For a machine that has other things to do; the servers here would drip for hours."""
_NOTICE = b"N\0\0\x75\x30S"
"""The head of a notice of 30,000 bytes, the longest that libpq takes."""
_ERROR = b"E" + _NOTICE[1:]
_LET_IN = b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I"
ENDLESS = {
    # An error whose line never ends, in the protocol of Redis.
    "redis": ("redis://u:very-secret@127.0.0.1:{port}", b"-ERR "),
    # A frame of 100,000 bytes, as the answer to the request for versions.
    "kafka": ("kafka://127.0.0.1:{port}", struct.pack("!ii", 100_000, 1)),
    "postgresql": ("postgresql://u:very-secret@127.0.0.1:{port}/d?sslmode=disable", _ERROR),
    "postgresql, after the login": (
        "postgresql://u:very-secret@127.0.0.1:{port}/d?sslmode=disable",
        _LET_IN + _NOTICE,
    ),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_a_server_that_drips(look_at: Any, error_of: Any, case: str) -> None:
    url, start = ENDLESS[case]
    with dripping(start) as port:
        started = time.monotonic()
        look = look_at(url=url.format(port=port), kind=case.split(",")[0], seconds=SECONDS)
        took = time.monotonic() - started

    error = error_of(look)
    assert took < SECONDS + GRACE + SLACK
    assert "very-secret" not in error


@pytest.mark.parametrize("part", ["/?max-buckets", "/first?encryption"])
def test_an_object_store_that_drips(
    s3: Any, look_at_s3: Any, error_of: Any, proxy: Proxy, part: str
) -> None:
    """In the list, which is asked alone, and in what is asked of eight buckets side by side."""
    s3.create_bucket(Bucket="first")
    proxy.fail(part, Fault(body=b" " * 1000, drips=True))
    started = time.monotonic()

    assert "2 s" in error_of(look_at_s3(seconds=SECONDS))
    assert time.monotonic() - started < SECONDS + GRACE + SLACK


def test_what_is_asked_in_time_is_given_and_what_it_raises_is_raised() -> None:
    assert within(1, "x", lambda: 7) == 7
    with pytest.raises(KeyError, match="told"):
        within(1, "x", lambda: {}["told"])


def test_the_message_says_where_the_seconds_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compline.scanners.expectations.deadline.GRACE", 0.1)

    with pytest.raises(CannotCollect, match=r"still answering after 0.1 s.*\(scanners.x.seconds\)"):
        within(0.1, "scanners.x.seconds", lambda: time.sleep(5))


def test_a_handshake_that_drips() -> None:
    with dripping(b"\x16\x03\x03\x3f\xff\x02\0\x3f\xfb") as port:
        started = time.monotonic()
        shown = shake_hands("127.0.0.1", port, "127.0.0.1", 1)
        took = time.monotonic() - started

    assert shown.error == "no TLS handshake (TimeoutError)"
    assert took < 1 + SLACK
