"""Real receivers of alerts on loopback: HTTP, Slack, PagerDuty and e-mail."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from apprise.plugins import pagerduty as pagerduty_plugin
from apprise.plugins.slack import NotifySlack


@dataclass
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver(HTTPServer):
    """Keeps what is posted; refuses as often as it is told."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        """What was taken."""
        self.refused: list[Got] = []
        self.refuse = 0
        """How many of the next posts."""
        self.status = 503
        self.headers: dict[str, str] = {}
        self.hold: Callable[[], None] = lambda: None
        """Called before answering."""
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        got = Got(self.path, dict(self.headers), body)
        self.server.hold()
        if self.server.refuse:
            self.server.refuse -= 1
            self.server.refused.append(got)
            self.send_response(self.server.status)
            for name, value in self.server.headers.items():
                self.send_header(name, value)
        else:
            self.server.got.append(got)
            self.send_response(200)
        self.end_headers()
        if self.path.startswith("/services"):
            self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server of the test's own."""
    yield from _serving()


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Takes what Apprise's Slack plugin posts to `slack://` addresses."""
    for server in _serving():
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://{server.address}/services")
        yield server


@pytest.fixture
def pagerduty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Takes what Apprise's PagerDuty plugin posts."""
    for server in _serving():
        table = dict.fromkeys(
            pagerduty_plugin.PAGERDUTY_API_LOOKUP, f"http://{server.address}/enqueue"
        )
        monkeypatch.setattr(pagerduty_plugin, "PAGERDUTY_API_LOOKUP", table)
        yield server


def _serving() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Mailbox:
    """A real SMTP server's."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuse: int = 0
    """How many of the next mails."""
    refused_recipient: str = ""
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address == self.refused_recipient:
            return "550 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        if self.refuse:
            self.refuse -= 1
            return "451 busy, come again"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """An SMTP server on loopback."""
    # aiosmtpd knows no free port by itself.
    with socket.create_server(("127.0.0.1", 0)) as free:
        box = Mailbox(port=free.getsockname()[1])
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()
