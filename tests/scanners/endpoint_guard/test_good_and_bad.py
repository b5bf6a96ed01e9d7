"""The guard's checks against real servers: what is wrong is found, what is right is clean."""

from __future__ import annotations

import gzip
import json
import secrets
from pathlib import Path
from typing import Any

import model_servers
from endpoints import HOST, Authority, Served, serve

from compline.model import Completed, Confidence, Severity
from compline.scanners.endpoints.asking import MOST_CALLS
from compline.tools.sandbox import confinement

PROBES = {"probes": True, "prompt_canary": "env:PHRASE"}


def rules(look: Any) -> set[str]:
    assert isinstance(look.outcome, Completed), look.outcome
    return {observation.rule for observation in look.outcome.observations}


def test_a_guarded_endpoint_is_clean(look_at: Any, good: Served, redirecting: Served) -> None:
    before = len(good.requests)

    look = look_at(good.port, plain_port=redirecting.port, **PROBES)

    assert look.outcome == Completed((), ())
    assert look.warnings == ()
    assert look.sandbox == confinement().level, "sslyze's"
    assert len(good.requests) - before <= 50 < MOST_CALLS


def test_it_only_reads(look_at: Any, plain_good: Served) -> None:
    before = len(plain_good.requests)

    look_at(plain_good.port, scheme="http", **PROBES)

    sent = set(plain_good.requests[before:])
    posted = {path for method, path in sent if method == "POST"}
    assert {method for method, _ in sent} == {"GET", "POST", "OPTIONS"}
    assert posted == {"/v1/chat/completions"}, "only the call itself is ever posted to"


def test_everything_that_is_wrong_is_found(
    look_at: Any, found: Any, bad: Served, plain_bad: Served
) -> None:
    before = len(bad.requests)

    look = look_at(bad.port, plain_port=plain_bad.port)

    assert len(bad.requests) - before <= MOST_CALLS
    tls = "tls/certificate/RSA"
    wanted = {
        ("answers-without-tls", "transport/plain-http"): Severity.MEDIUM,
        ("hsts-missing", "header/strict-transport-security"): Severity.LOW,
        ("content-sniffing-allowed", "header/x-content-type-options"): Severity.LOW,
        ("server-version-told", "header/server"): Severity.LOW,
        ("old-tls-version", "tls/version/TLS 1.0"): Severity.HIGH,
        ("weak-tls-cipher", "tls/cipher/TLS 1.2/no authentication"): Severity.HIGH,
        ("no-forward-secrecy", "tls/cipher/TLS 1.2/no forward secrecy"): Severity.LOW,
        ("certificate-out-of-time", tls): Severity.CRITICAL,
        ("certificate-of-another-host", tls): Severity.HIGH,
        ("weak-certificate-key", tls): Severity.HIGH,
        ("anonymous-call-answered", "access/anonymous"): Severity.CRITICAL,
        ("wrong-credential-accepted", "access/wrong"): Severity.CRITICAL,
        ("admin-path-open", "door/GET /admin"): Severity.HIGH,
        ("management-path-open", "door/GET /v1/fine_tuning/jobs"): Severity.HIGH,
        ("metrics-open", "door/GET /metrics"): Severity.MEDIUM,
        ("documentation-open", "door/GET /docs"): Severity.LOW,
        ("model-listing-open", "door/GET /v1/models"): Severity.MEDIUM,
        ("model-download-open", "door/GET /v1/files"): Severity.CRITICAL,
        ("file-of-the-server-open", "door/GET /.env"): Severity.CRITICAL,
        ("cors-with-credentials", "cors/null"): Severity.HIGH,
        ("no-rate-limit-seen", "limits"): Severity.LOW,
        ("error-shows-inside", "errors/broken-json"): Severity.MEDIUM,
    }
    assert found(look).items() >= wanted.items()


