"""A server that keeps talking and never comes to an end: a byte now and then."""

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

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
