"""Endpoints for tests: certificates of all sorts, and applications served in threads."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HOST = "scoring.test"
"""No name server knows it: only what was resolved in process can reach it."""


class Authority:
    """A certificate authority of the tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        made = self._made(self._name, self._key.public_key(), -10, 400)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        made = made.add_extension(usage, critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        made = made.add_extension(identifier, critical=False)
        self._identifier = identifier
        self.path = folder / "authority.pem"
        signed = made.sign(self._key, hashes.SHA256())
        self.path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _made(self, name: x509.Name, key: Any, begins: int, ends: int) -> Any:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins))
            .not_valid_after(now + timedelta(days=ends))
        )

    def issue(
        self,
        kind: str,
        *,
        host: str = HOST,
        days: int = 90,
        bits: int = 0,
        self_signed: bool = False,
    ) -> tuple[Path, Path]:
        """Certificate and key: of P-256, or RSA with so many bits."""
        key: Any = ec.generate_private_key(ec.SECP256R1())
        if bits:
            key = rsa.generate_private_key(65537, bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self._made(name, key.public_key(), -9, days)
        if self_signed:
            made = self._own(name, key, days)
        names = [x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))]
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = made.add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        signer = key if self_signed else self._key
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        signed = made.sign(signer, hashes.SHA256())
        pem, secret = self._folder / f"{kind}.pem", self._folder / f"{kind}.key"
        pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pem, secret

    @staticmethod
    def _own(name: x509.Name, key: Any, days: int) -> Any:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=days))
        )


@dataclass
class Served:
    """A running application."""

    port: int
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, path) of all that came."""


@contextmanager
def serve(
    app: Any, certificate: tuple[Path, Path] | None = None, *, weak: bool = False
) -> Iterator[Served]:
    """An ASGI application on a free port of loopback; `weak`: every version and cipher of TLS."""
    served = Served(0)

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            served.requests.append((scope["method"], scope["path"]))
        await app(scope, receive, send)

    config = uvicorn.Config(
        counted,
        host="127.0.0.1",
        port=0,
        log_level="critical",
        server_header=False,
        lifespan="off",
        loop="asyncio",
        http="h11",
        timeout_graceful_shutdown=1,
    )
    config.load()
    if certificate is not None:
        # uvicorn's own options load the certificate before they allow weak keys.
        config.ssl = _context(certificate, weak=weak)
    server = uvicorn.Server(config)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        served.port = bound.getsockname()[1]
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])), daemon=True)
        thread.start()
        end = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < end, "the application did not start"
            time.sleep(0.01)
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join(20)


def _context(certificate: tuple[Path, Path], *, weak: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0" if weak else "ECDHE+AESGCM:ECDHE+CHACHA20")
    least = ssl.TLSVersion.MINIMUM_SUPPORTED if weak else ssl.TLSVersion.TLSv1_2
    context.minimum_version = least
    context.load_cert_chain(*certificate)
    return context


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port whose every connection is given to a function: for answers that no server makes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=_handle, args=(connection, answer), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join(5)


def _handle(connection: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    with connection:
        connection.settimeout(30)
        try:
            answer(connection)
        except OSError:
            return
