"""Servers whose TLS handshake drips, hangs or breaks: for all questions, or for sslyze alone."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from endpoints import Served, listening

from compline.model import Completed
from compline.scanners.endpoints import asking, tls


def dripping(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"\x16\x03\x03\x40\x00\x02")
    for _ in range(300):
        connection.sendall(b"\0")
        time.sleep(0.1)


def hanging(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def closing(connection: socket.socket) -> None:
    connection.recv(4096)


def speaking_no_tls(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (dripping, "no TLS handshake was ended within 0.5 seconds"),
        (hanging, "no TLS handshake was ended within 0.5 seconds"),
        (closing, "no connection"),
        (speaking_no_tls, "no connection ([SSL"),
    ],
)
def test_no_handshake_at_all_is_failed(
    look_at: Any,
    error_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[socket.socket], None],
    message: str,
) -> None:
    monkeypatch.setattr(asking, "CALL_SECONDS", 1.0)
    with listening(answer) as port:
        started = time.monotonic()
        error = error_of(look_at(port))
    assert error.startswith("the endpoint is not well: ")
    assert message in error
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("later", [dripping, closing])
def test_handshakes_that_only_sslyze_does_not_get_are_a_gap(
    look_at: Any,
    good: Served,
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[[socket.socket], None],
) -> None:
    over = threading.Event()
    scan, took = tls.scan, list[float]()

    def after_the_questions(*given: Any) -> Any:
        over.set()
        started = time.monotonic()
        try:
            return scan(*given)
        finally:
            took.append(time.monotonic() - started)

    def relay(connection: socket.socket) -> None:
        if over.is_set():
            later(connection)
            return
        with socket.create_connection(("127.0.0.1", good.port)) as upstream:
            back = threading.Thread(target=_copy, args=(upstream, connection), daemon=True)
            back.start()
            _copy(connection, upstream)
            back.join(5)

    monkeypatch.setattr(tls, "scan", after_the_questions)
    with listening(relay) as port:
        look = look_at(port, seconds=10)

    assert isinstance(look.outcome, Completed), look.outcome
    (gap,) = look.outcome.gaps
    assert gap.path == "tls/"
    assert "sslyze" in gap.detail
    assert look.outcome.observations == ()
    assert took[0] < 6 + 4, "its share of the time, and what it takes to end it"


def _copy(source: socket.socket, destination: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_WR)
