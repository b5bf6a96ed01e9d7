"""The gateway: to one place only, counted, with the credential, and for the tool alone."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from endpoints import HOST, Authority, Served, listening, serve

from compline.scanners.endpoints.asking import Credential
from compline.scanners.endpoints.dynamic import gateway as module
from compline.scanners.endpoints.dynamic.gateway import Rules, gateway
from compline.scanners.http.addresses import Place


async def echo(scope: Any, receive: Any, send: Any) -> None:
    names = [(b"x-seen-" + name, value) for name, value in scope["headers"]]
    headers = [*names, (b"location", b"http://169.254.169.254/latest")]
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(echo) as running:
        yield running


@contextmanager
def client(
    port: int, *, scheme: str = "http", password: str = "", **given: Any
) -> Iterator[tuple[httpx.Client, Rules]]:
    place = Place(scheme, HOST, port, "", "127.0.0.1")
    rules = Rules(
        **{
            "place": place,
            "credential": Credential("the-token", "bearer"),
            "tls": ssl.create_default_context(),
            "methods": frozenset({"GET"}),
            "requests": 5,
            "deadline": time.monotonic() + 30,
            "canary": "/canary",
            **given,
        }
    )
    with gateway(rules) as url:
        proxy = url.replace(rules.password, password) if password else url
        with httpx.Client(proxy=proxy, trust_env=False, timeout=20) as made:
            yield made, rules


def test_what_is_passed_on(served: Served) -> None:
    with client(served.port) as (made, rules):
        answer = made.get(
            f"http://{HOST}:{served.port}/a?b=c", headers={"Authorization": "Bearer made-up"}
        )
    assert (answer.status_code, answer.text) == (302, "/a")
    assert answer.headers["x-seen-authorization"] == "Bearer the-token"
    assert answer.headers["x-seen-host"] == f"{HOST}:{served.port}"
    assert "x-seen-proxy-authorization" not in answer.headers
    assert rules.passed == 1


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "http://scoring.test/", "http://127.0.0.1:{port}/"],
)
def test_nothing_goes_elsewhere(served: Served, url: str) -> None:
    with client(served.port) as (made, rules):
        with pytest.raises(httpx.HTTPError):
            made.get(url.format(port=served.port))
        with pytest.raises(httpx.HTTPError):
            made.delete(f"http://{HOST}:{served.port}/")
        with pytest.raises(httpx.HTTPError):
            made.get("https://169.254.169.254/latest")
    assert served.requests == []
    assert rules.strays == 3


def test_only_the_tool_may_use_it(served: Served) -> None:
    with client(served.port, password="wrong") as (made, _), pytest.raises(httpx.HTTPError):
        made.get(f"http://{HOST}:{served.port}/")
    assert served.requests == []


def test_number_and_time_are_bounded(served: Served) -> None:
    with client(served.port, requests=2) as (made, rules):
        for _ in range(2):
            made.get(f"http://{HOST}:{served.port}/")
        with pytest.raises(httpx.HTTPError):
            made.get(f"http://{HOST}:{served.port}/")
        assert rules.over == 1
    with client(served.port, deadline=time.monotonic()) as (made, rules):
        with pytest.raises(httpx.HTTPError):
            made.get(f"http://{HOST}:{served.port}/")
        assert (rules.passed, rules.over) == (0, 1)
    assert len(served.requests) == 2


@pytest.mark.parametrize(
    ("status", "after", "asked"), [(429, "60", 1), (429, "0", 2), (503, "", 1)]
)
def test_a_service_that_is_away_has_not_answered(status: int, after: str, asked: int) -> None:
    async def away(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"retry-after", after.encode())] if after else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    with serve(away) as running, client(running.port) as (made, rules):
        with pytest.raises(httpx.HTTPError):
            made.get(f"http://{HOST}:{running.port}/")
        assert (rules.unanswered, len(running.requests)) == (1, asked)


def test_the_canary_is_answered_here(served: Served) -> None:
    with client(served.port) as (made, _):
        assert made.get(f"http://{HOST}:{served.port}/canary").status_code == 500
    assert served.requests == []


def test_a_certificate_for_another_name(authority: Authority) -> None:
    trusting = ssl.create_default_context(cafile=authority.path)
    with serve(echo, authority.issue("elsewhere", host="other.test")) as running:
        with client(running.port, scheme="https", tls=trusting) as (made, rules):
            with pytest.raises(httpx.HTTPError):
                made.get(f"http://{HOST}:{running.port}/")
            assert rules.unanswered == 1
        assert running.requests == []


def half(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def dripping(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(300):
        connection.sendall(b".")
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [half, dripping])
def test_half_and_dripping_answers_are_none(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 1.0)
    started = time.monotonic()
    with listening(answer) as port, client(port) as (made, rules):
        with pytest.raises(httpx.HTTPError):
            made.get(f"http://{HOST}:{port}/")
        assert rules.unanswered == 1
    assert time.monotonic() - started < 8
