"""The certificate that a real PostgreSQL server shows: good, near its end, another host's, none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from compline.model import GapReason, Severity
from compline.scanners.stores.postgresql import queries
from compline.scanners.stores.tls import POSTGRESQL, Handshake, shake_hands

_PLACE = "certificate/127.0.0.1"


@pytest.mark.parametrize(
    ("made", "rule", "severity"),
    [
        ({"after": datetime(2026, 1, 20, tzinfo=UTC)}, "certificate-expiry", Severity.MEDIUM),
        ({"after": datetime(2025, 12, 31, tzinfo=UTC)}, "certificate-not-valid", Severity.HIGH),
        ({"before": datetime(2026, 1, 2, tzinfo=UTC)}, "certificate-not-valid", Severity.HIGH),
        ({"host": "127.0.0.2"}, "certificate-of-another-host", Severity.LOW),
    ],
)
def test_a_certificate_that_is_not_in_order(
    good: Any, look_at: Any, found: Any, made: Any, rule: str, severity: Severity
) -> None:
    good.show_certificate(**made)
    try:
        look = look_at(url=good.url())
    finally:
        good.show_certificate()

    assert {key: s for key, s in found(look).items() if key[1] == _PLACE} == {
        (rule, _PLACE): severity
    }


def test_a_handshake_that_does_not_come_about_is_a_gap(
    good: Any, look_at: Any, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        queries, "shake_hands", lambda *_: Handshake("127.0.0.1", error="no TLS handshake (E)")
    )

    look = look_at(url=good.url())

    (gap,) = look.outcome.gaps
    assert (gap.reason, gap.path) == (GapReason.NOT_REPORTED, "certificate/")
    assert not any(place == _PLACE for _, place in found(look))


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that answers the request for TLS with this and closes."""

    def serve() -> None:
        end, _ = listener.accept()
        with end:
            end.recv(8)
            end.sendall(answer)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize(
    ("answer", "refused", "error"),
    [
        (b"N", True, ""),
        (b"E", False, "the answer to a request for TLS is none"),
        (b"", False, "the answer to a request for TLS is none"),
        (b"S", False, "no TLS handshake (SSLEOFError)"),
    ],
)
def test_servers_that_do_not_shake_hands(answer: bytes, refused: bool, error: str) -> None:
    with answering(answer) as port:
        shown = shake_hands("127.0.0.1", port, "localhost", 5, POSTGRESQL)

    assert (shown.refused, shown.error) == (refused, error)


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert shake_hands("127.0.0.1", port, "x", 5).error == (
        "no TLS handshake (ConnectionRefusedError)"
    )
