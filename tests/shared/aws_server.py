"""moto's server: AWS's protocols on loopback, empty when it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serving_aws() -> Iterator[str]:
    """A server in a thread of this process; yields its URL."""
    from moto.server import ThreadedMotoServer  # loads every service of AWS

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
