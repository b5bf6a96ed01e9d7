"""A stand-in for a Kafka broker: it speaks the published wire protocol, and keeps what it is asked.

No Kafka broker can be installed from PyPI, npm or Debian that has access lists. So this one answers
the requests that the check sends, in kafka-python's own codec, from what the test arranges. What it
does not know ends the connection, as an unexpected request does at a broker.
"""

from __future__ import annotations

import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
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

_VERSIONS = {3: 1, 17: 1, 18: 0, 29: 1, 32: 1, 36: 0}
"""Newest version of each request that is understood, by its number."""
_REQUESTS = {
    3: MetadataRequest, 17: SaslHandshakeRequest, 29: DescribeAclsRequest,
    32: DescribeConfigsRequest, 36: SaslAuthenticateRequest,
}  # fmt: skip
_UNSUPPORTED_VERSION, _AUTHENTICATION_FAILED, _AUTHORIZATION_FAILED = 35, 58, 31
_NO_AUTHORIZER = 54


@dataclass
class Broker:
    """What one broker has, and what it was asked."""

    settings: dict[str, str] = field(default_factory=dict)
    topics: list[tuple[str, bool]] = field(default_factory=list)
    acls: list[tuple[Any, ...]] = field(default_factory=list)
    """(principal, host, operation, permission, resource type, name, pattern)."""
    authorizer: bool = True
    refuses: frozenset[int] = frozenset()
    """Numbers of requests that are answered with a refusal."""
    silent_on: frozenset[int] = frozenset()
    """Numbers of requests that are never answered."""
    password: str = ""
    """Of the user `compline`, by PLAIN; empty: nobody logs in."""
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def answer(self, key: int, request: Any) -> Any:
        """The response to a request."""
        return {3: self._metadata, 17: self._handshake, 29: self._acls, 32: self._configs,
                36: self._authenticate}[key](request)  # fmt: skip

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
        return SaslHandshakeResponse(error_code=0, mechanisms=["PLAIN"])

    def _authenticate(self, request: Any) -> Any:
        # (identity to act as, user, password), as RFC 4616 has it.
        _, user, password = bytes(request.auth_bytes).decode().split("\0")
        right = self.password != "" and (user, password) == ("compline", self.password)
        return SaslAuthenticateResponse(
            error_code=0 if right else _AUTHENTICATION_FAILED,
            error_message=None if right else "Authentication failed",
            auth_bytes=b"",
        )

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
                            is_sensitive=False, synonyms=[],
                        )
                        for name, value in self.settings.items()
                        if not refused
                    ],
                )
                for one in request.resources
            ],
        )  # fmt: skip


def _versions(code: int) -> Any:
    entry = ApiVersionsResponse.ApiVersion
    return ApiVersionsResponse(
        error_code=code,
        api_keys=[entry(api_key=k, min_version=0, max_version=v) for k, v in _VERSIONS.items()],
    )


def _handler(
    broker: Broker, context: ssl.SSLContext | None
) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                end = (
                    context.wrap_socket(self.request, server_side=True) if context else self.request
                )
                with end, end.makefile("rb") as stream:
                    while head := stream.read(4):
                        self._one(end, stream.read(struct.unpack("!i", head)[0]))
            except (OSError, ValueError, KeyError):
                return

        def _one(self, end: Any, frame: bytes) -> None:
            key, version, correlation, length = struct.unpack("!hhih", frame[:10])
            broker.asked.append(str(key))
            if key == 18:
                response = _versions(0 if version == 0 else _UNSUPPORTED_VERSION)
                version = 0
            else:
                request = _REQUESTS[key].decode(frame[10 + max(0, length) :], version=version)
                if key in broker.silent_on:
                    return
                response = broker.answer(key, request)
            body = response.encode(version=version)
            end.sendall(struct.pack("!ii", len(body) + 4, correlation) + body)

    return Handler


@contextmanager
def serving(broker: Broker, certificate: Path | None = None) -> Iterator[Broker]:
    """Has the broker listen on a port of its own; with a folder of certificate and key, by TLS."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
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
