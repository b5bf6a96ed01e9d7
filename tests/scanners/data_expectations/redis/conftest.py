"""Real Redis servers: one kept well, with TLS and users, and one kept badly, as it comes."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from certificates import lax_openssl, write_certificate

PASSWORD = "a/password:for@tests"
QUOTED = "a%2Fpassword%3Afor%40tests"
READER = "+ping +info +acl|whoami +acl|list +acl|cat +config|get"
"""What the documentation gives the account."""


@dataclass
class Server:
    """A running server of the tests."""

    port: int
    process: subprocess.Popen[bytes]
    tls: bool
    ca: Path

    def url(self, user: str = "compline", check: bool = True) -> str:
        login = f"{user}:{QUOTED}@" if user else ""
        if self.tls and not check:
            return f"rediss://{login}127.0.0.1:{self.port}/0?ssl_cert_reqs=none"
        if not self.tls:
            return f"redis://{login}127.0.0.1:{self.port}/0"
        return f"rediss://{login}127.0.0.1:{self.port}/0?ssl_ca_certs={self.ca}"

    def admin(self) -> redis.Redis:
        url = self.url("root" if self.tls else "", check=False)
        return redis.Redis.from_url(url, decode_responses=True)

    def show_certificate(self, **made: Any) -> None:
        """Has the server show a new certificate, as `write_certificate` makes it."""
        write_certificate(self.ca.parent, **made)
        with self.admin() as client:
            # To set a file anew, though under its old name, has it read again.
            client.config_set(
                "tls-cert-file", str(self.ca), "tls-key-file", str(self.ca.parent / "key.pem")
            )


@contextmanager
def _serving(folder: Path, tls: bool, ca: Path, *lines: str) -> Iterator[Server]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server: apt-get install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ports = f"port 0\ntls-port {port}" if tls else f"port {port}"
    (folder / "redis.conf").write_text("\n".join((ports, f"dir {folder}", "save ''", *lines)))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, folder / "redis.conf"], env=lax_openssl(folder), stdout=log, stderr=log
        )
    server = Server(port, process, tls, ca)
    try:
        end = time.monotonic() + 20
        while True:
            try:
                with server.admin() as client:
                    client.ping()
                break
            except redis.ConnectionError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def good_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Kept well; its policy is `GOOD_POLICY` of the tests."""
    folder = tmp_path_factory.mktemp("good-redis")
    write_certificate(folder)
    lines = (
        f"tls-cert-file {folder}/certificate.pem",
        f"tls-key-file {folder}/key.pem",
        "tls-auth-clients no",
        "bind 127.0.0.1",
        "user default off",
        f"user root on >{PASSWORD} ~* &* +@all",
        f"user app on >{PASSWORD} ~app:* &app:* -@all +@read +@write -@dangerous -@scripting",
        f"user compline on >{PASSWORD} resetkeys resetchannels -@all {READER}",
    )
    with _serving(folder, True, folder / "certificate.pem", *lines) as server:
        yield server


@pytest.fixture
def managed_redis(tmp_path: Path) -> Iterator[Server]:
    """As a provider's: nobody has CONFIG."""
    with _serving(tmp_path, False, tmp_path, 'rename-command CONFIG ""') as server:
        yield server


@pytest.fixture(scope="session")
def bad_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Everything wrong at once."""
    folder = tmp_path_factory.mktemp("bad-redis")
    lines = (
        "bind * -::*",
        "protected-mode no",
        "enable-debug-command yes",
        'tls-protocols "TLSv1.1 TLSv1.2"',
        "user open on nopass ~x:* +get",
        f"user half on >{PASSWORD} ~x:* +get (~y:* +flushall)",
        f"user gone off >{PASSWORD} ~* +@all",
    )
    with _serving(folder, False, folder, *lines) as server:
        yield server