def test_the_credential_is_not_shown_to_a_server_that_cannot_prove_its_name(
    look_at: Any, authority: Authority
) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]).get(b"authorization", b""))
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with serve(app, authority.issue("own", self_signed=True)) as served:
        look = look_at(served.port)

    assert not any(model_servers.TOKEN.encode() in header for header in seen)
    assert any(seen), "the wrong one was sent"
    (gap,) = (gap for gap in look.outcome.gaps if gap.path == "access/")
    assert "the certificate cannot be verified" in gap.detail
    assert "certificate-not-trusted" in rules(look)


def test_a_certificate_that_ends_soon(look_at: Any, found: Any, authority: Authority) -> None:
    with serve(model_servers.good(), authority.issue("soon", days=5)) as served:
        look = look_at(served.port)

    assert found(look) == {("certificate-ends-soon", "tls/certificate/EC"): Severity.MEDIUM}


def test_an_endpoint_without_tls_and_what_its_model_does(look_at: Any, plain_bad: Served) -> None:
    look = look_at(plain_bad.port, scheme="http", **PROBES)

    marked = {o.rule: o.confidence for o in look.outcome.observations if o.rule[:4] == "llm-"}
    assert marked == {
        "llm-prompt-injection": Confidence.LOW,
        "llm-system-prompt-disclosed": Confidence.MEDIUM,
        "llm-tool-misuse": Confidence.LOW,
        "llm-secret-in-answer": Confidence.MEDIUM,
    }
    assert "endpoint-without-tls" in rules(look)
    assert not rules(look) & {"old-tls-version", "hsts-missing", "answers-without-tls"}
    assert look.outcome.gaps == ()


def test_nothing_secret_is_kept(look_at: Any, plain_bad: Served, scene: Any) -> None:
    look = look_at(plain_bad.port, scheme="http", **PROBES)

    files = [path for path in Path(scene.home).rglob("*") if path.is_file()]
    kept = "".join(gzip.decompress(path.read_bytes()).decode() for path in files)
    assert "certificates" in kept
    for secret in (model_servers.TOKEN, model_servers.PHRASE, "hunter2-hunter2"):
        assert secret not in kept
        assert secret not in repr(look)


def test_what_the_policy_declares_is_no_finding(look_at: Any, plain_bad: Served) -> None:
    open_paths = ["/docs", "/redoc", "/openapi.json", "/metrics", "/v1/models"]
    policy = {"public": True, "public_paths": open_paths, "rate_limit_calls": 0}

    found = rules(look_at(plain_bad.port, scheme="http", policy=policy))

    declared = {"anonymous-call-answered", "wrong-credential-accepted", "documentation-open"}
    declared |= {"metrics-open", "model-listing-open", "no-rate-limit-seen"}
    assert not found & declared
    assert "model-download-open" in found


def test_one_page_for_all_paths_opens_none(look_at: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonce = f"a1{secrets.token_urlsafe(18)}"
        page = f'<html><script nonce="{nonce}">{scope["path"]}</script></html>'.encode()
        status = 200 if scope["path"] != "/v1/metrics" else 404
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": page if status == 200 else b""})

    with serve(app) as served:
        look = look_at(served.port, scheme="http", shape="plain")

    assert not {rule for rule in rules(look) if rule.endswith("-open")}


def test_golden_answers(golden: Path) -> None:
    """Recorded answers of a bad server, read again: the same rows as then."""
    from datetime import datetime

    from compline.scanners.endpoints.answers import recorded
    from compline.scanners.endpoints.frames import Allowed, inventory_of
    from compline.scanners.expectations.inventory import records

    answers = recorded(json.loads((golden / "bad.json").read_text()))
    now = datetime.fromisoformat("2026-11-23T12:00:00+00:00")
    inventory = inventory_of(answers, Allowed(), now)
    rows = {name: records(frame) for name, frame in inventory.frames.items()}
    rows["gaps"] = [{"path": gap.path, "detail": gap.detail} for gap in inventory.all_gaps]
    assert rows == json.loads((golden / "bad.frames.json").read_text())
    assert answers.host == HOST
