"""The Hub by its documented answers: the Hub itself cannot be had here, so this is a contract."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from compline.model import Completed, Failed, GapReason
from compline.scanners.http import client

MODEL = {"id": "acme/fraud", "private": True, "gated": False,
         "siblings": [{"rfilename": "model.safetensors"}, {"rfilename": "README.md"}]}  # fmt: skip
GOOD = {"members": ["ann", "root"], "admins": ["root"]}


class Hub:
    """Answers each path as it is told; `{url}` in a header stands for its own address."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[tuple[str, str]] = []
        self.answers: dict[str, tuple[int, dict[str, str], Any]] = {}
        self.wait = 0.0
        self.token(scoped=[scope("org", "acme", "repo.content.read", "org.read")])
        self.says(
            "/api/organizations/acme/members",
            [{"user": "ann", "role": "write"}, {"user": "root", "role": "admin"}],
        )
        self.says("/api/models", [MODEL])
        self.says("/api/datasets", [])
        self.says("/api/spaces", [])

    def token(self, role: str = "fineGrained", **may: Any) -> None:
        """Our token is one that may do this."""
        token = {"displayName": "compline", "role": role, "createdAt": "2026-01-01T00:00:00.000Z"}
        if may:
            token["fineGrained"] = {"canReadGatedRepos": False, "global": [], "scoped": [], **may}
        said = {"type": "user", "name": "bot", "auth": {"type": "access_token"}}
        said["auth"]["accessToken"] = token
        self.says("/api/whoami-v2", said)

    def says(self, path: str, value: Any, status: int = 200, **headers: str) -> None:
        self.answers[path] = (status, headers, value)


def scope(kind: str, name: str, *permissions: str) -> dict[str, Any]:
    """As the Hub tells of it; an entity without a name is told by its number alone."""
    entity = {"_id": "6a61ec32fc25ba6426e21b6f", "type": kind, **({"name": name} if name else {})}
    return {"entity": entity, "permissions": list(permissions)}


@pytest.fixture
def hub() -> Iterator[Hub]:
    """An organisation in good order."""
    running = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            running.seen.append((self.path, self.headers.get("Authorization", "")))
            path, _, query = self.path.partition("?")
            key = path + ("?second" if "cursor=second" in query else "")
            status, headers, value = running.answers.get(key, (404, {}, {}))
            time.sleep(running.wait)
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name.replace("_", "-"), text.format(url=running.url))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        running.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield running
        server.shutdown()


def look(hub: Hub, look_at_kind: Any, policy: Any = None, **more: Any) -> Any:
    settings = {"kind": "huggingface", "organisation": "acme", "token": "env:HUB", "url": hub.url}
    return look_at_kind({"HUB": "hf_for-tests"}, policy=policy or GOOD, **{**settings, **more})


def test_an_organisation_in_order(hub: Hub, look_at_kind: Any, found: Any) -> None:
    seen = look(hub, look_at_kind)
    assert found(seen) == set()
    assert seen.outcome.gaps == ()
    assert {credential for _, credential in hub.seen} == {"Bearer hf_for-tests"}
    assert {(fact.subject, fact.value, fact.rank) for fact in seen.outcome.facts} == {
        ("role/ann", "write", 3),
        ("role/root", "admin", 4),
        ("repository/models/acme/fraud", "private", 0),
    }


def test_every_bad_arrangement(hub: Hub, look_at_kind: Any, found: Any) -> None:
    token = {"displayName": "laptop", "role": "write"}
    hub.says("/api/whoami-v2", {"auth": {"accessToken": token}})
    hub.says("/api/models", [
        {**MODEL, "private": False, "siblings": [{"rfilename": "x/pytorch_model.BIN"}]},
        {**MODEL, "id": "acme/gated", "private": False, "gated": "auto"},
    ])  # fmt: skip
    hub.says("/api/datasets", [{"id": "acme/claims", "private": False}])
    hub.says("/api/spaces", [{"id": "acme/try-it", "private": False}])
    assert found(look(hub, look_at_kind, {"members": ["root"], "admins": []})) == {
        ("hub-token-may-write", "token/laptop"),
        ("hub-token-scope-global", "token/laptop/everything of its owner"),
        ("hub-member-beyond-policy", "member/ann"),
        ("hub-admin-beyond-policy", "role/root"),
        ("hub-repository-public", "repository/models/acme/fraud"),
        ("hub-repository-gated", "repository/models/acme/gated"),
        ("hub-repository-public", "repository/datasets/acme/claims"),
        ("hub-repository-public", "repository/spaces/acme/try-it"),
        ("hub-file-unsafe-format", "file/acme/fraud/x/pytorch_model.BIN"),
    }


def test_every_page_is_read(hub: Hub, look_at_kind: Any) -> None:
    hub.says("/api/models", [MODEL], Link='<{url}/api/models?cursor=second>; rel="next"')
    hub.says("/api/models?second", [{**MODEL, "id": "acme/churn"}])
    subjects = {fact.subject for fact in look(hub, look_at_kind).outcome.facts}
    assert "repository/models/acme/churn" in subjects


def test_a_next_page_elsewhere_is_not_asked(hub: Hub, look_at_kind: Any) -> None:
    hub.says("/api/models", [MODEL], Link='<http://elsewhere.invalid/api>; rel="next"')
    outcome = look(hub, look_at_kind).outcome
    assert isinstance(outcome, Failed)
    assert "another address" in outcome.error


