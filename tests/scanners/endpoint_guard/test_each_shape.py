"""Every question to every shape: a server that keeps all closed, and one that keeps all open."""

from __future__ import annotations

import traceback
from typing import Any

import model_servers
import pytest
from endpoints import serve

from compline.model import Completed
from compline.scanners.endpoints.shapes import Asked, doors, usual_call

SHAPES = ("openapi", "openai", "mlflow", "kserve", "triton", "plain")
RULES = {
    "admin": "admin-path-open",
    "management": "management-path-open",
    "metrics": "metrics-open",
    "docs": "documentation-open",
    "listing": "model-listing-open",
    "download": "model-download-open",
    "file": "file-of-the-server-open",
    "declared": "closed-path-open",
}
CLOSED = ["/internal"]
EVERYWHERE = {("endpoint-without-tls", "transport/tls")}


def at(path: str) -> str:
    """Where a path of ours is, below the base of the tests."""
    return path if path.startswith("/") else f"/base/{path}" if path else "/base"


def call_of(shape: str) -> Asked:
    return usual_call(shape, "scorer")


def application(shape: str, *, guarded: bool, most: int = 1000) -> Any:
    """A server of the shape; after `most` calls with the credential it answers 429."""
    call = call_of(shape)
    known = {(door.method, at(door.path)): door.mark for door in doors(shape, CLOSED)}
    known[call.method, at(call.path)] = ""
    calls = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal calls
        headers = dict(scope["headers"])
        token = headers.get(b"authorization") == f"Bearer {model_servers.TOKEN}".encode()
        calls += token
        more = [(b"x-content-type-options", b"nosniff")]
        status, body = 404, "no such path"
        if guarded and not token:
            status, body = 401, "who are you?"
        elif (scope["method"], scope["path"]) in known:
            status, body = 200, f"{known[scope['method'], scope['path']]} something"
            sent = (await receive()).get("body", b"")
            if sent.startswith((b'{"a"', b"[")):
                status, body = 400, "" if guarded else "".join(traceback.format_stack(limit=1))
                body = body if guarded else f"Traceback (most recent call last)\n{body}"
        if calls > most:
            status = 429
        if not guarded:
            more = [(b"access-control-allow-origin", b"*"), (b"server", b"scorer/1.2.3")]
        await send({"type": "http.response.start", "status": status, "headers": more})
        await send({"type": "http.response.body", "body": body.encode()})

    return app


def look(look_at: Any, shape: str, port: int) -> set[tuple[str, str]]:
    """(rule, resource) of what is found; there are no gaps."""
    found = look_at(port, scheme="http", path="/base", shape=shape, policy={"closed_paths": CLOSED})
    assert isinstance(found.outcome, Completed), found.outcome
    assert found.outcome.gaps == ()
    return {(one.rule, one.subject) for one in found.outcome.observations} - EVERYWHERE


@pytest.mark.parametrize("shape", SHAPES)
def test_all_closed_is_clean(look_at: Any, shape: str) -> None:
    with serve(application(shape, guarded=True, most=10)) as served:
        assert look(look_at, shape, served.port) == set(), "and the limit was seen by its 429"


@pytest.mark.parametrize("shape", SHAPES)
def test_all_open_is_found(look_at: Any, shape: str) -> None:
    call = call_of(shape)
    with serve(application(shape, guarded=False)) as served:
        found = look(look_at, shape, served.port)

    open_doors = {
        (RULES[door.what], f"door/{door.method} {at(door.path)}") for door in doors(shape, CLOSED)
    }
    assert {one for one in found if one[1].startswith("door/")} == open_doors
    others = {
        ("anonymous-call-answered", "access/anonymous"),
        ("wrong-credential-accepted", "access/wrong"),
        ("no-rate-limit-seen", "limits"),
        ("server-version-told", "header/server"),
        ("content-sniffing-allowed", "header/x-content-type-options"),
        ("cors-for-all", "cors/null"),
    }
    if call.method == "POST":
        others |= {
            ("error-shows-inside", f"errors/{each}") for each in ("broken-json", "wrong-types")
        }
    assert found >= others
    assert not any(rule == "cors-with-credentials" for rule, _ in found)
    assert {method for method, _ in served.requests} <= {"GET", "OPTIONS", "POST"}
    posted = {path for method, path in served.requests if method == "POST"}
    listings = {at(door.path) for door in doors(shape, CLOSED) if door.method == "POST"}
    assert posted == listings | ({at(call.path)} if call.method == "POST" else set())
