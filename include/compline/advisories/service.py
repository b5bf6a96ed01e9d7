"""An OSV API on loopback for the time of one scan, for pip-audit's `--osv-url`.

It speaks what pip-audit asks (POST of package and version, answered by `vulns`) and sends of each
record what pip-audit reads, in a shape that it cannot stumble over: it compares package names
literally, gives up on a date or version that it cannot parse, and takes the fixes of the last
range only.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from compline.advisories.errors import AdvisoryError
from compline.advisories.osv import OsvSource
from compline.advisories.ranges import fixes_in, parts_for
from compline.advisories.records import Record

_MOST_BYTES = 64 << 10
"""Of one question, which is some hundred bytes long."""
_SECONDS = 30.0
"""Until a connection that asks nothing is closed."""

Release = tuple[str, str]
"""Name as PEP 503 says, version as PEP 440 says."""


class OsvService:
    """The service as a context manager; it runs between `with` and the end of its block."""

    def __init__(self, source: OsvSource, most_queries: int) -> None:
        """Nothing listens yet.

        Args:
            source: what answers.
            most_queries: after so many it refuses; whoever asks more is not our scan.
        """
        self._source = source
        self._left = most_queries
        self._lock = threading.Lock()
        self.answers: dict[Release, list[Record]] = {}
        """Whole records by release, of everything that was asked."""
        self.error: AdvisoryError | None = None
        """The first thing that could not be answered."""
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address for `--osv-url`; only while it runs."""
        if self._server is None:
            raise RuntimeError("the OSV service is not running")
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/query"

    def __enter__(self) -> OsvService:
        service = self

        class Handler(_Handler):
            answer = staticmethod(service._answer)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._server = self._thread = None

    def _answer(self, question: bytes) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                return 429, {"message": "more was asked than was given to scan"}
        try:
            asked = json.loads(question)
            package, text = asked["package"], asked["version"]
            name, version = canonicalize_name(package["name"]), Version(text)
            if package["ecosystem"] != "PyPI":
                return 400, {"message": "only PyPI is known here"}
        except (ValueError, KeyError, TypeError, InvalidVersion, RecursionError):
            return 400, {"message": "a question is {package: {name, ecosystem}, version}"}
        try:
            records = self._source.affecting(name, version)
        except AdvisoryError as error:
            with self._lock:
                self.error = self.error or error
            return 503, {"message": "no advisories can be had"}
        with self._lock:
            self.answers[name, str(version)] = records
        served = [_served(record, name) for record in records]
        return 200, {"vulns": served} if served else {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32


class _Handler(ABC, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS
    disable_nagle_algorithm = True

    @staticmethod
    @abstractmethod
    def answer(question: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body for a question."""

    def do_POST(self) -> None:
        """Answers one query."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MOST_BYTES:
            self.close_connection = True
            self._send(413, {"message": "a question has at most 64 KB"})
        elif self.path != "/v1/query":
            self.close_connection = True
            self._send(404, {"message": "there is only /v1/query"})
        else:
            self._send(*self.answer(self.rfile.read(int(length))))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - inherited
        """Says nothing: the scan's own report is what counts."""

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)


def _served(record: Record, name: str) -> Record:
    fixes = sorted({fix for part in parts_for(record, name) for fix in fixes_in(part)})
    events = [{"introduced": "0"}, *({"fixed": str(fix)} for fix in fixes)]
    return {
        "id": record["id"],
        "aliases": sorted(each for each in record.get("aliases") or () if isinstance(each, str)),
        "summary": str(record.get("summary") or record["id"])[:200],
        "affected": [
            {
                "package": {"name": name, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
    }