def test_an_organisation_of_which_nothing_is_shown_does_not_pass(
    hub: Hub, look_at_kind: Any
) -> None:
    """As the Hub answers for a name that nobody has."""
    hub.says("/api/organizations/acme/members", {}, 404)
    hub.says("/api/models", [])
    outcome = look(hub, look_at_kind).outcome
    assert isinstance(outcome, Failed)
    assert "the Hub shows nothing of acme" in outcome.error


def test_members_whose_roles_are_not_shown_are_a_gap(hub: Hub, look_at_kind: Any) -> None:
    hub.says("/api/organizations/acme/members", [{"user": "ann"}, {"user": "root"}])
    outcome = look(hub, look_at_kind).outcome
    assert isinstance(outcome, Completed)
    assert [(gap.path, gap.reason) for gap in outcome.gaps] == [("role/", GapReason.FORBIDDEN)]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/api/organizations/acme/members", "member/"),
        ("/api/models", "repository/models/"),
        ("/api/datasets", "repository/datasets/"),
        ("/api/spaces", "repository/spaces/"),
    ],
)
@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_a_gap(
    hub: Hub, look_at_kind: Any, path: str, place: str, status: int
) -> None:
    hub.says(path, {}, status)
    outcome = look(hub, look_at_kind).outcome
    assert isinstance(outcome, Completed), outcome
    assert place in {gap.path for gap in outcome.gaps}


@pytest.mark.parametrize("status", [401, 429, 500])
@pytest.mark.parametrize("path", ["/api/whoami-v2", "/api/models"])
def test_an_error_is_failed(
    hub: Hub, look_at_kind: Any, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    hub.says(path, {}, status)
    outcome = look(hub, look_at_kind).outcome
    assert isinstance(outcome, Failed)
    assert "hf_for-tests" not in repr(outcome)


@pytest.mark.parametrize(
    "answer",
    [b"", b"[", {}, [{}], [{"id": "acme/x"}], [{"id": "acme/x", "private": "no"}],
     [{"id": "acme/x", "private": True}]],
)  # fmt: skip
def test_another_shape_is_refused(hub: Hub, look_at_kind: Any, answer: Any) -> None:
    hub.says("/api/models", answer)
    assert isinstance(look(hub, look_at_kind).outcome, Failed)


def test_a_slow_hub_and_one_that_is_not_there(hub: Hub, look_at_kind: Any) -> None:
    hub.wait = 3
    assert isinstance(look(hub, look_at_kind, seconds=1).outcome, Failed)
    assert isinstance(look(hub, look_at_kind, url="http://127.0.0.1:9").outcome, Failed)


WRITES = "hub-token-scope-writes"
ELSEWHERE = "hub-token-scope-elsewhere"
GLOBAL = "hub-token-scope-global"


@pytest.mark.parametrize(
    ("may", "expected"),
    [
        ({"scoped": [scope("org", "Acme", "repo.content.read", "repo.access.read")]}, set()),
        ({"scoped": [scope("model", "acme/fraud", "repo.content.read")]}, set()),
        ({"scoped": [scope("org", "acme")]}, set()),
        (
            {"scoped": [scope("org", "acme", "repo.content.read", "repo.write")]},
            {(WRITES, "token/compline/org acme")},
        ),
        (
            {"scoped": [scope("user", "acme", "repo.content.read")]},
            {(ELSEWHERE, "token/compline/user acme")},
        ),
        (
            {"scoped": [scope("model", "acme-labs/x", "inference.serverless.write")]},
            {
                (WRITES, "token/compline/model acme-labs/x"),
                (ELSEWHERE, "token/compline/model acme-labs/x"),
            },
        ),
        (
            {"global": ["discussion.write"]},
            {(WRITES, "token/compline/everything"), (GLOBAL, "token/compline/everything")},
        ),
        (
            {"canReadGatedRepos": True},
            {(GLOBAL, "token/compline/gated repositories of others")},
        ),
    ],
)
def test_what_our_token_may_do(
    hub: Hub, look_at_kind: Any, found: Any, may: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    hub.token(**may)
    seen = look(hub, look_at_kind)
    assert found(seen) == expected
    assert seen.outcome.gaps == ()


def test_a_token_of_the_older_kind_reads_all_that_its_owner_may(
    hub: Hub, look_at_kind: Any, found: Any
) -> None:
    hub.token("read")
    assert found(look(hub, look_at_kind)) == {(GLOBAL, "token/compline/everything of its owner")}


@pytest.mark.parametrize(
    "may", [{}, {"scoped": [scope("resource-group", "", "repo.content.read")]}]
)
def test_what_is_not_told_of_our_token_is_a_gap(
    hub: Hub, look_at_kind: Any, found: Any, may: dict[str, Any]
) -> None:
    hub.token(**may)
    seen = look(hub, look_at_kind)
    assert found(seen) == set()
    assert [(gap.path, gap.reason) for gap in seen.outcome.gaps] == [
        ("token/", GapReason.UNSUPPORTED)
    ]


@pytest.mark.parametrize(
    "may",
    [
        {"scoped": [{}]},
        {"scoped": "all"},
        {"global": "post.write"},
        {"scoped": [scope("org", "x"), 3]},
    ],
)
def test_another_shape_of_a_token_is_refused(hub: Hub, look_at_kind: Any, may: Any) -> None:
    hub.token(**may)
    assert isinstance(look(hub, look_at_kind).outcome, Failed)
