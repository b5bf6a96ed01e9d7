"""The other shapes, the call that the configuration gives, and own expectations."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from endpoints import serve

from compline.model import Completed
from compline.scanners.endpoints.shapes import doors, usual_call

KEY = {
    "bearer": (b"authorization", b"Bearer the-right-token-of-the-tests"),
    "basic": (b"authorization", b"Basic " + base64.b64encode(b"the-right-token-of-the-tests")),
    "header:X-API-Key": (b"x-api-key", b"the-right-token-of-the-tests"),
}


def application(open_paths: dict[str, str], send: str = "bearer") -> Any:
    """Lets strangers have these paths (`METHOD /path` to the answer), and all with the key."""

    async def app(scope: Any, receive: Any, send_: Any) -> None:
        name, value = KEY[send]
        asked = f"{scope['method']} {scope['path']}"
        status = 200 if (name, value) in scope["headers"] or asked in open_paths else 401
        headers = [(b"x-ratelimit-limit", b"5"), (b"x-content-type-options", b"nosniff")]
        await send_({"type": "http.response.start", "status": status, "headers": headers})
        body = open_paths.get(asked, "").encode()
        await send_({"type": "http.response.body", "body": body})

    return app


def told(look: Any) -> set[tuple[str, str]]:
    assert isinstance(look.outcome, Completed), look.outcome
    found = {(o.rule, o.subject) for o in look.outcome.observations}
    return found - {("endpoint-without-tls", "transport/tls")}


@pytest.mark.parametrize(
    ("shape", "asked", "rule"),
    [
        ("triton", "POST /v2/repository/index", "model-listing-open"),
        ("triton", "GET /v2/logging", "management-path-open"),
        ("kserve", "GET /v1/models", "model-listing-open"),
        ("mlflow", "GET /api/2.0/mlflow-artifacts/artifacts", "model-download-open"),
        ("openai", "GET /api/tags", "model-listing-open"),
        ("plain", "GET /actuator/env", "management-path-open"),
    ],
)
def test_what_a_shape_must_keep_closed(look_at: Any, shape: str, asked: str, rule: str) -> None:
    with serve(application({asked: "something"})) as served:
        look = look_at(served.port, scheme="http", path="", shape=shape)
    assert told(look) == {(rule, f"door/{asked}")}
    assert look.outcome.gaps == ()


@pytest.mark.parametrize("send", KEY)
def test_how_the_credential_is_sent(look_at: Any, send: str) -> None:
    with serve(application({}, send)) as served:
        look = look_at(served.port, scheme="http", path="", shape="plain", send=send)
    assert told(look) == set()
    assert look.outcome.gaps == ()


def test_the_call_that_the_configuration_gives(look_at: Any) -> None:
    call = {"method": "POST", "path": "/score", "body": {"amount": 1}}
    with serve(application({"POST /score": "{}"})) as served:
        look = look_at(served.port, scheme="http", path="/base", shape="plain", call=call)
    assert told(look) == {
        ("anonymous-call-answered", "access/anonymous"),
        ("wrong-credential-accepted", "access/wrong"),
    }
    assert ("POST", "/score") in served.requests


def test_paths_that_the_policy_wants_closed(look_at: Any) -> None:
    policy = {"closed_paths": ["/internal"]}
    with serve(application({"GET /internal": "x", "GET /metrics/": "x"})) as served:
        look = look_at(served.port, scheme="http", path="", shape="plain", policy=policy)
    assert told(look) == {("closed-path-open", "door/GET /internal")}


def test_only_a_slash_at_the_end_is_followed(look_at: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        away = {"/docs": b"/docs/", "/metrics": b"http://127.0.0.1:9/metrics/", "/admin": b"/login"}
        status = 302 if path in away else 200 if path in ("/docs/", "/login") else 404
        headers = [(b"location", away[path])] if path in away else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"a page"})

    with serve(app) as served:
        look = look_at(served.port, scheme="http", path="", shape="plain")
    opened = {subject for rule, subject in told(look) if subject.startswith("door/")}
    assert opened == {"door/GET /docs"}
    assert not {("GET", "/login"), ("GET", "/metrics/")} & set(served.requests)


def test_origins_of_a_domain_that_ends_as_the_host_does(look_at: Any) -> None:
    """A check by the end of the text lets in whoever registers such a name."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        origin = dict(scope["headers"]).get(b"origin", b"")
        ours = (
            [(b"access-control-allow-origin", origin)] if origin.endswith(b"scoring.test") else []
        )
        await send({"type": "http.response.start", "status": 401, "headers": ours})
        await send({"type": "http.response.body", "body": b""})

    with serve(app) as served:
        look = look_at(served.port, scheme="http", path="", shape="plain")
    origins = {subject for rule, subject in told(look) if rule == "cors-for-all"}
    assert origins == {"cors/https://compline-check-scoring.test"}


def test_own_expectations_extend_the_suite(look_at: Any, tmp_path: Path) -> None:
    documentation = Path(__file__).parents[3] / "docs" / "checks" / "endpoints.md"
    text = documentation.read_text(encoding="utf-8")
    own = tmp_path / "own.yaml"
    own.write_text(text.split("# endpoints-own.yaml")[1].split("\n", 1)[1].split("```")[0])
    with serve(application({"GET /metrics": "x"})) as served:
        look = look_at(served.port, scheme="http", path="", shape="plain", suite=str(own))
    assert told(look) == {("metrics-open", "door/GET /metrics")}
    assert look.warnings == ()


def test_every_shape_asks_something() -> None:
    for shape in ("openapi", "openai", "mlflow", "kserve", "triton", "plain"):
        asked = doors(shape, ["/more"])
        assert {"admin", "metrics", "docs", "management", "file", "declared"} <= {
            door.what for door in asked
        }
        assert {door.method for door in asked} <= {"GET", "POST"}
        assert usual_call(shape, "model").method in ("GET", "POST")
