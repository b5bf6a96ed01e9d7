"""Services that refuse and repeat whatever they are sent: each is Failed, and no credential stays.

Of every kind that the configuration knows how to ask, over a server that answers with all that it
was told, as some error pages do.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from compline.model import RunResult
from compline.scanners import registry
from compline.store.outbox import list_deliveries, list_regressions

SECRET = "Wq9" + "zRt4LmKxB7vYc2NpHd"
"""A part of every credential; put together so that this file holds no secret."""
KINDS = ("data_store", "pipeline", "model_registry", "model", "endpoint", "airflow", "log")
SCANNERS = (
    *("data-expectations", "column-content", "pipeline-flows", "registry-permissions"),
    *("model-guard", "modelaudit", "picklescan", "endpoint-guard", "airflow-audit"),
    *("log-secrets", "model-access"),
)
TIMED = set(SCANNERS) - {"modelaudit", "picklescan"}


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    timeout = 0.5
    """Seconds after which whoever speaks no HTTP is left."""
    asked: ClassVar[list[tuple[str, bool]]] = []
    """Method, and whether the credential came along."""

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        told = f"{self.requestline}\n{self.headers}\n{self.rfile.read(length)!r}"
        body = f"<html>refused: {told}</html>".encode()
        self.asked.append((self.command, SECRET in told))
        self.send_response(403)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of such a server."""
    monkeypatch.setattr(Echo, "asked", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def targets(port: int, home: Path) -> dict[str, Any]:
    """One of every kind, behind that port; where the endpoint should be nobody listens, since one
    that refuses everybody may be in order."""
    url = f"http://127.0.0.1:{port}"
    aws = {"endpoint_url": url, "credential": "env:AWS"}
    return {
        "data_stores": [
            {"name": "postgresql", "kind": "postgresql", "url": "env:PG", "content": {}},
            {"name": "redis", "kind": "redis", "url": "env:REDIS"},
            {"name": "kafka", "kind": "kafka", "url": "env:KAFKA"},
            {"name": "s3", "kind": "s3", **aws},
            {"name": "gcs", "kind": "gcs", "project": "p", "endpoint_url": url,
             "credential": "env:GCS"},
            {"name": "azure", "kind": "azure-blob", "account_url": f"{url}/acme",
             "credential": "env:AZURE"},
            {"name": "inventory", "kind": "inventory", "path": str(home / "broken.csv")},
        ],
        "model_registries": [
            {"name": "mlflow", "kind": "mlflow", "url": url, "credential": "env:LOGIN"},
            {"name": "sagemaker", "kind": "sagemaker", "region": "eu-west-1", "endpoint": url,
             "credential": "env:AWS"},
            {"name": "hub", "kind": "huggingface", "organisation": "acme", "url": url,
             "token": "env:TOKEN"},
            {"name": "bucket", "kind": "directory", "url": "s3://models", "endpoint": url,
             "credential": "env:AWS"},
        ],
        "models": [{"name": "files", "url": "s3://models", "endpoint": url,
                    "credential": "env:AWS"}],
        "endpoints": [{"name": "endpoint", "url": "http://127.0.0.1:1/v1", "shape": "openai",
                       "model": "m",
                       "credential": "env:TOKEN", "private_hosts": ["127.0.0.1"]}],
        "airflow": [{"name": "airflow", "url": url, "credential": "env:LOGIN"}],
        "pipelines": [
            {"name": "pipeline", "dag": "d", "airflow": "airflow",
             "flow": {"hops": [{"dataset": "claims", "store": "s3", "direction": "read"}]}}
        ],
        "logs": [{"name": "log", "files": [str(home / "nothing.log")], "format": "combined",
                  "access": {"paths": ["/models/{model}/**"]}}],
    }  # fmt: skip


def credentials(port: int) -> dict[str, str]:
    where = f"127.0.0.1:{port}"
    return {
        "PG": f"postgresql://compline:{SECRET}@{where}/db?sslmode=disable",
        "REDIS": f"redis://compline:{SECRET}@{where}/0",
        "KAFKA": f"kafka://compline:{SECRET}@{where}?mechanism=PLAIN",
        "AWS": f"KEYIDENTIFIER0000000:{SECRET}",
        "GCS": json.dumps({"type": "service_account", "private_key": SECRET}),
        "AZURE": "DefaultEndpointsProtocol=http;AccountName=acme;AccountKey="
        f"{SECRET}A==;BlobEndpoint=http://{where}/acme;",
        "LOGIN": f"compline:{SECRET}",
        "TOKEN": f"hf_{SECRET}",
    }


def held(folder: Path) -> list[str]:
    """Files that hold the secret, plain or gzipped."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and "tools" not in path.parts:
            content = path.read_bytes()
            content += gzip.decompress(content) if content[:2] == b"\x1f\x8b" else b""
            if SECRET.encode() in content:
                found.append(str(path.relative_to(folder)))
    return found


def test_whoever_repeats_credentials_gets_them_kept_nowhere(
    equipped: Any, echo: int, caplog: pytest.LogCaptureFixture
) -> None:
    (equipped.home / "broken.csv").write_text(f'resource,encrypted_at_rest\n"{SECRET}')
    equipped.environment = credentials(echo)
    equipped.sections = {
        "targets": targets(echo, equipped.home),
        "scanners": {
            name: {"enabled": name in SCANNERS, **({"seconds": 5} if name in TIMED else {})}
            for name in registry.names()
        },
    }
    caplog.set_level(logging.INFO)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        night = equipped.night()
    assert night.result is RunResult.INCOMPLETE
    with equipped.session() as session:
        kinds = {
            entry.name: entry.target_kind.value
            for entries in session.config.targets.groups().values()
            for entry in entries
        }
        assert set(kinds.values()) == set(KINDS)
        rows = {(row.target, row.scanner): row.outcome for row in night.rows}
        assert set(rows.values()) == {"failed", "skipped"}, rows
        assert {kinds[row.target] for row in night.rows if row.outcome == "failed"} == set(KINDS)
        skipped = {target for (target, _), outcome in rows.items() if outcome == "skipped"}
        assert all(
            (target, "failed") in {(t, o) for (t, _), o in rows.items()} for target in skipped
        )
        assert all(row.reason for row in night.rows)
        stored = (list_regressions(session.store), list_deliveries(session.store), night.rows)
        assert SECRET not in repr(stored)
        assert held(session.workspace) == [], "the write-ahead log among them"
    assert SECRET not in "\n".join(night.told)
    assert SECRET not in caplog.text + out.getvalue() + err.getvalue()
    # It did come along, and only what reads was sent; who asks a model, or logs in, must post.
    assert any(came for _, came in Echo.asked)
    assert {method for method, _ in Echo.asked} <= {"GET", "HEAD", "OPTIONS", "POST"}
