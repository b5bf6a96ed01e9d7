"""A proxy that writes down what is asked of a store, and can answer in its place."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """What is answered instead of the store's answer."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    """Waited before anything is answered."""
    half: bool = False
    """The store's own answer, broken off in its middle."""
    drips: bool = False
    """The body comes in bytes, ten a second."""


@dataclass
class Proxy:
    """A running proxy."""

    url: str
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, path with query) of every request, in order."""
    calls: list[str] = field(default_factory=list)
    """The operation of each request that names one in a header, as AWS's JSON protocols do."""
    times: list[float] = field(default_factory=list)
    """When each of them came, in seconds of a clock that only counts."""
    faults: list[Callable[[str, str], Fault | None]] = field(default_factory=list)
    """Asked in order for each request; the first that gives a fault wins."""

    def paused(self, part: str) -> float:
        """Seconds between the first two requests whose path has this part."""
        first, second = [
            at for at, (_, path) in zip(self.times, self.requests, strict=False) if part in path
        ][:2]
        return second - first

    def fail(self, part: str, fault: Fault, times: int = 1_000_000) -> None:
        """Answers so where the path or the operation has this part, the first so many times."""
        left = [times]

        def choose(_method: str, path: str) -> Fault | None:
            if part in path and left[0] > 0:
                left[0] -= 1
                return fault
            return None

        self.faults.append(choose)


@contextmanager
def proxying(
    upstream: str, certificate: tuple[Path, Path] | None = None, signature: str = ""
) -> Iterator[Proxy]:
    """A proxy before the store; with a certificate and its key it speaks TLS.

    `signature` is a query that goes to the store in place of the request's own authorization.
    """
    goal = urlsplit(upstream)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            with lock:
                proxy.times.append(time.monotonic())
                proxy.requests.append((self.command, self.path))
                if operation := self.headers.get("X-Amz-Target", ""):
                    proxy.calls.append(operation)
            asked = f"{self.path} {operation}"
            fault = next((f for c in proxy.faults if (f := c(self.command, asked))), None)
            if fault is not None and fault.seconds:
                time.sleep(fault.seconds)
            if fault is not None and not fault.half:
                self._send(fault.status, fault.headers, fault.body, drips=fault.drips)
                return
            connection = http.client.HTTPConnection(str(goal.hostname), goal.port, timeout=30)
            headers, path = dict(self.headers), self.path
            if signature:
                headers.pop("Authorization", None)
                path += f"{'&' if '?' in path else '?'}{signature}"
            connection.request(self.command, path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            dropped = ("content-length", "transfer-encoding", "connection")
            told = [(k, v) for k, v in answer.getheaders() if k.lower() not in dropped]
            if self.command == "HEAD":
                told.append(("Content-Length", answer.getheader("Content-Length") or "0"))
            self._send(answer.status, told, data, half=fault is not None)
            connection.close()

        def _send(
            self,
            status: int,
            headers: Iterable[tuple[str, str]],
            body: bytes,
            half: bool = False,
            drips: bool = False,
        ) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for number in range(len(body) if drips else 0):
                self.wfile.write(body[number : number + 1])
                time.sleep(0.1)
            if not drips:
                self.wfile.write(body[: len(body) // 2] if half else body)
            if half:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            return

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "http" if certificate is None else "https"
    proxy = Proxy(f"{scheme}://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
