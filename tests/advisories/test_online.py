"""The live OSV API, played by a server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from packaging.version import Version
from tenacity import wait_none

from compline.advisories import online
from compline.advisories.errors import AdvisoryError
from compline.advisories.online import OsvOnline

RecordOf = Callable[..., dict[str, Any]]
Answer = tuple[int, bytes]


class Upstream:
    """Gives prepared answers in turn, the last one for ever, and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[dict[str, Any]] = []
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                upstream.asked.append(json.loads(self.rfile.read(length)))
                answers = upstream.answers
                status, content = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/query"


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    # Its waits between attempts would only slow the tests down.
    monkeypatch.setattr(online, "wait_exponential", lambda **_: wait_none())
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    up = Upstream()
    thread = threading.Thread(target=up.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield up
    up.server.shutdown()
    up.server.server_close()
    thread.join()


@pytest.fixture
def source(upstream: Upstream) -> Iterator[OsvOnline]:
    client = OsvOnline(upstream.url, seconds=5)
    yield client
    client.close()


def ok(**value: Any) -> Answer:
    return 200, json.dumps(value).encode()


def test_it_asks_as_the_api_wants_and_leaves_withdrawn_ones_out(
    source: OsvOnline, upstream: Upstream, record: RecordOf
) -> None:
    upstream.answers = [
        ok(vulns=[record("PYSEC-1"), record("PYSEC-2", withdrawn="2024-01-01T00:00:00Z")])
    ]
    found = source.affecting("shop", Version("1.0"))
    assert [each["id"] for each in found] == ["PYSEC-1"]
    assert upstream.asked == [{"package": {"name": "shop", "ecosystem": "PyPI"}, "version": "1.0"}]


def test_all_pages_are_read(source: OsvOnline, upstream: Upstream, record: RecordOf) -> None:
    upstream.answers = [
        ok(vulns=[record("PYSEC-1")], next_page_token="2"),
        ok(vulns=[record("PYSEC-2")]),
    ]
    found = source.affecting("shop", Version("1.0"))
    assert [each["id"] for each in found] == ["PYSEC-1", "PYSEC-2"]
    assert upstream.asked[1]["page_token"] == "2"


def test_pages_without_end_are_an_error(source: OsvOnline, upstream: Upstream) -> None:
    upstream.answers = [ok(next_page_token="more")]
    with pytest.raises(AdvisoryError, match="more than 50 pages"):
        source.affecting("shop", Version("1.0"))


def test_a_passing_fault_is_tried_again(
    source: OsvOnline, upstream: Upstream, record: RecordOf
) -> None:
    upstream.answers = [(503, b""), (429, b""), ok(vulns=[record("PYSEC-1")])]
    assert len(source.affecting("shop", Version("1.0"))) == 1
    assert len(upstream.asked) == 3


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [((500, b""), 4), ((404, b""), 1), ((200, b"<html>"), 1), ((200, b"[]"), 1)],
)
def test_no_usable_answer_is_an_error_that_says_what_to_do(
    source: OsvOnline, upstream: Upstream, answer: Answer, attempts: int
) -> None:
    upstream.answers = [answer]
    with pytest.raises(AdvisoryError, match=r"set `advisories\.osv` to offline"):
        source.affecting("shop", Version("1.0"))
    assert len(upstream.asked) == attempts


def test_nobody_there_is_an_error(source: OsvOnline, upstream: Upstream) -> None:
    upstream.server.server_close()
    with pytest.raises(AdvisoryError, match="cannot be asked"):
        source.affecting("shop", Version("1.0"))
