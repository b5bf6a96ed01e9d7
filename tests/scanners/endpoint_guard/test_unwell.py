"""Endpoints that do not answer as they should: Failed, or a gap, and never clean."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import model_servers
import pytest
from endpoints import HOST, Authority, Served, listening, serve

from compline.model import Completed
from compline.scanners.endpoints import asking, tls
from compline.scanners.endpoints.answers import Answers
from compline.scanners.endpoints.asking import Answer
from compline.scanners.endpoints.frames import Allowed, inventory_of
from compline.scanners.expectations.inventory import records


def application(status: int, headers: dict[str, str] | None = None, only: str = "") -> Any:
    """Answers with this status, or only at one path, and as the good server elsewhere."""
    good = model_servers.good()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if only and not scope["path"].startswith(only):
            await good(scope, receive, send)
            return
        pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": b""})

    return app


def half(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf an ans")


def dripping(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(300):
        connection.sendall(b".")
        time.sleep(0.1)


def silent(connection: socket.socket) -> None:
    time.sleep(20)


@pytest.mark.parametrize(
    ("answer", "message"),
    [(half, "RemoteProtocolError"), (dripping, "within 1 seconds"), (silent, "within 1 seconds")],
)
def test_half_a_dripping_and_no_answer(
    look_at: Any,
    error_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[socket.socket], None],
    message: str,
) -> None:
    monkeypatch.setattr(asking, "CALL_SECONDS", 1.0)
    with listening(answer) as port:
        started = time.monotonic()
        error = error_of(look_at(port, scheme="http"))
    assert message in error
    assert time.monotonic() - started < 10


def test_nobody_listens(look_at: Any, error_of: Any, closed_port: int) -> None:
    assert "no connection" in error_of(look_at(closed_port))


@pytest.mark.parametrize(
    ("status", "after"),
    [(429, "600"), (429, "Wed, 21 Oct 2026 07:28:00 GMT"), (429, ""), (503, "0")],
)
def test_an_endpoint_that_is_not_well(look_at: Any, error_of: Any, status: int, after: str) -> None:
    with serve(application(status, {"retry-after": after} if after else {})) as served:
        assert f"it answers {status}" in error_of(look_at(served.port, scheme="http"))


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (302, {"location": "https://login.example.org/"}, "answers 302"),
        (200, {"content-type": "text/html"}, "gets the page that every path answers with"),
    ],
)
def test_a_login_page_for_everything_tells_nothing(
    look_at: Any, status: int, headers: dict[str, str], told: str
) -> None:
    with serve(application(status, headers)) as served:
        look = look_at(served.port, scheme="http")
    assert isinstance(look.outcome, Completed), look.outcome
    (gap,) = (gap for gap in look.outcome.gaps if gap.path == "access/")
    assert told in gap.detail
    found = {one.rule for one in look.outcome.observations}
    assert not {rule for rule in found if rule.endswith(("-open", "answered", "accepted"))}


def test_a_429_is_waited_for_as_long_as_it_says(look_at: Any) -> None:
    left = 2
    good = model_servers.good()

    async def busy_at_first(scope: Any, receive: Any, send: Any) -> None:
        nonlocal left
        if scope["type"] == "http" and left:
            left -= 1
            headers = [(b"retry-after", b"1")]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await good(scope, receive, send)

    with serve(busy_at_first) as served:
        look = look_at(served.port, scheme="http")
    assert look.outcome.gaps == ()
    assert len(served.requests) > 10


def test_a_whole_look_takes_no_longer_than_it_may(look_at: Any, error_of: Any) -> None:
    good = model_servers.good()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        time.sleep(0.3)
        await good(scope, receive, send)

    with serve(slow) as served:
        started = time.monotonic()
        error = error_of(look_at(served.port, scheme="http", seconds=2))
    assert "longer than 2 seconds" in error
    assert time.monotonic() - started < 6


@pytest.mark.parametrize(
    ("only", "status", "gap"),
    [
        ("/v1/chat", 403, "access/"),
        ("/v1/chat", 500, "access/"),
        ("/metrics", 500, "door/GET /metrics"),
        ("/v1/models", 500, "limits"),
        ("/v1/chat", 400, "access/"),
    ],
)
def test_a_part_that_cannot_be_asked_is_a_gap(
    look_at: Any, only: str, status: int, gap: str
) -> None:
    with serve(application(status, only=only)) as served:
        look = look_at(served.port, scheme="http")
    assert isinstance(look.outcome, Completed), look.outcome
    assert gap in {found.path for found in look.outcome.gaps}


def test_who_is_shut_out_sees_nothing_good(look_at: Any) -> None:
    """A firewall that has had enough of us: what it refuses us, others may have."""
    with serve(application(403)) as served:
        look = look_at(served.port, scheme="http")
    assert isinstance(look.outcome, Completed), look.outcome
    assert {"access/", "door/", "cors/", "errors/", "header/", "limits"} <= {
        gap.path for gap in look.outcome.gaps
    }


@pytest.mark.parametrize(
    ("clear", "wanted"), [("the same", {"answers-without-tls"}), ("another", set())]
)
def test_a_call_in_the_clear_where_other_paths_are_nowhere(
    look_at: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch, clear: str, wanted: Any
) -> None:
    """The base path is 404 on either side: only the call shows whether it is served over http."""
    monkeypatch.setattr(tls, "scan", lambda *_: ({}, ""))
    call = {"method": "POST", "path": "/v1/chat/completions"}
    guarded = application(401, only="/v1/chat")
    other = guarded if clear == "the same" else application(404)
    with serve(guarded, authority.issue("clear")) as served, serve(other) as plain:
        look = look_at(served.port, shape="plain", call=call, plain_port=plain.port)
    assert {one.rule for one in look.outcome.observations} & {"answers-without-tls"} == wanted
    assert ("POST", "/v1/chat/completions") in plain.requests


def test_the_same_refusal_word_for_word_is_the_same_service() -> None:
    def told(over_tls: Answer, clear: Answer) -> Any:
        asked = {"access/anonymous": over_tls, "plain": clear}
        frames = inventory_of(
            Answers("https", HOST, "GET /", asked=asked), Allowed(), datetime.now(UTC)
        ).frames
        return {row["item"]: row["value"] for row in records(frames["transport"])}["plain-http"]

    assert told(Answer(403, {}, "go away"), Answer(403, {}, "go away")) == "answers"
    assert told(Answer(403, {}, "go away"), Answer(403, {}, "https only")) == "refuses"
    assert told(Answer(401, {}, ""), Answer(404, {}, "")) == "refuses"


def test_without_a_credential_nobody_can_say_who_is_let_in(
    look_at: Any, plain_good: Served
) -> None:
    look = look_at(plain_good.port, scheme="http", credential=None)
    assert [gap.path for gap in look.outcome.gaps] == ["access/"]
    assert "no credential" in look.outcome.gaps[0].detail


def test_a_server_without_any_tls_that_sslyze_can_speak(look_at: Any) -> None:
    with serve(model_servers.good()) as served:
        # The URL says https, and there is none: no call gets an answer.
        assert "not well" in look_at(served.port).outcome.error


def test_what_sslyze_did_not_complete_is_a_gap() -> None:
    result = {"heartbleed": {"status": "ERROR", "result": None}}
    inventory = inventory_of(
        Answers("https", HOST, "GET /", asked={"home": Answer(200)}, tls=result),
        Allowed(),
        datetime.now(UTC),
    )
    paths = {gap.path for gap in inventory.gaps}
    assert {"tls/flaw/Heartbleed", "tls/certificate/", "tls/version/TLS 1.0"} <= paths
    assert records(inventory.frames["tls_flaws"]) == []


def test_the_number_of_calls_is_bounded(
    look_at: Any, plain_good: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_CALLS", 10)
    before = len(plain_good.requests)

    look = look_at(plain_good.port, scheme="http")

    assert len(plain_good.requests) - before == 10
    assert {"limits", "cors/"} <= {gap.path for gap in look.outcome.gaps}
    assert any("bound of 10 requests" in gap.detail for gap in look.outcome.gaps)


def test_a_broken_tool_leaves_a_gap_over_tls(
    look_at: Any, good: Served, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_SCANS", ("--no-such-option",))
    look = look_at(good.port)
    assert [gap.path for gap in look.outcome.gaps] == ["tls/"]
