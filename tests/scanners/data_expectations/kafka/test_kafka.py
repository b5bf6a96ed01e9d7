"""Against a stand-in for a broker: the good one is clean, each bad arrangement is found."""

from __future__ import annotations

import gc
import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from certificates import write_certificate
from kafka_broker import Broker, serving

from compline.evidence.locker import Locker
from compline.model import Completed, GapReason, Severity
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.kafka.client import read_address

# kafka-python leaves the sockets of connections open that did not come about.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


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
        "allow.everyone.if.no.acl.found": "false",
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


@pytest.fixture(scope="module")
def good_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, Path]]:
    """Kept well; its policy is `GOOD_POLICY`."""
    folder = tmp_path_factory.mktemp("kafka")
    write_certificate(folder)
    with serving(GOOD, folder) as broker:
        yield broker, folder


@pytest.fixture
def look_at_kafka(look_at: Any) -> Any:
    def look(url: str, **settings: Any) -> Any:
        return look_at(url=url, kind="kafka", **settings)

    return look


@pytest.fixture
def url(good_kafka: tuple[Broker, Path]) -> str:
    broker, folder = good_kafka
    return (
        f"kafkas://compline:{QUOTED}@127.0.0.1:{broker.port}"
        f"?mechanism=PLAIN&cafile={folder}/certificate.pem"
    )


def test_a_cluster_in_order_is_clean_and_only_read(
    good_kafka: Any, look_at_kafka: Any, url: str
) -> None:
    GOOD.asked.clear()

    look = look_at_kafka(url, policy=GOOD_POLICY)

    assert look.outcome == Completed((), ())
    assert look.warnings == ()
    # Versions, SASL, metadata, access lists, settings: nothing else is sent, and each but once or
    # twice per connection.
    assert set(GOOD.asked) == {"18", "17", "36", "3", "29", "32"}
    assert GOOD.asked.count("29") == 1
    assert GOOD.asked.count("32") == 1


def test_everything_wrong_is_found(look_at_kafka: Any, found: Any) -> None:
    policy = {
        "encrypted_at_rest": True,
        "grants": {},
        "labels": {"cust*": "personal", "old*": "personal"},
    }
    with serving(bad()) as broker:
        look = look_at_kafka(f"kafka://127.0.0.1:{broker.port}", policy=policy)

    critical, high, medium, low = (
        Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW,
    )  # fmt: skip
    assert found(look) == {
        ("listener-without-tls", "listener/1/PLAINTEXT"): high,
        ("listener-without-tls", "listener/1/INSIDE"): high,
        ("listener-without-login", "listener/1/PLAINTEXT"): critical,
        ("weak-tls-version", "setting/1/ssl.enabled.protocols"): medium,
        ("connection-without-tls", "connection/PLAINTEXT"): high,
        ("labelled-topic-in-clear", "topic/customers"): high,
        ("attestation-unsigned", "attestation/disk"): low,
        ("attestation-unsigned", "attestation/backups"): low,
        ("open-without-acl", "setting/1/allow.everyone.if.no.acl.found"): high,
        ("topics-made-by-anybody", "setting/1/auto.create.topics.enable"): low,
        ("acl-for-everyone", "acl/User:*/topic:customers/READ"): high,
        ("undeclared-acl", "acl/User:*/topic:customers/READ"): medium,
        ("acl-for-every-resource", "acl/User:app/topic:*/WRITE"): medium,
        ("undeclared-acl", "acl/User:app/topic:*/WRITE"): medium,
        ("label-without-topic", "label/old*"): low,
    }
    assert look.outcome.gaps == ()


def test_a_cluster_without_an_authorizer_is_open_and_not_clean(
    look_at_kafka: Any, found: Any
) -> None:
    with serving(replace(bad(), authorizer=False)) as broker:
        look = look_at_kafka(f"kafka://127.0.0.1:{broker.port}")

    key = ("no-authorizer", "setting/1/authorizer.class.name")
    assert found(look)[key] == Severity.CRITICAL
    assert not any(rule.startswith("acl-") for rule, _ in found(look))


def test_what_is_refused_is_a_gap(look_at_kafka: Any, found: Any) -> None:
    """A broker answers a refused request for settings with none, and without an error."""
    refusing = replace(bad(), refuses=frozenset({29, 32}))
    with serving(refusing) as broker:
        look = look_at_kafka(f"kafka://127.0.0.1:{broker.port}", policy={"labels": {"c*": "x"}})

    assert {(gap.reason, gap.path) for gap in look.outcome.gaps} == {
        (GapReason.FORBIDDEN, place) for place in ("listener/", "setting/", "acl/")
    }
    assert not {rule for rule, _ in found(look)} & {"no-authorizer", "listener-without-tls"}


def test_no_password_is_logged_or_kept(
    good_kafka: Any, look_at_kafka: Any, url: str, scene: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    look = look_at_kafka(url, policy=GOOD_POLICY)
    wrong = look_at_kafka(url.replace("a%2Fpassword", "very-secret"), seconds=2)

    assert "no broker let us in within 1 s" in wrong.outcome.error
    evidence = Locker(scene.home / "evidence").get(look.evidence[0])
    for secret in ("for@tests", "for%40tests", "very-secret"):
        assert secret not in repr((look, wrong))
        assert secret not in caplog.text
        assert secret.encode() not in evidence


@pytest.mark.parametrize(
    ("request_number", "said"),
    [
        (3, "no broker let us in within 2 s"),
        (29, "did not answer within 4 s"),
        (32, "did not answer within 4 s"),
    ],
)
def test_a_broker_that_falls_silent(
    look_at_kafka: Any, error_of: Any, request_number: int, said: str
) -> None:
    started = time.monotonic()
    with serving(replace(bad(), silent_on=frozenset({request_number}))) as broker:
        look = look_at_kafka(f"kafka://127.0.0.1:{broker.port}", seconds=4)

    assert said in error_of(look)
    assert time.monotonic() - started < 15


def test_nobody_there_and_nobody_trusted(
    good_kafka: Any, look_at_kafka: Any, error_of: Any, url: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    stopped = look_at_kafka(f"kafka://u:very-secret@127.0.0.1:{port}", seconds=2)
    untrusted = look_at_kafka(url.partition("&")[0], seconds=2)

    assert "no broker let us in" in error_of(stopped)
    assert "no broker let us in" in error_of(untrusted)
    assert "very-secret" not in repr(stopped)


@pytest.mark.parametrize(
    "url",
    [
        "very-secret",
        "http://u:very-secret@h:1",
        "kafka://u:very-secret@h",
        "kafka://u:very-secret@h:port",
        "kafka://u:very-secret@:1",
        "kafkas://u:very-secret@h:1?password=very-secret",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(CannotCollect, match="kafkas://user:password@host:port") as caught:
        read_address(url)
    assert "secret" not in str(caught.value)


def test_urls() -> None:
    address = read_address("kafkas://u:p%40@a:1,[::1]:2?mechanism=PLAIN&cafile=/ca")

    assert address.servers == (("a", 1), ("::1", 2))
    assert address.protocol == "SASL_SSL"
    assert address.options == {
        "sasl_mechanism": "PLAIN", "sasl_plain_username": "u", "sasl_plain_password": "p@",
        "ssl_cafile": "/ca",
    }  # fmt: skip
    assert read_address("kafka://a:1").protocol == "PLAINTEXT"
