"""Asks a Kafka cluster, reading only and within a time limit, for what its inventory is made of.

What the principal needs; it can neither read a record nor change anything:

    kafka-acls --add --allow-principal User:compline --operation Describe --operation
        DescribeConfigs --cluster
    kafka-acls --add --allow-principal User:compline --operation Describe --topic '*'

A broker leaves topics out that the principal may not describe, without a word; and it answers a
request for its settings that is refused with no settings at all: that is a gap here.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kafka import errors
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.net.compat import KafkaNetClient

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.services import one_line
from compline.scanners.stores.tls import Handshake, shake_hands

# Its client writes its whole configuration, the password with it, to the log for debugging.
logging.getLogger("kafka").setLevel(logging.WARNING)

SETTINGS = (
    "allow.everyone.if.no.acl.found", "authorizer.class.name", "auto.create.topics.enable",
    "controller.listener.names", "listener.security.protocol.map", "listeners", "ssl.client.auth",
    "ssl.enabled.protocols",
)  # fmt: skip
"""All that is kept of a broker's settings."""
OF_LISTENERS = re.compile(r"listener\.name\.([^.]+)\.(ssl\.client\.auth|ssl\.enabled\.protocols)")
"""Besides what single listeners, by their names in small letters, have in place of two of them."""

_REFUSED = (
    errors.ClusterAuthorizationFailedError,
    errors.TopicAuthorizationFailedError,
)


