"""A server that is stopped, slow, refusing or half there: Failed or a gap, never clean."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from compline.model import Completed
from compline.scanners.airflow.settings import ITEMS, SESSION

Reply = Callable[[BaseHTTPRequestHandler], bool]
DAG = {"dag_id": "a", "bundle_name": "b", "relative_fileloc": "a.py", "fileloc": "/x/a.py"}
PROVIDER = {"package_name": "apache-airflow-providers-standard", "version": "99.0.0"}
USER = {"username": "ann", "roles": [{"name": "Admin"}]}
GOOD: dict[str, Any] = {
    "/api/v2/version": {"version": "3.3.2"},
    "/api/v2/connections": {"connections": [], "total_entries": 0},
    "/api/v2/variables": {"variables": [], "total_entries": 0},
    "/api/v2/dags": {"dags": [DAG], "total_entries": 1},
    "/api/v2/providers": {"providers": [PROVIDER], "total_entries": 1},
    "/api/v2/assets": {"assets": [], "total_entries": 0},
    "/api/v2/dagSources/a": {"content": "x = 1\n"},
    "/auth/fab/v1/roles": {"roles": [{"name": "Admin", "actions": []}], "total_entries": 1},
    "/auth/fab/v1/users": {"users": [USER], "total_entries": 1},
}


class Fake(ThreadingHTTPServer):
    """Answers as an Airflow with FAB that is in order; `special` may answer instead."""

    daemon_threads = True

    def __init__(self) -> None:
        self.special: dict[str, Reply] = {}
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        special = self.server.special.get(path)
        if special is not None and special(self):
            return
        if "authorization" not in self.headers and path != "/api/v2/version":
            reply(self, 405 if path == "/auth/token" else 401, {})
        elif path in GOOD:
            reply(self, 200, GOOD[path])
        elif path == "/api/v2/config":
            reply(self, 403, {"detail": "Your administrator chose not to expose it"})
        else:
            reply(self, 404, {})

    def log_message(self, *_: object) -> None:
        """Quiet."""


def reply(handler: BaseHTTPRequestHandler, status: int, body: Any, **headers: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", headers.pop("kind", "application/json"))
    handler.send_header("Content-Length", headers.pop("length", str(len(content))))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def always(status: int, body: Any = None, **headers: str) -> Reply:
    def special(handler: BaseHTTPRequestHandler) -> bool:
        if "authorization" in handler.headers:
            reply(handler, status, body or {}, **headers)
            return True
        return False

    return special


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_good_one_is_clean(look_at: Any, found: Any, fake: Fake) -> None:
    look = look_at(url=fake.url, credential="a-token")

    assert found(look) == {}
    paths = {gap.path for gap in look.outcome.gaps}
    # Whatever only a task of its own sees is unknown of another deployment, each by its name.
    told = {"authentication", "anonymous", "transport", "expose_config", "examples"}
    unknown = {f"setting/{name}" for name in ({item.name for item in ITEMS} | {SESSION}) - told}
    assert {path for path in paths if path.startswith("setting/")} == unknown
    assert {"setting/fernet_key", "setting/jwt_secret", "file/", "password/"} <= paths
    assert not paths & {"connection/", "variable/", "role/", "account/", "dag-file/", "package/"}


CONNECTIONS = "/api/v2/connections"
ROW = {"connection_id": "a", "conn_type": "http", "host": "", "extra": None}


@pytest.mark.parametrize(
    ("path", "special", "message"),
    [
        (CONNECTIONS, always(429, retry_after="3600"), "answers 429: try again later"),
        (CONNECTIONS, always(429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), "answers 429"),
        (CONNECTIONS, always(503, retry_after="0"), "answers 503"),
        (CONNECTIONS, always(301, location="https://elsewhere.example.org/"), "redirects"),
        (CONNECTIONS, always(200, b'{"connections": [', length="900"), "connections: Remote"),
        (CONNECTIONS, always(200, b'{"connections": ['), "is not JSON, or broke off"),
        (CONNECTIONS, always(200, {"connections": [], "total_entries": 3}), "gave 0 of 3"),
        (CONNECTIONS, always(200, {"error": "?"}), "has no connections"),
        (CONNECTIONS, always(200, {"connections": [{}], "total_entries": 1}), "is not shaped"),
        (CONNECTIONS, always(401), "does not accept the configured credential"),
        (CONNECTIONS, always(404), "answers 404"),
        ("/api/v2/version", always(200, {"version": "2.10.0"}), "names no Airflow 3"),
        ("/api/v2/version", always(200, b"<html>"), "is not JSON"),
        ("/api/v2/config", always(200, {"sections": 3}), "is not shaped as"),
        ("/auth/fab/v1/roles", always(200, {"roles": [{}], "total_entries": 1}), "a role is not"),
        ("/auth/fab/v1/users", always(200, {"users": [{}], "total_entries": 1}), "a user is not"),
    ],
)
def test_whatever_is_not_an_answer_is_failed(
    look_at: Any, error_of: Any, fake: Fake, path: str, special: Reply, message: str
) -> None:
    fake.special[path] = special
    assert message in error_of(look_at(url=fake.url, credential="a-token"))


def test_retry_after_is_waited_for(look_at: Any, fake: Fake) -> None:
    refusals = iter([429, 429])

    def special(handler: BaseHTTPRequestHandler) -> bool:
        status = next(refusals, None)
        if status is not None:
            reply(handler, status, {}, retry_after="0")
        return status is not None

    fake.special[CONNECTIONS] = special
    assert isinstance(look_at(url=fake.url, credential="a-token").outcome, Completed)
    assert fake.asked.count(CONNECTIONS) == 3


@pytest.mark.parametrize(
    ("path", "gap"),
    [
        (CONNECTIONS, "connection/"),
        ("/api/v2/variables", "variable/"),
        ("/api/v2/dags", "dag-file/"),
        ("/api/v2/dagSources/a", "dag-file/b:a.py/"),
        ("/auth/fab/v1/roles", "role/"),
        ("/auth/fab/v1/users", "account/"),
        ("/api/v2/providers", "package/"),
        ("/api/v2/assets", "asset/"),
    ],
)
def test_403_is_a_gap(look_at: Any, found: Any, fake: Fake, path: str, gap: str) -> None:
    fake.special[path] = always(403)
    look = look_at(url=fake.url, credential="a-token")
    assert found(look) == {}
    assert gap in {one.path for one in look.outcome.gaps}


@pytest.mark.parametrize(
    ("path", "gap"),
    [
        ("/api/v2/dags", "dag-file/"),
        ("/auth/fab/v1/roles", "role/"),
        ("/auth/fab/v1/users", "account/"),
        ("/api/v2/providers", "package/"),
    ],
)
def test_a_list_that_cannot_be_empty_is_one_that_is_not_shown(
    look_at: Any, fake: Fake, path: str, gap: str
) -> None:
    fake.special[path] = always(200, {path.rpartition("/")[2]: [], "total_entries": 0})
    look = look_at(url=fake.url, credential="a-token")
    assert gap in {one.path for one in look.outcome.gaps}


def test_source_that_is_gone_since_it_was_listed_is_a_gap(look_at: Any, fake: Fake) -> None:
    fake.special["/api/v2/dagSources/a"] = always(404)
    look = look_at(url=fake.url, credential="a-token")
    assert isinstance(look.outcome, Completed), look.outcome
    assert "dag-file/b:a.py/" in {gap.path for gap in look.outcome.gaps}


def test_source_that_is_redacted_or_no_python_is_a_gap(look_at: Any, fake: Fake) -> None:
    for content, reason in (("REDACTED - you do not", "forbidden"), ("def (", "unparsed")):
        fake.special["/api/v2/dagSources/a"] = always(200, {"content": content})
        look = look_at(url=fake.url, credential="a-token")
        (gap,) = (one for one in look.outcome.gaps if one.path == "dag-file/b:a.py/")
        assert gap.reason == reason


def test_a_slow_one_is_failed_in_time(look_at: Any, error_of: Any, fake: Fake) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(40):
            handler.wfile.write(b" ")
            time.sleep(0.1)
        return True

    fake.special["/api/v2/variables"] = drip
    started = time.monotonic()
    assert "too slow" in error_of(look_at(url=fake.url, credential="a-token", seconds=2))
    assert time.monotonic() - started < 4


def test_a_stopped_one_is_failed(look_at: Any, error_of: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = error_of(look_at(url=f"http://127.0.0.1:{port}", credential="a-token"))
    assert "no connection to 127.0.0.1" in error
    assert "a-token" not in error


def test_only_airflow_sees_its_own_deployment(look_at: Any, error_of: Any) -> None:
    assert "only a run by Airflow" in error_of(look_at(here=True))


def to_strangers(body: Any, kind: str = "application/json", status: int = 200) -> Reply:
    def special(handler: BaseHTTPRequestHandler) -> bool:
        if "authorization" in handler.headers:
            return False
        reply(handler, status, body, kind=kind)
        return True

    return special


def test_strangers_who_are_administrators(look_at: Any, found: Any, fake: Fake) -> None:
    fake.special["/api/v2/dags"] = to_strangers(GOOD["/api/v2/dags"])
    fake.special["/auth/fab/v1/roles"] = always(404)
    look = look_at(url=fake.url, credential="a-token")
    assert ("anonymous-administrator", "setting/anonymous") in found(look)
    assert "/auth/token" not in fake.asked, "it would give a stranger an administrator's token"


@pytest.mark.parametrize("status", [200, 302])
def test_a_login_page_for_strangers_lets_nobody_in(
    look_at: Any, found: Any, fake: Fake, status: int
) -> None:
    for path in ("/api/v2/dags", "/auth/token", "/auth/fab/v1/roles"):
        fake.special[path] = to_strangers(b"<html>Log in</html>", "text/html", status)
    look = look_at(url=fake.url, credential="a-token")
    assert found(look) == {}
    assert not {"role/", "account/", "setting/authentication"} & {g.path for g in look.outcome.gaps}


def test_a_login_page_for_everybody_is_failed(look_at: Any, error_of: Any, fake: Fake) -> None:
    for path in GOOD:
        fake.special[path] = lambda handler: (
            reply(handler, 200, b"<html>", kind="text/html") or True
        )
    assert "is not JSON" in error_of(look_at(url=fake.url, credential="a-token"))
