"""Servers that say one thing: and close, or go on without end, a byte now and then."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def dripping(start: bytes, *, after: int = 1, drop: bytes = b"0") -> Iterator[int]:
    """Reads once, says `start`, then a byte ten times a second as long as somebody listens.

    Args:
        start: the beginning of a long answer.
        after: how many times something is read before it.
        drop: what drips.
    """
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                for _ in range(after):
                    self.request.recv(65536)
                self.request.sendall(start)
                while not over.wait(0.1):
                    self.request.sendall(drop)
            except OSError:
                return

    try:
        with _serving(Handler) as port:
            yield port
    finally:
        over.set()


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Reads once from whoever connects, says this and closes."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self.request.recv(65536)
                self.request.sendall(answer)
            except OSError:
                return

    with _serving(Handler) as port:
        yield port


@contextmanager
def _serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