@dataclass(frozen=True)
class Answers:
    """What a cluster said; None where it would not say."""

    brokers: Mapping[str, Mapping[str, str | None]]
    """Settings by the broker's number; empty where it shows none, None for a value that it hides:
    what is no broker's setting but its authorizer's is told by its name alone."""
    topics: tuple[tuple[str, bool], ...] | None
    """(name, whether it is one of Kafka's own)."""
    acls: tuple[tuple[str, ...], ...] | None
    """(principal, host, operation, permission, resource type, name, pattern type)."""
    secured: bool
    """False where the cluster says that it has no authorizer."""
    protocol: str
    """How our own connection goes: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    handshakes: tuple[Handshake, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Address:
    """What the connection URL says."""

    servers: tuple[tuple[str, int], ...]
    protocol: str
    options: Mapping[str, Any]
    hidden: tuple[str, ...]


def ask(url: str, seconds: float) -> Answers:
    """Connects and asks: three requests, and one for each broker.

    Raises:
        CannotCollect: no connection, no login, a time-out.
    """
    address = read_address(url)
    deadline = time.monotonic() + seconds
    try:
        with _connected(address, seconds) as client:
            answers = _ask_all(client, deadline, address)
    except (errors.KafkaTimeoutError, errors.RequestTimedOutError, TimeoutError):
        raise CannotCollect(
            f"the cluster did not answer within {seconds:g} s (scanners.data-expectations.seconds)"
        ) from None
    except (errors.KafkaError, OSError, ValueError, AssertionError) as error:
        raise CannotCollect(f"Kafka: {_told(error, address.hidden)}") from None
    if not address.protocol.endswith("SSL"):
        return answers
    left = max(0.5, (deadline - time.monotonic()) / len(address.servers))
    shown = tuple(shake_hands(host, port, host, left) for host, port in address.servers)
    return Answers(**{**vars(answers), "handshakes": shown})


@contextmanager
def _connected(address: Address, seconds: float) -> Iterator[Any]:
    nets: list[Any] = []

    def kept(**options: Any) -> Any:
        nets.append(KafkaNetClient(**options))
        return nets[-1]

    try:
        client = KafkaAdminClient(
            bootstrap_servers=[f"{host}:{port}" for host, port in address.servers],
            client_id="compline",
            security_protocol=address.protocol,
            bootstrap_timeout_ms=int(seconds * 500),
            request_timeout_ms=int(seconds * 250),
            kafka_client=kept,
            **address.options,
        )
    except errors.KafkaTimeoutError:
        # It tries again and again, whatever the reason, and leaves its connections open.
        for net in nets:
            net.close()
        raise CannotCollect(
            f"no broker let us in within {seconds / 2:g} s: nobody is there, its certificate is "
            "not trusted, or the login is refused"
        ) from None
    try:
        yield client
    finally:
        client.close()


def _ask_all(client: Any, deadline: float, address: Address) -> Answers:
    refused: dict[str, str] = {}

    def may(name: str, question: Callable[[], Any]) -> Any:
        if time.monotonic() >= deadline:
            raise TimeoutError
        try:
            return question()
        except _REFUSED as error:
            refused[name] = _told(error, address.hidden)
            return None

    cluster = client.describe_cluster()
    brokers = {}
    for broker in cluster["brokers"]:
        number = str(broker["broker_id"])
        resource = ConfigResource(ConfigResourceType.BROKER, number)
        told = may("brokers", partial(client.describe_configs, [resource], config_filter="all"))
        configs = ((told or {}).get("broker") or {}).get(number) or {}
        brokers[number] = {
            name: None if told["is_sensitive"] else str(told["value"] or "")
            for name, told in configs.items()
            if name in SETTINGS or OF_LISTENERS.fullmatch(name)
        }
    topics = may("topics", lambda: tuple(client.describe_topics()))
    secured, acls = True, None
    try:
        acls = may("acls", lambda: client.describe_acls(_EVERY_ACL)[0])
    except errors.SecurityDisabledError:
        secured, acls = False, []
    return Answers(
        brokers=brokers,
        topics=None
        if topics is None
        else tuple((t["name"], bool(t["is_internal"])) for t in topics),
        acls=None if acls is None else tuple(map(_plain, acls)),
        secured=secured,
        protocol=address.protocol,
        refused=refused,
    )


_EVERY_ACL = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


def _plain(acl: Any) -> tuple[str, ...]:
    pattern = acl.resource_pattern
    return (
        acl.principal, acl.host, acl.operation.name, acl.permission_type.name,
        pattern.resource_type.name.lower(), pattern.resource_name,
        pattern.pattern_type.name.lower(),
    )  # fmt: skip


def read_address(url: str) -> Address:
    """The parts of `kafkas://user:password@host:9093,other:9093?mechanism=...&cafile=...`.

    Raises:
        CannotCollect: it has another form.
    """
    parts, servers, options = _split(url.strip())
    user, _, password = (unquote(word) for word in parts.netloc.rpartition("@")[0].partition(":"))
    transport = "SSL" if parts.scheme == "kafkas" else "PLAINTEXT"
    known: dict[str, Any] = {}
    if "cafile" in options:
        known["ssl_cafile"] = options["cafile"]
    if user:
        known["sasl_mechanism"] = options.get("mechanism", "SCRAM-SHA-512")
        known["sasl_plain_username"], known["sasl_plain_password"] = user, password
    protocol = f"SASL_{transport}" if user else transport
    return Address(servers, protocol, known, (password,) if password else ())


_Parts = tuple[Any, tuple[tuple[str, int], ...], dict[str, str]]


def _split(url: str) -> _Parts:
    """The URL's parts, its servers and its options."""
    try:
        parts = urlsplit(url)
        pairs = [host.rpartition(":") for host in parts.netloc.rpartition("@")[2].split(",")]
        servers = tuple((host.strip("[]"), int(port)) for host, _, port in pairs)
        options = {key: values[0] for key, values in parse_qs(parts.query).items()}
        wrong = (
            parts.scheme not in ("kafka", "kafkas")
            or bool(set(options) - {"mechanism", "cafile"})
            or not all(host for host, _port in servers)
        )
    except ValueError:
        # What int() and urlsplit() say repeats the part that they do not understand.
        wrong = True
    if wrong:
        raise CannotCollect(
            "the connection URL is not of the form "
            "kafkas://user:password@host:port?mechanism=SCRAM-SHA-512&cafile=/path "
            "(special letters in the password must be percent-encoded)"
        )
    return parts, servers, options


def _told(error: Exception, hidden: tuple[str, ...]) -> str:
    text = str(error)
    for secret in hidden:
        text = text.replace(secret, "***")
    return one_line(text) or type(error).__name__
