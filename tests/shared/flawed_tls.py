"""A server of TLS 1.2 with the flaws of old libraries, which none of today's can serve any more.

Handshakes are OpenSSL's; what would be an attack is answered here as an open server answers it:
Heartbleed (CVE-2014-0160), CCS injection (CVE-2014-0224) and ROBOT (CVE-2017-13099).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from endpoints import listening

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _DATA, _HEARTBEAT = 20, 21, 22, 23, 24
_CLIENT_KEY_EXCHANGE = 16
_BAD_RECORD_MAC, _DECRYPT_ERROR = 20, 51


@contextmanager
def flawed(certificate: tuple[Path, Path]) -> Iterator[int]:
    """The port of such a server; its key must be RSA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("AES128-GCM-SHA256:ECDHE+AESGCM:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*certificate)
    key = load_pem_private_key(certificate[1].read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()

    def well_padded(secret: bytes) -> bool:
        """Whether a premaster secret is padded as PKCS #1 v1.5 wants it."""
        size = (key.key_size + 7) // 8
        plain = pow(int.from_bytes(secret), numbers.d, numbers.public_numbers.n).to_bytes(size)
        return plain.startswith(b"\0\2") and plain[-49] == 0 and 0 not in plain[2:-49]

    def answer(connection: socket.socket) -> None:
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(coming, going, server_side=True)
        early, keys_come, done = False, False, False
        while record := _record(connection):
            kind, body = record[0], record[5:]
            if kind == _HEARTBEAT:
                connection.sendall(record)  # with whatever lies in memory beyond what was sent
                continue
            if kind == _CHANGE_CIPHER_SPEC and not keys_come:
                early = True
                continue
            if kind == _DATA and early:
                connection.sendall(_alert(_BAD_RECORD_MAC))  # it is decrypted with keys of nothing
                return
            if kind == _HANDSHAKE and body[0] == _CLIENT_KEY_EXCHANGE and not keys_come:
                keys_come = True
                # With ECDHE there is no such secret, but a point of 65 bytes or less.
                if len(body) > 200 and not well_padded(body[6:]):
                    connection.sendall(_alert(_DECRYPT_ERROR))  # an oracle
                    return
            coming.write(record)
            try:
                if not done:
                    tls.do_handshake()
                    done = True
                else:
                    tls.read()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                connection.sendall(going.read())
                return
            connection.sendall(going.read())

    with listening(answer) as port:
        yield port


def _record(connection: socket.socket) -> bytes:
    """The next record; empty at the end, and for what is none, as SSL 2 is."""
    head = _whole(connection, 5)
    if len(head) < 5 or not _CHANGE_CIPHER_SPEC <= head[0] <= _HEARTBEAT:
        return b""
    return head + _whole(connection, int.from_bytes(head[3:]))


def _whole(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size and (more := connection.recv(size - len(got))):
        got += more
    return got


def _alert(description: int) -> bytes:
    return bytes((_ALERT, 3, 3, 0, 2, 2, description))
