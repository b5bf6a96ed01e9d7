"""A stand-in for a Kafka broker: it speaks the published wire protocol, and keeps what it is asked.

No Kafka broker can be installed from PyPI, npm or Debian that has access lists. So this one answers
the requests that the check sends, in kafka-python's codec, which is made of Apache Kafka's own
message definitions, from what the test arranges: in the versions of a broker of Kafka 1.0 or in
those of Kafka 4, with their other framing. What it does not know ends the connection, as an
unexpected request does at a broker.
"""

from __future__ import annotations

import hashlib
import hmac
import socketserver
import ssl
import struct
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka.protocol.admin import (
    DescribeAclsRequest,
    DescribeAclsResponse,
    DescribeConfigsRequest,
    DescribeConfigsResponse,
)
from kafka.protocol.metadata import (
    ApiVersionsResponse,
    MetadataRequest,
    MetadataResponse,
)
from kafka.protocol.sasl import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
    SaslHandshakeRequest,
    SaslHandshakeResponse,
)

KAFKA_1 = {3: (0, 5), 17: (0, 1), 18: (0, 1), 29: (1, 1), 32: (1, 1), 36: (0, 0)}
"""Oldest and newest version of each request that a broker of 1.0 knows, by its number."""
KAFKA_4 = {3: (0, 13), 17: (0, 1), 18: (0, 4), 29: (1, 3), 32: (1, 4), 36: (0, 2)}
_VERSIONS_REQUEST = 18
_REQUESTS = {
    3: MetadataRequest, 17: SaslHandshakeRequest, 29: DescribeAclsRequest,
    32: DescribeConfigsRequest, 36: SaslAuthenticateRequest,
}  # fmt: skip
_UNSUPPORTED_VERSION, _AUTHENTICATION_FAILED, _AUTHORIZATION_FAILED = 35, 58, 31
_NO_AUTHORIZER = 54


@dataclass
class Broker:
    """What one broker has, and what it was asked."""

    settings: Mapping[str, str | None] = field(default_factory=dict)
    """None for what a broker does not know itself, as its authorizer's: it is told without a value.
    """
    topics: list[tuple[str, bool]] = field(default_factory=list)
    acls: list[tuple[Any, ...]] = field(default_factory=list)
    """(principal, host, operation, permission, resource type, name, pattern)."""
    authorizer: bool = True
    refuses: frozenset[int] = frozenset()
    """Numbers of requests that are answered with a refusal."""
    silent_on: frozenset[int] = frozenset()
    """Numbers of requests that are never answered."""
    password: str = ""
    """Of the user `compline`; empty: nobody logs in."""
    mechanism: str = "PLAIN"
    """Or `SCRAM-SHA-512`."""
    versions: Mapping[int, tuple[int, int]] = field(default_factory=lambda: KAFKA_4)
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def answer(self, key: int, request: Any, login: Login) -> Any:
        """The response to a request; `login` is that of its connection."""
        if key == 36:
            return _authenticated(login, bytes(request.auth_bytes))
        return {3: self._metadata, 17: self._handshake, 29: self._acls, 32: self._configs}[key](
            request
        )

    def _metadata(self, _request: Any) -> Any:
        brokers = MetadataResponse.MetadataResponseBroker
        topics = MetadataResponse.MetadataResponseTopic
        return MetadataResponse(
            brokers=[brokers(node_id=1, host="127.0.0.1", port=self.port, rack=None)],
            controller_id=1,
            topics=[
                topics(error_code=0, name=name, is_internal=internal, partitions=[])
                for name, internal in self.topics
            ],
        )

    def _handshake(self, _request: Any) -> Any:
        return SaslHandshakeResponse(error_code=0, mechanisms=[self.mechanism])

    def _acls(self, _request: Any) -> Any:
        resource = DescribeAclsResponse.DescribeAclsResource
        code = 0 if self.authorizer else _NO_AUTHORIZER
        code = _AUTHORIZATION_FAILED if 29 in self.refuses else code
        return DescribeAclsResponse(
            throttle_time_ms=0,
            error_code=code,
            error_message=None,
            resources=[
                resource(
                    resource_type=kind,
                    resource_name=name,
                    pattern_type=pattern,
                    acls=[
                        resource.AclDescription(
                            principal=principal, host=host, operation=operation,
                            permission_type=permission,
                        )
                    ],
                )
                for principal, host, operation, permission, kind, name, pattern in self.acls
                if not code
            ],
        )  # fmt: skip

    def _configs(self, request: Any) -> Any:
        result = DescribeConfigsResponse.DescribeConfigsResult
        resource = result.DescribeConfigsResourceResult
        refused = 32 in self.refuses
        return DescribeConfigsResponse(
            throttle_time_ms=0,
            results=[
                result(
                    error_code=_AUTHORIZATION_FAILED if refused else 0,
                    error_message=None,
                    resource_type=one.resource_type,
                    resource_name=one.resource_name,
                    configs=[
                        resource(
                            name=name, value=value, read_only=True, config_source=4,
                            is_sensitive=value is None, synonyms=[],
                        )
                        for name, value in self.settings.items()
                        if not refused
                    ],
                )
                for one in request.resources
            ],
        )  # fmt: skip


