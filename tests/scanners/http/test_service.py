"""The one client of services: its bounds hold whatever the service does."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from compline.scanners.http import client
from compline.scanners.http.answers import (
    CallsUsedUp,
    NoAnswer,
    TooLarge,
    TooSlow,
)
from compline.scanners.http.client import Service, reading
from compline.scanners.http.credentials import Bearer, basic
from compline.scanners.http.refusals import Bounds

Reply = Callable[[BaseHTTPRequestHandler], None]
Open = Callable[..., AbstractContextManager[Service]]


def whole(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **more: str) -> None:
    handler.send_response(status)
    for name, value in more.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def opened(
    server: Any, *, scheme: str = "http", auth: Any = None, seconds: float = 20, **more: Any
) -> AbstractContextManager[Service]:
    bounds = Bounds("Thing", seconds, "scanners.thing.seconds", more.pop("calls", 50), **more)
    return reading(f"{scheme}://127.0.0.1:{server.server_port}", bounds, auth)


def dripping(first: bytes) -> Reply:
    """Sends this, and then a letter now and then: each comes in time, the end never does."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        server: Any = handler.server
        try:
            handler.wfile.write(first)
            while not server.over.wait(0.1):
                handler.wfile.write(b"x")
        except OSError:
            pass
        handler.close_connection = True

    return drip


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        # Without a length the end of the connection is the end of the answer.
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
    ids=["body", "headers", "no length"],
)
def test_a_server_that_drips_is_cut_in_time(either: Any, scheme: str, first: bytes) -> None:
    either.reply = dripping(first)
    started = time.monotonic()
    with opened(either, scheme=scheme, seconds=1) as service:
        with pytest.raises(TooSlow, match=r"within 1 s \(scanners.thing.seconds\)"):
            service.get("list")
        assert time.monotonic() - started < 2
        with pytest.raises(TooSlow):
            service.get("more")
    assert len(either.asked) == 1, "nothing is asked when the time is over"


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit of a socket's counts while the system resolves a name."""
    over = threading.Event()

    def stuck(*_: Any, **__: Any) -> Any:
        over.wait(20)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    started = time.monotonic()
    bounds = Bounds("Thing", 0.5, "scanners.thing.seconds", 5)
    try:
        with reading("http://slow.example.org:9", bounds) as service, pytest.raises(TooSlow):
            service.get("list")
        assert time.monotonic() - started < 3
    finally:
        over.set()


def test_a_file_that_drips_is_cut_in_its_own_time(either: Any, scheme: str) -> None:
    either.reply = dripping(b"HTTP/1.0 200 OK\r\n\r\n")
    started = time.monotonic()
    with (
        opened(either, scheme=scheme) as service,
        service.stream("file", 1) as file,
        pytest.raises(TooSlow),
    ):
        list(iter(lambda: file.read(4), b""))
    assert time.monotonic() - started < 2


def test_a_file_is_read_after_the_time_for_answers(server: Any) -> None:
    content = bytes(range(256)) * 20_000
    server.reply = lambda handler: whole(handler, content)
    with opened(server, seconds=0.2) as service:
        service.get("list")
        time.sleep(0.3)
        with service.stream("file", 10) as file:
            assert b"".join(iter(lambda: file.read(100_000), b"")) == content


def test_a_file_that_breaks_off(server: Any) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        handler.close_connection = True

    server.reply = half
    with (
        opened(server) as service,
        service.stream("file", 5) as file,
        pytest.raises(NoAnswer, match="broke off"),
    ):
        list(iter(lambda: file.read(100), b""))


def test_a_file_that_is_refused_tells_its_status(server: Any) -> None:
    server.reply = lambda handler: whole(handler, b"", 403)
    with opened(server) as service, pytest.raises(NoAnswer) as caught, service.stream("f", 5):
        pass
    assert caught.value.status == 403


def busy(times: int, status: int, **headers: str) -> Reply:
    left = iter(range(times))

    def reply(handler: BaseHTTPRequestHandler) -> None:
        if next(left, None) is None:
            whole(handler, b"{}")
        else:
            whole(handler, b"", status, **headers)

    return reply


@pytest.mark.parametrize("status", [429, 503])
def test_a_date_to_come_again_is_waited_for(server: Any, status: int) -> None:
    then = datetime.now(UTC) + timedelta(seconds=2)
    server.reply = busy(1, status, Retry_After=format_datetime(then, usegmt=True))
    with opened(server) as service:
        assert service.get("list").json() == {}
    assert datetime.now(UTC) >= then - timedelta(seconds=1)
    assert len(server.asked) == 2


QUESTION = {"filter": "attributes.run_id IN ('a')"}
SEARCH = "api/2.0/mlflow/runs/search"


