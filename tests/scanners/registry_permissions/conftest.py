"""A registry that answers as it is told, and one look of the scanner at a registry."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from compline.model import Look, Target, TargetKind
from compline.scanners.interface import Job, ScanContext
from compline.scanners.registries.scanner import RegistryPermissions

ADMIN, PASSWORD = "admin", "a-password-for-tests"


@dataclass
class Stub:
    """A server that answers each path as it is told; `url` is on loopback."""

    url: str
    answers: dict[str, tuple[int, Mapping[str, str], bytes] | Callable[[Any], None]] = field(
        default_factory=dict
    )
    seen: list[tuple[str, str, bool]] = field(default_factory=list)
    """(method, path with query, whether a credential came with it)."""

    def says(self, path: str, value: Any, status: int = 200, **headers: str) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.answers[path] = (status, headers, body)


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A registry in good order, of which single answers can be replaced."""
    running = Stub("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms behind its headers

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].lstrip("/")
            known = "Authorization" in self.headers
            running.seen.append(("GET", self.path, known))
            answer = running.answers.get(path)
            if not known and not path.startswith("anonymous:"):
                answer = running.answers.get(f"anonymous:{path}", (401, {}, b""))
            if callable(answer):
                answer(self)
                return
            status, headers, body = answer or (404, {}, b"not found")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    golden = json.loads((Path(__file__).parent / "golden" / "mlflow-3.17.2.json").read_text())
    for path, body in golden.items():
        running.says(path, body.encode() if isinstance(body, str) else body)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield running
    server.shutdown()
    thread.join()
    server.server_close()


LookAt = Callable[..., Look]


@pytest.fixture
def look_at(context: Callable[..., ScanContext]) -> LookAt:
    """One look of the scanner at one registry."""

    def look(
        url: str,
        policy: Mapping[str, Any] | None = None,
        credential: str | None = f"{ADMIN}:{PASSWORD}",
        seconds: int = 60,
        **sections: Any,
    ) -> Look:
        settings: dict[str, Any] = {"kind": "mlflow", "url": url, "policy": dict(policy or {})}
        settings["credential"] = "env:REGISTRY" if credential else None
        asked = context(
            None,
            secrets={"REGISTRY": credential or ""},
            scanners={"registry-permissions": {"seconds": seconds}},
            **sections,
        )
        target = Target(TargetKind.MODEL_REGISTRY, "models", url, settings=settings)
        (result,) = RegistryPermissions().scan([Job(target, "")], asked)
        return result

    return look