class Login:
    """How far one connection has come with its login (RFC 4616, RFC 5802)."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._said = ""
        self._salt, self._rounds = b"salt-of-tests", 4096

    def next(self, said: str) -> str | None:
        """The answer to what the client says; None where the login is refused."""
        if not self._broker.password:
            return None
        if self._broker.mechanism == "PLAIN":
            _, user, password = said.split("\0")
            return "" if (user, password) == ("compline", self._broker.password) else None
        if not self._said:
            bare = said.removeprefix("n,,")
            nonce = f"{bare.partition(',r=')[2]}server"
            salt = b64encode(self._salt).decode()
            first = f"r={nonce},s={salt},i={self._rounds}"
            self._said = f"{bare},{first}"
            return first
        unproved, _, proof = said.partition(",p=")
        salted = hashlib.pbkdf2_hmac(
            "sha512", self._broker.password.encode(), self._salt, self._rounds
        )
        signed = f"{self._said},{unproved}".encode()
        client = hmac.digest(salted, b"Client Key", "sha512")
        signature = hmac.digest(hashlib.sha512(client).digest(), signed, "sha512")
        right = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        if not hmac.compare_digest(b64decode(proof), right):
            return None
        server = hmac.digest(salted, b"Server Key", "sha512")
        return f"v={b64encode(hmac.digest(server, signed, 'sha512')).decode()}"


def _authenticated(login: Login, said: bytes) -> Any:
    answer = login.next(said.decode())
    return SaslAuthenticateResponse(
        error_code=_AUTHENTICATION_FAILED if answer is None else 0,
        error_message="Authentication failed" if answer is None else None,
        auth_bytes=(answer or "").encode(),
    )


def _versions(broker: Broker, code: int) -> Any:
    entry = ApiVersionsResponse.ApiVersion
    return ApiVersionsResponse(
        error_code=code,
        api_keys=[
            entry(api_key=key, min_version=oldest, max_version=newest)
            for key, (oldest, newest) in broker.versions.items()
        ],
    )


def _handler(
    broker: Broker, context: ssl.SSLContext | None
) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            login = Login(broker)
            try:
                end = (
                    context.wrap_socket(self.request, server_side=True) if context else self.request
                )
                with end, end.makefile("rb") as stream:
                    while head := stream.read(4):
                        self._one(end, stream.read(struct.unpack("!i", head)[0]), login)
            except (OSError, ValueError, KeyError):
                return

        def _one(self, end: Any, frame: bytes, login: Login) -> None:
            key, version, correlation, length = struct.unpack("!hhih", frame[:10])
            broker.asked.append(str(key))
            oldest, newest = broker.versions[key]
            known = oldest <= version <= newest
            tags = b""
            if key == _VERSIONS_REQUEST:
                # An unknown version is answered in the oldest; the header never has tags (KIP-511).
                response = _versions(broker, 0 if known else _UNSUPPORTED_VERSION)
                version = version if known else 0
            else:
                if not known:
                    raise ValueError("a version that this broker does not know")
                request, rest = _REQUESTS[key], frame[10 + max(0, length) :]
                if request.flexible_version_q(version):
                    # Flexible versions have tagged fields in their headers (KIP-482); none here.
                    assert rest[:1] == b"\0"
                    rest, tags = rest[1:], b"\0"
                decoded = request.decode(rest, version=version)
                if key in broker.silent_on:
                    return
                response = broker.answer(key, decoded, login)
            body = tags + response.encode(version=version)
            end.sendall(struct.pack("!ii", len(body) + 4, correlation) + body)

    return Handler


@contextmanager
def serving(broker: Broker, certificate: Path | None = None) -> Iterator[Broker]:
    """Has the broker listen on a port of its own; with a folder of certificate and key, by TLS."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Else OpenSSL refuses by itself the weak keys that a test wants to be shown.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(certificate / "certificate.pem", certificate / "key.pem")
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(broker, context))
    server.daemon_threads = True
    broker.port = server.server_address[1]
    thread: Any = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield broker
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
