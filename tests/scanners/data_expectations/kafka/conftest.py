"""Stand-ins for Kafka brokers: one kept well, with TLS and SASL, and one kept badly."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka_broker import Broker


@pytest.fixture(autouse=True)
def _left_open() -> Iterator[None]:
    yield
    gc.collect()


SIGNED = {"encrypted": True, "by": "ann", "on": "2025-11-30"}
GOOD_POLICY = {
    "attested": {"disk": SIGNED, "backups": SIGNED},
    "labels": {"customers*": "personal"},
    "grants": {"User:etl": {"topic:customers": ["READ"], "group:etl*": ["READ"]}},
    "administrators": ["User:root"],
}
READ, WRITE, ALLOW, DENY = 3, 4, 3, 2
TOPIC, GROUP, LITERAL, PREFIXED = 2, 3, 3, 4
GOOD = Broker(
    settings={
        "listeners": "CLIENTS://0.0.0.0:9093,CONTROL://0.0.0.0:9094",
        "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROL:SSL",
        "ssl.client.auth": "required",
        "ssl.enabled.protocols": "TLSv1.2,TLSv1.3",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": None,
        "auto.create.topics.enable": "false",
    },
    topics=[("customers", False), ("__consumer_offsets", True)],
    acls=[
        ("User:etl", "*", READ, ALLOW, TOPIC, "customers", LITERAL),
        ("User:etl", "*", READ, ALLOW, GROUP, "etl", PREFIXED),
        ("User:*", "*", WRITE, DENY, TOPIC, "*", LITERAL),
    ],
    password="a/password:for@tests",
)
QUOTED = "a%2Fpassword%3Afor%40tests"


def bad() -> Broker:
    return Broker(
        settings={
            "listeners": "PLAINTEXT://0.0.0.0:9092,INSIDE://0.0.0.0:9095",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INSIDE:SASL_PLAINTEXT",
            "ssl.enabled.protocols": "TLSv1.1,TLSv1.2",
            "allow.everyone.if.no.acl.found": "true",
            "auto.create.topics.enable": "true",
            "authorizer.class.name": "x.Authorizer",
        },
        topics=[("customers", False)],
        acls=[
            ("User:*", "*", READ, ALLOW, TOPIC, "customers", LITERAL),
            ("User:app", "*", WRITE, ALLOW, TOPIC, "*", LITERAL),
        ],
    )


@pytest.fixture
def well() -> Broker:
    """A cluster of which nothing bad can be said by `good_policy`, reached by TLS and SASL."""
    return replace(GOOD, asked=[])


@pytest.fixture
def badly() -> Broker:
    """A cluster of which everything is wrong, reached in plain."""
    return bad()


@pytest.fixture
def good_policy() -> dict[str, Any]:
    """What fits `well`."""
    return dict(GOOD_POLICY)


@pytest.fixture
def url_of() -> Callable[[Broker, Path], str]:
    """The URL of a broker that shows the certificate of a folder."""

    def url(broker: Broker, folder: Path) -> str:
        return (
            f"kafkas://compline:{QUOTED}@127.0.0.1:{broker.port}"
            f"?mechanism={broker.mechanism}&cafile={folder}/certificate.pem"
        )

    return url


@pytest.fixture
def look_at_kafka(look_at: Any) -> Any:
    def look(url: str, **settings: Any) -> Any:
        return look_at(url=url, kind="kafka", **settings)

    return look
