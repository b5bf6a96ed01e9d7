"""moto's server: AWS's protocols on loopback; what it holds, it holds as long as the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def read_from(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks for S3 and a login in the environment finds this server's."""
    for name, value in (
        ("AWS_ENDPOINT_URL_S3", url),
        ("AWS_ACCESS_KEY_ID", "reader"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)


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
