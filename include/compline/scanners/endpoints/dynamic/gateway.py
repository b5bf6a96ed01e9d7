"""What stands between schemathesis and an endpoint: every request goes through here, or nowhere.

The tool speaks plain http to this proxy on loopback. Only requests for the one endpoint are passed
on: to the address that was found first, over TLS that is verified, with the credential added here
(the tool never has it), up to a number of requests and a time. Redirects lead back here, and end.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from compline.scanners.endpoints.asking import Credential
from compline.scanners.http.addresses import Place

_SECONDS = 15.0
"""Of one request."""
_MOST_BYTES = 2_000_000
_LONGEST_WAIT = 5.0
_AWAY = (429, 502, 503, 504)
"""Statuses by which a service says that it was not looked at."""
_HOP_BY_HOP = frozenset(
    """
    connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer
    transfer-encoding upgrade content-length host
    """.split()  # noqa: SIM905 - readable as text
)


@dataclass
class Rules:
    """What is passed on, and what came of it."""

    place: Place
    credential: Credential | None
    tls: ssl.SSLContext
    methods: frozenset[str]
    requests: int
    """Most that are passed on."""
    deadline: float
    """Of the monotonic clock; nothing is passed on after it."""
    canary: str
    """A path that is answered here, with an error."""
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Only the tool may use the credential, not everybody on this machine."""
    passed: int = 0
    over: int = 0
    """Requests that came when the number or the time was used up."""
    strays: int = 0
    """Requests to elsewhere, or with other methods."""
    unanswered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def may_pass(self) -> bool:
        """Takes one of the requests that are left."""
        with self.lock:
            if self.passed >= self.requests or time.monotonic() >= self.deadline:
                self.over += 1
                return False
            self.passed += 1
            return True


@contextlib.contextmanager
def gateway(rules: Rules) -> Iterator[str]:
    """The proxy's URL, its password included, while it runs."""

    class Handler(_Handler):
        def __init__(self, *args: Any) -> None:
            self.rules = rules
            super().__init__(*args)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://tool:{rules.password}@127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    rules: Rules
    protocol_version = "HTTP/1.1"
    timeout = 60

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._do
        raise AttributeError(name)

    def log_message(self, *_args: Any) -> None:
        """Nothing: requests and answers are nobody's business."""

    def _do(self) -> None:
        rules = self.rules
        wanted = base64.b64encode(f"tool:{rules.password}".encode()).decode()
        given = self.headers.get("Proxy-Authorization", "")
        if not secrets.compare_digest(given, f"Basic {wanted}"):
            return self._drop()
        size = self.headers.get("Content-Length", "0")
        if not size.isdecimal() or int(size) > _MOST_BYTES or "Transfer-Encoding" in self.headers:
            return self._drop()
        body = self.rfile.read(int(size))
        try:
            url = urlsplit(self.path)
            mine = url.scheme == "http" and url.netloc == rules.place.authority
        except ValueError:
            mine = False
        if mine and url.path == rules.canary:
            return self._answer(500, [("Content-Type", "text/plain")], b"canary")
        if not mine or self.command not in rules.methods:
            with rules.lock:
                rules.strays += 1
            return self._drop()
        target = url.path or "/"
        self._pass_on(f"{target}?{url.query}" if url.query else target, body)
        return None

    def _pass_on(self, target: str, body: bytes) -> None:
        for last in (False, True):
            if not self.rules.may_pass():
                return self._drop()
            try:
                status, headers, content = self._ask(target, body)
            except (OSError, http.client.HTTPException, ValueError):
                break
            if status not in _AWAY:
                return self._answer(status, headers, content)
            wait = {name.lower(): value for name, value in headers}.get("retry-after", "1")
            if last or status != 429 or not wait.isdecimal() or int(wait) > _LONGEST_WAIT:
                break
            time.sleep(int(wait))
        with self.rules.lock:
            self.rules.unanswered += 1
        return self._drop()

    def _ask(self, target: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        rules = self.rules
        with contextlib.closing(connect(rules.place, rules.tls)) as connection:
            connection.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", rules.place.authority)
            name, value = rules.credential.header() if rules.credential else ("", "")
            for key, given in self.headers.items():
                if key.lower() not in _HOP_BY_HOP and key.lower() != name.lower():
                    connection.putheader(key, given)
            if name:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            # One limit for the whole answer: a socket's own begins anew with every byte.
            sock = connection.sock
            timer = threading.Timer(_SECONDS, _shut, (sock,))
            timer.start()
            try:
                response = connection.getresponse()
                content = response.read(_MOST_BYTES + 1)
            finally:
                timer.cancel()
        if len(content) > _MOST_BYTES:
            raise ValueError("too large")
        length = response.getheader("Content-Length") or ""
        if self.command != "HEAD" and length.isdecimal() and int(length) != len(content):
            raise ValueError("half an answer")
        return response.status, response.getheaders(), content

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _drop(self) -> None:
        """No answer at all: the tool must not take ours for the endpoint's."""
        self.close_connection = True


def connect(place: Place, tls: ssl.SSLContext) -> http.client.HTTPConnection:
    """A connection to the place's address, verified for its name.

    Raises:
        OSError: none could be made (`ssl.SSLError`: not one that is safe).
    """
    made = socket.create_connection((place.address, place.port), timeout=_SECONDS)
    try:
        sock = made if place.scheme == "http" else tls.wrap_socket(made, server_hostname=place.host)
    except OSError:
        made.close()
        raise
    connection = http.client.HTTPConnection(place.host, place.port, timeout=_SECONDS)
    connection.sock = sock
    return connection


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
