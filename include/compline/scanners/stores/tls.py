"""The TLS handshake of a store: its certificate and what it agrees to.

Client libraries do not give the server's certificate away, so one more connection is opened, as far
as the handshake and no further: nobody logs in. PostgreSQL is asked for TLS first, as its protocol
has it (https://www.postgresql.org/docs/current/protocol-message-formats.html, SSLRequest).
"""

from __future__ import annotations

import socket
import ssl
import struct
from dataclasses import dataclass

POSTGRESQL = struct.pack("!ii", 8, 80877103)
"""What a PostgreSQL server wants to hear before the handshake; it answers S or N."""


@dataclass(frozen=True)
class Handshake:
    """What came of it."""

    host: str = ""
    """The name or address in the URL."""
    certificate: bytes = b""
    """The server's own certificate, DER."""
    version: str = ""
    cipher: str = ""
    refused: bool = False
    """The server does not offer TLS."""
    error: str = ""
    """Why there was none, where it should have been possible."""


def shake_hands(
    address: str, port: int, name: str, seconds: float, request: bytes = b""
) -> Handshake:
    """Opens a connection, asks for TLS and closes it; never raises.

    Args:
        address: host name or address to connect to.
        port: of the server.
        name: the host as the URL has it, which the certificate should name.
        seconds: for each answer.
        request: what is said before the handshake, if anything.
    """
    # Old versions, ciphers and keys are taken on purpose; nothing is sent over this connection.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    server_name = name if not _is_address(name) else None
    try:
        with socket.create_connection((address, port), timeout=seconds) as plain:
            if request:
                plain.sendall(request)
                answer = plain.recv(1)
                if answer == b"N":
                    return Handshake(name, refused=True)
                if answer != b"S":
                    return Handshake(name, error="the answer to a request for TLS is none")
            with context.wrap_socket(plain, server_hostname=server_name) as secured:
                return Handshake(
                    name,
                    secured.getpeercert(binary_form=True) or b"",
                    secured.version() or "",
                    (secured.cipher() or ("", "", 0))[0],
                )
    except (OSError, ValueError) as error:
        return Handshake(name, error=f"no TLS handshake ({type(error).__name__})")


def _is_address(name: str) -> bool:
    try:
        socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False
    return True
