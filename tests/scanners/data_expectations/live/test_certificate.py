"""The certificate that a real PostgreSQL server shows: good, near its end, another host's, none."""

from __future__ import annotations

import pickle
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from certificates import lax_openssl, write_certificate

from compline.model import GapReason, Severity
from compline.scanners.stores.certificate import certificates
from compline.scanners.stores.postgresql import collector as postgresql
from compline.scanners.stores.postgresql import queries
from compline.scanners.stores.tls import POSTGRESQL, Handshake, shake_hands

_PLACE = "certificate/127.0.0.1"
GOOD_CIPHERS = "HIGH:!aNULL:!3DES"


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


def test_a_weak_key_and_weak_ciphers(good: Any, look_at: Any, found: Any) -> None:
    """Servers refuse such keys by themselves unless they are told not to."""
    good.set("ssl_ciphers", "HIGH:MEDIUM:@SECLEVEL=0")
    good.show_certificate(rsa_bits=1024)
    try:
        look = look_at(url=good.url())
    finally:
        good.show_certificate()
        good.set("ssl_ciphers", GOOD_CIPHERS)

    assert look.outcome.gaps == ()
    assert found(look)["weak-certificate", _PLACE] == Severity.MEDIUM
    assert found(look)["weak-ciphers", "setting/ssl_ciphers"] == Severity.MEDIUM


_ASK = """
import pickle, sys
from compline.scanners.stores.postgresql.queries import ask
sys.stdout.buffer.write(pickle.dumps(ask(sys.stdin.read(), 30)))
"""


def test_a_connection_by_tls_before_1_2(
    good: Any, look_at: Any, found: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of its own asks, since OpenSSL reads but once what it may agree to."""
    old = f"{good.url()}&ssl_min_protocol_version=TLSv1&ssl_max_protocol_version=TLSv1.1"
    good.set("ssl_min_protocol_version", "TLSv1")
    try:
        told = subprocess.run(
            [sys.executable, "-c", _ASK], input=old.encode(), env=lax_openssl(tmp_path),
            stdout=subprocess.PIPE, check=True, timeout=60,
        )  # fmt: skip
        now = found(look_at(url=good.url()))
    finally:
        good.set("ssl_min_protocol_version", "TLSv1.2")
    answers = pickle.loads(told.stdout)
    assert answers.rows["connection"][0][:2] == (True, "TLSv1.1")
    monkeypatch.setattr(postgresql, "ask", lambda *_: answers)

    then = found(look_at(url=old))

    assert then == {**now, ("connection-with-old-tls", "connection/postgres"): Severity.HIGH}
    assert ("weak-tls-version", "setting/ssl_min_protocol_version") in now


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
        # An end of the stream, or a reset: whichever comes first.
        (b"S", False, "no TLS handshake ("),
    ],
)
def test_servers_that_do_not_shake_hands(answer: bytes, refused: bool, error: str) -> None:
    with answering(answer) as port:
        shown = shake_hands("127.0.0.1", port, "localhost", 5, POSTGRESQL)

    assert shown.refused is refused
    assert shown.error.startswith(error)
    assert bool(shown.error) is bool(error)


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert shake_hands("127.0.0.1", port, "x", 5).error == (
        "no TLS handshake (ConnectionRefusedError)"
    )


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_a_server_of_old_times_is_still_seen(tmp_path: Path) -> None:
    """Its version and its key are what should be told, so they must not end the handshake."""
    write_certificate(tmp_path, rsa_bits=1024)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    def serve() -> None:
        end, _ = listener.accept()
        with end, suppress(OSError), context.wrap_socket(end, server_side=True) as secured:
            secured.recv(1)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        shown = shake_hands("127.0.0.1", listener.getsockname()[1], "127.0.0.1", 5)
        thread.join(5)

    assert (shown.error, shown.version) == ("", "TLSv1.1")
    (row,) = certificates([shown], datetime(2026, 1, 1, tzinfo=UTC))
    assert (row["key"], row["strong"]) == ("RSA 1024, sha256", False)
