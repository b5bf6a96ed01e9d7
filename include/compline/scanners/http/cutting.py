"""Cuts connections when the time is over.

httpx's own limits begin anew with every byte that comes in, in headers too: a server that lets
them drip would hold a check for as long as it likes.
"""

from __future__ import annotations

import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Trace = Callable[[str, dict[str, Any]], None]
"""What httpx tells of a request on its way (its extension `trace`)."""

_CONNECTED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


class Cutter:
    """The connections of one client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    @contextmanager
    def at(self, end: float) -> Iterator[Trace]:
        """Cuts all connections of the client at a time of the monotonic clock, unless left before.

        Who waits in one then is told that the other side has closed it. Exchanges that run side by
        side must end at the same time.
        """

        def trace(event: str, info: dict[str, Any]) -> None:
            if event in _CONNECTED:
                connected = info["return_value"].get_extra_info("socket")
                with self._lock:
                    self._sockets.add(connected)
                if time.monotonic() >= end:  # it came up too late for the timer
                    _cut(connected)

        timer = threading.Timer(max(0.0, end - time.monotonic()), self._cut_all)
        timer.daemon = True
        timer.start()
        try:
            yield trace
        finally:
            timer.cancel()

    def _cut_all(self) -> None:
        with self._lock:
            for each in self._sockets:
                _cut(each)


def _cut(connection: socket.socket) -> None:
    # Not the method of a TLS socket, which would take its state away under the thread that reads.
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
