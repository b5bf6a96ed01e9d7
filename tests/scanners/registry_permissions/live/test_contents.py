"""What a real MLflow holds: production's aliases, webhooks, the number of administrators; and that
nothing but reading is ever sent to it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from compline.model import Completed, Look

pytestmark = pytest.mark.timeout(900)

GOOD = {
    "admins": ["admin"],
    "most_admins": 1,
    "users": ["alice", "bob"],
    "grants": {"alice": {"fraud": "EDIT", "experiment/training": "EDIT"}},
    "roles": {"science": {"*": "USE"}},
    "members": {"science": ["bob"]},
    "movers": ["alice"],
    "webhook_hosts": ["1.1.1.1"],
    "artifact_store": "local",
}


def found(look: Look) -> set[tuple[str, str]]:
    assert isinstance(look.outcome, Completed), look.outcome
    assert look.outcome.gaps == ()
    return {(one.rule, one.subject) for one in look.outcome.observations}


@pytest.fixture
def champion(guarded: Any) -> Iterator[str]:
    """A version of `fraud` that production serves under an alias."""
    made = guarded.call(
        "POST", "api/2.0/mlflow/model-versions/create", name="fraud", source="s3://elsewhere/x"
    )
    version = made["model_version"]["version"]
    alias = {"name": "fraud", "alias": "champion"}
    guarded.call("POST", "api/2.0/mlflow/registered-models/alias", **alias, version=version)
    yield version
    guarded.call("DELETE", "api/2.0/mlflow/registered-models/alias", **alias)
    guarded.call("DELETE", "api/2.0/mlflow/model-versions/delete", name="fraud", version=version)


@pytest.fixture
def webhook(guarded: Any) -> Iterator[None]:
    """A webhook whose path is a secret; MLflow wants a public address, which nothing calls."""
    made = guarded.call(
        "POST",
        "api/2.0/mlflow/webhooks",
        name="chat",
        url="https://1.1.1.1/services/not-for-us",
        events=[{"entity": "PROMPT", "action": "CREATED"}],
    )
    yield
    guarded.call("DELETE", f"api/2.0/mlflow/webhooks/{made['webhook']['webhook_id']}")


def test_in_order_with_all_of_it_declared(
    guarded: Any, look_at: Any, champion: str, webhook: None
) -> None:
    assert found(look_at(guarded.url, GOOD)) == set()


def test_who_may_move_what_production_serves(guarded: Any, look_at: Any, champion: str) -> None:
    assert found(look_at(guarded.url, {**GOOD, "movers": []})) == {
        ("may-move-production", "production/alice")
    }
    # The server agrees: alice may, bob may not.
    body = {"name": "fraud", "alias": "champion", "version": champion}
    guarded.call_as("alice", "POST", "api/2.0/mlflow/registered-models/alias", **body)
    with pytest.raises(AssertionError, match="Permission denied"):
        guarded.call_as("bob", "POST", "api/2.0/mlflow/registered-models/alias", **body)


def test_a_webhook_to_an_unknown_host(
    guarded: Any, look_at: Any, webhook: None, scene: Any
) -> None:
    look = look_at(guarded.url, {**GOOD, "webhook_hosts": []})
    assert found(look) == {("webhook-to-unknown-host", "webhook/chat/1.1.1.1")}
    kept = b"".join(path.read_bytes() for path in scene.home.rglob("*") if path.is_file())
    assert b"not-for-us" not in kept
    assert "not-for-us" not in repr(look)


def test_too_many_administrators_and_an_undeclared_member(guarded: Any, look_at: Any) -> None:
    assert found(look_at(guarded.url, {**GOOD, "most_admins": 0, "members": {}})) == {
        ("too-many-admins", "admins"),
        ("member-beyond-policy", "member/bob/science"),
    }


def test_a_team_by_its_members(guarded: Any, look_at: Any) -> None:
    team = {"members": ["alice"], "grants": {"fraud": "EDIT", "experiment/training": "EDIT"}}
    policy = {**GOOD, "users": ["bob"], "grants": {}, "teams": {"risk": team}}
    assert found(look_at(guarded.url, policy)) == set()


def test_without_grants_declared_who_may_change_every_model(guarded: Any, look_at: Any) -> None:
    guarded.grant("bob", "registered_model", "*", "MANAGE")
    policy = {name: value for name, value in GOOD.items() if name not in ("grants", "roles")}
    try:
        assert found(look_at(guarded.url, policy)) == {
            ("access-policy-undeclared", "policy/grants"),
            ("may-change-every-model", "grant/bob/registered_model/*"),
        }
    finally:
        guarded.revoke("bob", "registered_model", "*")


@dataclass
class Proxy:
    """Passes everything on to a server, and keeps what was asked."""

    url: str = ""
    seen: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, path, length of the body."""


@pytest.fixture
def proxy(guarded: Any) -> Iterator[Proxy]:
    """A recording proxy before the real server, for every method that there is."""
    running = Proxy()
    verify = ssl.create_default_context(cafile=guarded.certificate)

    class Handler(BaseHTTPRequestHandler):
        def passes(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            running.seen.append((self.command, self.path, length))
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            answer = httpx.request(
                self.command, guarded.url + self.path, headers=headers, verify=verify,
                content=self.rfile.read(length), timeout=60,
            )  # fmt: skip
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        setattr(Handler, f"do_{method}", Handler.passes)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield running
        server.shutdown()


def test_only_reading_calls_pass_a_recording_proxy(
    proxy: Proxy, look_at: Any, champion: str, webhook: None
) -> None:
    proxy.seen.clear()
    assert found(look_at(proxy.url, {**GOOD, "allow_loopback_http": True})) == set()
    assert {(method, length) for method, _, length in proxy.seen} == {("GET", 0)}
    assert len(proxy.seen) == 11
