"""The real schemathesis, through the gateway, against good and bad applications."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import scored
from endpoints import HOST, Authority, Served, serve

from compline.model import Completed, GapReason, Severity, Skipped
from compline.scanners.endpoints.dynamic import command, scanner, subject
from compline.scanners.expectations import deadline
from compline.scanners.http import addresses


def url(served: Served) -> str:
    return f"https://{HOST}:{served.port}/openapi.json"


def test_an_application_that_keeps_to_its_document(look_at: Any, good: Served) -> None:
    """Its name changes its address meanwhile; the tool could not even find the name."""
    before = len(good.requests)

    look = look_at(good.port, url(good), addresses=("127.0.0.1", "169.254.169.254"))

    assert look.outcome == Completed((), ())
    assert look.warnings == ()
    assert len(good.requests) - before > 10
    assert look.tool_version.startswith("schemathesis 4.")


def test_an_application_that_does_not(look_at: Any, bad: Served, scene: Any) -> None:
    before = len(bad.requests)

    look = look_at(bad.port, url(bad))

    assert isinstance(look.outcome, Completed), look.outcome
    found = {(o.rule, o.subject): o.severity for o in look.outcome.observations}
    assert (
        found.items()
        >= {
            ("not-a-server-error", "operation/POST /score"): Severity.HIGH,
            ("status-code-conformance", "operation/GET /status"): Severity.LOW,
            ("status-code-conformance", "operation/GET /away"): Severity.LOW,
            ("negative-data-rejection", "operation/POST /loose"): Severity.MEDIUM,
            ("response-schema-conformance", "operation/GET /odd"): Severity.LOW,
            ("content-type-conformance", "operation/GET /text"): Severity.LOW,
        }.items()
    )
    sent = set(bad.requests[before:])
    assert not {method for method, _ in sent} - {"GET", "POST"}
    assert not any("canary" in path for _, path in sent)
    assert [(gap.reason, gap.path) for gap in look.outcome.gaps] == [
        (GapReason.UNSUPPORTED, "operation/DELETE /score/{number}")
    ]
    files = [path for path in Path(scene.home).rglob("*") if path.is_file()]
    kept = "".join(gzip.decompress(path.read_bytes()).decode() for path in files)
    assert "POST /score" in kept
    assert scored.TOKEN not in kept
    again = look_at(bad.port, url(bad)).outcome.observations
    assert {(o.rule, o.subject) for o in again} == set(found), "the same again is the same"


def test_requests_are_bounded(look_at: Any, bad: Served) -> None:
    before = len(bad.requests)

    look = look_at(bad.port, url(bad), bounds={"requests": 12})

    assert len(bad.requests) - before <= 13, "and one for the document"
    assert len(bad.requests) - before > 8
    reasons = {gap.reason for gap in look.outcome.gaps}
    assert GapReason.TOO_MANY in reasons


def test_time_is_bounded(
    look_at: Any, good: Served, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Over(scanner.Rules):
        def may_pass(self) -> bool:
            self.deadline = 0
            return super().may_pass()

    monkeypatch.setattr(scanner, "Rules", Over)
    before = len(good.requests)
    assert "no operation was tested (" in error_of(look_at(good.port, url(good)))
    assert len(good.requests) - before == 1, "the document"


def test_every_answer_is_401(look_at: Any, good: Served, error_of: Any, document: Any) -> None:
    look = look_at(good.port, document(scored.good().openapi()), send="header:X-Key")
    assert "no operation was tested (no request was let in" in error_of(look)


def test_redirects_and_references_are_not_followed(
    look_at: Any, bad: Served, error_of: Any, document: Any
) -> None:
    foreign = {"$ref": "http://169.254.169.254/schema.json"}
    schema = {
        "openapi": "3.0.0",
        "info": {"title": "x", "version": "1"},
        "paths": {"/score": {"get": {"responses": {"200": foreign}}}},
    }
    assert "refers to other documents" in error_of(look_at(bad.port, document(schema)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[1]", "no OpenAPI document"),
        ('{"openapi": "3.0.0", "paths": {}}', "has no operations"),
        ("openapi: 3.0.0\npaths: &a {x: *a}\n", "aliases"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"get": 1}}}', ""),
    ],
)
def test_documents_that_cannot_be_tested_by(
    look_at: Any, good: Served, error_of: Any, document: Any, content: str, message: str
) -> None:
    assert message in error_of(look_at(good.port, document(content)))


def test_a_name_server_that_does_not_answer(
    look_at: Any, good: Served, error_of: Any, document: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(addresses, "find", lambda *_: over.wait(20))
    waited = deadline.waited
    monkeypatch.setattr(deadline, "waited", lambda _seconds, ask: waited(0.3, ask))
    try:
        error = error_of(look_at(good.port, document("{}")))
        assert "still answering after 60 s" in error
        assert "(scanners.endpoint-dynamic.seconds)" in error
    finally:
        over.set()


def test_what_is_not_asked_for_is_skipped(look_at: Any, good: Served, document: Any) -> None:
    look = look_at(good.port, document("{}"), dynamic=False)
    assert isinstance(look.outcome, Skipped)


def test_a_certificate_that_cannot_be_verified(
    look_at: Any, error_of: Any, authority: Authority, document: Any
) -> None:
    schema = document(scored.good().openapi())
    with serve(scored.good(), authority.issue("other", host="other.test")) as served:
        assert "certificate can be verified" in error_of(look_at(served.port, schema))
        assert served.requests == []


def test_nobody_listens(look_at: Any, error_of: Any, document: Any) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    assert "no connection" in error_of(look_at(port, document("{}")))


def test_a_service_that_is_away(look_at: Any, error_of: Any, document: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"retry-after", b"60")]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    with serve(app) as served:
        schema = document(scored.good().openapi())
        error = error_of(look_at(served.port, schema, scheme="http"))
    assert "no operation was tested (" in error
    assert "had no whole answer" in error


def test_a_tool_that_breaks(
    look_at: Any, good: Served, error_of: Any, document: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_CONFIGURATION", "nonsense = ")
    assert "exit code" in error_of(look_at(good.port, document(scored.good().openapi())))


def test_a_missed_canary(
    look_at: Any, good: Served, error_of: Any, document: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(content: bytes, canary: str, method: str) -> Any:
        made = scanner_prepare(content, canary, method)
        value = json.loads(made.text)
        del value["paths"][canary]
        return type(made)(json.dumps(value).encode(), made.operations)

    scanner_prepare = subject.prepare
    monkeypatch.setattr(subject, "prepare", without)
    error = error_of(look_at(good.port, document(scored.good().openapi())))
    assert "missed its canary" in error
