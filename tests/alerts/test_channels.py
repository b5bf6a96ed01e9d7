"""A real HTTP receiver gets what Apprise sends; a refusal is an error without the address."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from compline.alerts.channels import AppriseChannel, Console, DeliveryFailed


class Receiver(HTTPServer):
    def __init__(self) -> None:
        self.got: list[dict[str, str]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.server.got.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_message_arrives_whole(receiver: Receiver) -> None:
    AppriseChannel(f"json://127.0.0.1:{receiver.server_port}/hook").send("Subject", "one\ntwo")
    assert [(one["title"], one["message"]) for one in receiver.got] == [("Subject", "one\ntwo")]


def test_a_refusal_is_an_error_that_does_not_tell_the_address(receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(DeliveryFailed) as caught:
        AppriseChannel(f"json://hunter2:x@127.0.0.1:{receiver.server_port}/").send("s", "b")
    assert "hunter2" not in str(caught.value)


def test_a_closed_door_is_an_error() -> None:
    with pytest.raises(DeliveryFailed):
        AppriseChannel("json://127.0.0.1:9/", seconds=2).send("s", "b")


def test_an_unknown_scheme_is_an_error() -> None:
    with pytest.raises(DeliveryFailed, match="does not understand"):
        AppriseChannel("nonsense-hunter2").send("s", "b")


def test_the_console_shows_every_line() -> None:
    lines: list[str] = []
    Console(lines.append).send("Subject", "one\ntwo")
    assert lines == ["ALERT Subject", "  one", "  two"]
