"""A git server on loopback, with authentication and moods."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import ssl
import subprocess
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


@dataclass
class GitServer:
    """git http-backend behind basic authentication, on loopback."""

    url: str
    root: Path
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(path, Authorization header) of each request."""
    password: str = ""
    """What is asked for, empty for nothing."""
    delay: float = 0.0
    """Seconds before each answer."""
    redirect: str = ""
    """Where to, instead of answering."""
    echo: bool = False
    """Whether to answer with an error that repeats the Authorization header."""
    wait: threading.Event = field(default_factory=threading.Event)
    listener: http.server.ThreadingHTTPServer | None = None

    def speak_tls(self, certificate: Path, key: Path) -> None:
        """From now on by https only."""
        assert self.listener is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.listener.socket = context.wrap_socket(self.listener.socket, server_side=True)
        self.url = self.url.replace("http://", "https://")


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[GitServer]:
    """Serves the repositories of tmp_path."""
    server = GitServer("", tmp_path)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            server.requests.append((path, self.headers.get("Authorization", "")))
            server.wait.wait(server.delay)
            if server.redirect:
                self._answer(301, {"Location": server.redirect + self.path}, b"")
            elif server.echo:
                said = f"\x1b[2Jyou sent {self.headers.get('Authorization')}"
                self._answer(500, {"Content-Type": "text/plain"}, said.encode())
            elif server.password and not self._knows():
                self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"who are you?")
            else:
                self._serve(path, query)

        do_POST = do_GET  # noqa: N815

        def _knows(self) -> bool:
            kind, _, value = self.headers.get("Authorization", "").partition(" ")
            pair = base64.b64decode(value).decode() if kind == "Basic" else ""
            return pair.partition(":")[2] == server.password

        def _serve(self, path: str, query: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = zlib.decompress(body, 31)
            finished = subprocess.run(
                ["git", "http-backend"],
                input=body,
                capture_output=True,
                check=False,
                env=_ENVIRONMENT
                | {
                    "GIT_PROJECT_ROOT": str(server.root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )
            head, _, content = finished.stdout.partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in head.decode().split("\r\n")]
            headers = {name: value for name, _, value in lines}
            status = int(headers.pop("Status", "200").split()[0])
            self._answer(status, headers, content)

        def _answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(content)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server.url = f"http://127.0.0.1:{listener.server_port}"
        server.listener = listener
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.wait.set()
        listener.shutdown()
        thread.join()
