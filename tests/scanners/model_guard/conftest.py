"""A registry that answers as MLflow 3.17.2 did when it was recorded, or as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import hostile_models as hostile
import pytest

from compline.model import Look, Target, TargetKind
from compline.scanners import registry
from compline.scanners.interface import Job, ScanContext
from compline.tools.toolbox import Toolbox

GOLDEN = Path(__file__).parent / "golden" / "mlflow-3.17.2.json"
FILES = {
    "MLmodel": b"flavors: {}\n",
    "model.pkl": hostile.bad(),
    "model.safetensors": hostile.safetensors(),
}


@dataclass
class Recorded:
    """The server; `instead` answers in place of the record, by the call's path."""

    url: str = ""
    instead: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    sent: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path and body."""
    answers: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))

    def says(self, path: str, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.instead[path] = lambda handler: answer(handler, status, body, **headers)

    def lies_at(self, source: str) -> None:
        """Every version's files are said to lie there; of a reference (`models:/m-1`) the server
        has to be asked where that leads."""
        for path, one in self.answers.items():
            if "model-versions/search" in path:
                for version in one["model_versions"]:
                    version["source"] = source


def answer(handler: Any, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """The server, in good order."""
    running = Recorded(answers=json.loads(GOLDEN.read_text()))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms behind its headers

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.lstrip("/")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            running.seen.append(self.path)
            running.sent.append((self.command, path, json.loads(body or b"null")))
            for known, instead in running.instead.items():
                if path.endswith(known):
                    instead(self)
                    return
            query = "&".join(f"{key}={value}" for key, value in sorted(parse_qsl(parts.query)))
            name = path.rpartition("/")[2]
            if f"{path}?{query}" in running.answers:
                answer(self, 200, json.dumps(running.answers[f"{path}?{query}"]).encode())
            elif name in running.files:
                answer(self, 200, running.files[name])
            else:
                answer(self, 404, b"{}")

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.recorded = running  # type: ignore[attr-defined]
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield running
    server.shutdown()
    thread.join()
    server.server_close()


LookOf = Callable[..., Look]


@pytest.fixture
def look(
    recorded: Recorded, context: Callable[..., ScanContext], tools: Callable[..., Toolbox]
) -> LookOf:
    """One look of a scanner at the registry."""
    toolbox = tools("modelaudit", "picklescan", "model-signing")

    def one(
        scanner: str = "model-guard",
        *,
        seconds: int = 60,
        shared: dict[str, Any] | None = None,
        about: tuple[str, str] | None = None,
        **models: Any,
    ) -> Look:
        rules = {"production": "champion", **models}
        settings = {"kind": "mlflow", "url": recorded.url, "models": rules}
        target = Target(TargetKind.MODEL_REGISTRY, "mlflow", recorded.url, settings=settings)
        asked = context(toolbox, scanners={"model-guard": {"seconds": seconds}})
        job = Job(target, "", shared={} if shared is None else shared, about=about)
        (found,) = registry.load(scanner).scan([job], asked)
        return found

    return one
