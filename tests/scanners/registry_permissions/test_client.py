"""Answers that are no answers: whatever a registry does, it is Failed or a gap, never "nothing"."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from compline.model import Completed, Failed, Gap, GapReason
from compline.scanners.http import client
from compline.scanners.http.refusals import Bounds
from compline.scanners.registries import mlflow

POLICY = {
    "admins": ["admin"],
    "users": ["alice", "bob"],
    "grants": {"alice": {"fraud": "EDIT", "experiment/training": "EDIT"}},
    "roles": {"science": {"*": "USE"}},
    "artifact_store": "local",
    "allow_loopback_http": True,
}


def error_of(look: Any) -> str:
    assert isinstance(look.outcome, Failed), look.outcome
    return look.outcome.error


def gaps_of(look: Any) -> tuple[Gap, ...]:
    assert isinstance(look.outcome, Completed), look.outcome
    return look.outcome.gaps


def test_the_stub_in_good_order_is_clean(stub: Any, look_at: Any) -> None:
    outcome = look_at(stub.url, POLICY).outcome
    assert (outcome.observations, outcome.gaps) == ((), ())
    # The door is tried without the credential, everything else is asked with it.
    assert [known for _, _, known in stub.seen] == [False] * 2 + [True] * 9


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("path", [mlflow.USERS, mlflow.MODELS, mlflow.PERMISSION])
def test_an_error_of_the_server(
    stub: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    stub.says(path, {"error": "x"}, status)

    assert f"{path} answers {status}: try again later" in error_of(look_at(stub.url, POLICY))


def put_off(stub: Any, path: str, times: int, seconds: int) -> None:
    """The path answers 429 so many times before it answers as it did."""
    left = iter(range(times))
    status, _, body = stub.answers[path]

    def answer(handler: Any) -> None:
        busy = next(left, None) is not None
        handler.send_response(429 if busy else status)
        handler.send_header("Retry-After", str(seconds))
        handler.send_header("Content-Length", "0" if busy else str(len(body)))
        handler.end_headers()
        handler.wfile.write(b"" if busy else body)

    stub.answers[path] = answer


def test_a_busy_service_is_asked_again_when_it_says_so(stub: Any, look_at: Any) -> None:
    put_off(stub, mlflow.USERS, 2, 1)
    started = time.monotonic()

    assert gaps_of(look_at(stub.url, POLICY)) == ()
    assert time.monotonic() - started >= 2


def test_a_busy_service_is_not_waited_for_beyond_the_time(stub: Any, look_at: Any) -> None:
    put_off(stub, mlflow.USERS, 1, 600)
    started = time.monotonic()

    assert f"{mlflow.USERS} answers 429" in error_of(look_at(stub.url, POLICY, seconds=5))
    assert time.monotonic() - started < 5


def test_a_service_that_is_always_busy(stub: Any, look_at: Any) -> None:
    put_off(stub, mlflow.USERS, 9, 0)

    assert f"{mlflow.USERS} answers 429: try again later" in error_of(look_at(stub.url, POLICY))
    assert sum(path.startswith(f"/{mlflow.USERS}") for _, path, _ in stub.seen) == client.TRIES


@pytest.mark.parametrize("path", [mlflow.MODELS, mlflow.EXPERIMENTS])
@pytest.mark.parametrize("status", [404, 418, 429, 500])
def test_a_door_that_is_neither_open_nor_closed(
    stub: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    stub.says(f"anonymous:{path}", {}, status)

    assert f"{path} answers {status}" in error_of(look_at(stub.url, POLICY))


def test_an_open_door_is_found_beside_working_permissions(stub: Any, look_at: Any) -> None:
    stub.says(f"anonymous:{mlflow.MODELS}", {"registered_models": [{"name": "fraud"}]})

    (observation,) = look_at(stub.url, POLICY).outcome.observations
    assert observation.rule == "anonymous-access"


def test_a_login_page_with_200_is_not_an_answer(stub: Any, look_at: Any) -> None:
    stub.says(f"anonymous:{mlflow.MODELS}", b"<html>please log in</html>")

    assert "not JSON" in error_of(look_at(stub.url, POLICY))


@pytest.mark.parametrize(
    ("path", "gaps"),
    [
        (mlflow.USERS, {"user/", "grant/", "role/", "member/"}),
        (mlflow.ROLES, {"role/"}),
        (mlflow.WEBHOOKS, {"webhook/"}),
        (mlflow.PERMISSION, {"default-permission"}),
        (mlflow.MODELS, {"registered_model/"}),
        (mlflow.EXPERIMENTS, {"experiment/"}),
    ],
)
@pytest.mark.parametrize(
    ("status", "reason"), [(403, GapReason.FORBIDDEN), (404, GapReason.UNSUPPORTED)]
)
def test_a_refusal_is_a_gap(
    stub: Any, look_at: Any, path: str, gaps: set[str], status: int, reason: GapReason
) -> None:
    stub.says(path, {}, status)

    assert {(gap.path, gap.reason) for gap in gaps_of(look_at(stub.url, POLICY))} >= {
        (place, reason) for place in gaps
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"<html>", b'{"users": {}}'])
def test_garbage(stub: Any, look_at: Any, body: bytes) -> None:
    stub.says(mlflow.USERS, body)

    assert mlflow.USERS.removeprefix("api/2.0/mlflow/") in error_of(look_at(stub.url, POLICY))


def test_every_cut_of_the_users_list_is_failed(stub: Any, look_at: Any) -> None:
    whole = stub.answers[mlflow.USERS]
    assert isinstance(whole, tuple)
    for length in range(0, len(whole[2]), 97):
        stub.says(mlflow.USERS, whole[2][:length])
        error_of(look_at(stub.url, POLICY))


def test_a_list_without_ourselves_is_not_complete(stub: Any, look_at: Any) -> None:
    stub.says(mlflow.USERS, {"users": []})

    assert "does not list our own account" in error_of(look_at(stub.url, POLICY))


def test_half_an_answer(stub: Any, look_at: Any) -> None:
    def half(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"registered_models": [')
        handler.close_connection = True

    stub.answers[mlflow.MODELS] = half

    assert "RemoteProtocolError" in error_of(look_at(stub.url, POLICY))


def test_a_page_that_fails_halfway(
    stub: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)

    def pages(handler: Any) -> None:
        first = "page_token" not in handler.path
        body = b'{"registered_models": [{"name": "a"}], "next_page_token": "2"}' if first else b""
        handler.send_response(200 if first else 503)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    stub.answers[mlflow.MODELS] = pages

    assert "answers 503" in error_of(look_at(stub.url, POLICY))


def test_pages_without_end(stub: Any, look_at: Any) -> None:
    stub.says(mlflow.MODELS, {"registered_models": [], "next_page_token": "again"})

    assert "the same page again and again" in error_of(look_at(stub.url, POLICY))


def test_more_pages_than_calls_are_a_gap(stub: Any, look_at: Any) -> None:
    def pages(handler: Any) -> None:
        body = json.dumps({"next_page_token": str(len(stub.seen))}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    stub.answers[mlflow.MODELS] = pages

    reasons = {(gap.path, gap.reason) for gap in gaps_of(look_at(stub.url, POLICY))}
    assert reasons == {
        ("registered_model/", GapReason.TRUNCATED),
        ("experiment/", GapReason.TRUNCATED),
        ("production/", GapReason.TRUNCATED),
        ("policy/movers", GapReason.TRUNCATED),
        ("artifacts/", GapReason.TRUNCATED),
        ("grant/", GapReason.TRUNCATED),
        ("role/", GapReason.TRUNCATED),
    }
    assert len(stub.seen) == mlflow.MOST_CALLS


def test_an_answer_beyond_the_limit(
    stub: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow, "Bounds", lambda *given: Bounds(*given, most_bytes=1000))

    assert "more than 1000 bytes" in error_of(look_at(stub.url, POLICY))


def test_a_slow_answer(stub: Any, look_at: Any) -> None:
    gone = threading.Event()

    def slow(_: Any) -> None:
        gone.wait(20)

    stub.answers[mlflow.USERS] = slow
    started = time.monotonic()

    error = error_of(look_at(stub.url, POLICY, seconds=1))

    gone.set()
    assert "did not answer within 1 s" in error
    assert time.monotonic() - started < 5


def test_an_answer_that_drips(stub: Any, look_at: Any) -> None:
    """Each byte comes in time; all of them never would."""
    stop = threading.Event()

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not stop.wait(0.1):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    stub.answers[mlflow.USERS] = drip
    started = time.monotonic()

    error = error_of(look_at(stub.url, POLICY, seconds=1))

    stop.set()
    assert "did not answer within 1 s" in error
    assert time.monotonic() - started < 5


def test_a_redirect_is_not_followed(stub: Any, look_at: Any) -> None:

    stub.says(mlflow.USERS, b"", 302, Location="http://elsewhere.invalid/collect?all")

    error = error_of(look_at(stub.url, POLICY))

    assert "redirects to elsewhere.invalid" in error


def test_a_stopped_service(stub: Any, look_at: Any) -> None:
    # Port 9 of loopback: nothing listens there.
    assert "no connection to 127.0.0.1" in error_of(look_at("http://127.0.0.1:9", POLICY))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "nonsense", "http://u:p@host"])
def test_a_url_that_is_none(look_at: Any, url: str) -> None:
    error = error_of(look_at(url, POLICY))

    assert "url" in error
    assert "u:p" not in error


def test_a_credential_without_a_password_is_not_repeated(stub: Any, look_at: Any) -> None:
    error = error_of(look_at(stub.url, POLICY, credential="only-a-secret"))

    assert "user:password" in error
    assert "only-a-secret" not in error