def test_a_search_is_asked_again_as_reading_is(server: Any) -> None:
    server.reply = busy(1, 429, Retry_After="0")
    with opened(server, auth=basic("reader:secret", "it")) as service:
        assert service.search(SEARCH, QUESTION).json() == {}
    assert [(how, path) for how, path, _ in server.asked] == [("POST", f"/{SEARCH}")] * 2
    assert all(login.startswith("Basic ") for *_, login in server.asked)


@pytest.mark.parametrize(
    "path",
    [
        "api/2.0/mlflow/runs/delete",
        f"{SEARCH}/../delete",
        f"/{SEARCH}",
        f"{SEARCH}?",
        "runs/search",
    ],
)
def test_nothing_else_is_sent_a_question(server: Any, path: str) -> None:
    server.reply = lambda handler: whole(handler, b"{}")
    with opened(server) as service, pytest.raises(ValueError, match="is not known to only read"):
        service.search(path, QUESTION)
    assert server.asked == []
    assert {SEARCH} == client.SEARCHES, "a path that writes must never be among them"


def test_without_a_word_it_is_waited_longer_each_time(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.1)
    server.reply = busy(2, 503)
    started = time.monotonic()
    with opened(server) as service:
        assert service.get("list").status == 200
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "30"}, {"Retry_After": "1e9"}])
def test_nobody_waits_beyond_the_time(server: Any, headers: dict[str, str]) -> None:
    server.reply = busy(9, 429, **headers)
    started = time.monotonic()
    with opened(server, seconds=0.9) as service, pytest.raises(NoAnswer, match="answers 429"):
        service.get("list")
    assert time.monotonic() - started < 0.9
    assert len(server.asked) == 1


def test_an_error_of_the_server_is_not_asked_again(server: Any) -> None:
    server.reply = busy(1, 500)
    with opened(server) as service, pytest.raises(NoAnswer, match="list answers 500"):
        service.get("list")
    assert len(server.asked) == 1


def test_a_redirect_takes_no_credential_along(server: Any) -> None:
    server.reply = lambda handler: whole(handler, b"", 302, Location="/elsewhere")
    told = "list answers 302 and redirects to another path"
    with opened(server, auth=Bearer("a-token")) as service, pytest.raises(NoAnswer, match=told):
        service.get("list")
    assert server.asked == [("GET", "/list", "Bearer a-token")]


@pytest.mark.parametrize("url", ["http://elsewhere.invalid/x", "//127.0.0.1:9/x", "http://[/"])
def test_another_address_is_not_asked(server: Any, url: str) -> None:
    with opened(server) as service, pytest.raises(NoAnswer, match="the next page"):
        service.get(url)
    assert server.asked == []


def test_calls_are_bounded_for_all_threads_together(server: Any) -> None:
    server.reply = lambda handler: whole(handler, b"{}")

    def ask(_: int) -> str:
        try:
            service.get("list")
        except CallsUsedUp:
            return "used up"
        return "answered"

    with opened(server, calls=10) as service, ThreadPoolExecutor(8) as pool:
        told = list(pool.map(ask, range(30)))
    assert (told.count("answered"), len(server.asked), service.calls) == (10, 10, 10)


def test_a_small_answer_that_unpacks_to_a_large_one(server: Any) -> None:
    packed = gzip.compress(bytes(1_000_000))
    server.reply = lambda handler: whole(handler, packed, Content_Encoding="gzip")
    told = "more than 10000 bytes"
    with opened(server, most_bytes=10_000) as service, pytest.raises(TooLarge, match=told):
        service.get("list")


def test_a_token_that_cannot_be_sent_is_not_repeated(server: Any) -> None:
    for token in ("secret\n", "", "se cret", "sécret"):
        with pytest.raises(NoAnswer) as caught:
            Bearer(token)
        assert "cret" not in str(caught.value)
    with pytest.raises(NoAnswer) as caught:
        basic("secret", "the thing")
    assert "secret" not in str(caught.value)


def test_what_was_received_is_not_repeated(server: Any) -> None:
    server.reply = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\na secret line\r\n\r\n")
    with opened(server) as service, pytest.raises(NoAnswer) as caught:
        service.get("list")
    assert str(caught.value) == "list: RemoteProtocolError, the answer broke off or is none"


def test_who_asks(server: Any) -> None:
    server.reply = lambda handler: whole(handler, b"{}")
    with opened(server) as service:
        service.token("login", {"user": "me"})
        service.log_in(Bearer("mine"))
        service.get("list", {"limit": "1"})
        service.get("door", anonymous=True)
    assert server.asked == [
        ("POST", "/login", ""),
        ("GET", "/list?limit=1", "Bearer mine"),
        ("GET", "/door", ""),
    ]
