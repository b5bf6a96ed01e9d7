"""Against a stand-in for a broker: the good one is clean, each bad arrangement is found."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from certificates import write_certificate
from kafka_broker import KAFKA_1, KAFKA_4, Broker, serving

from compline.evidence.locker import Locker
from compline.model import Completed, GapReason, Severity
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.kafka.client import read_address

# kafka-python leaves the sockets of connections open that did not come about.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def good_kafka(well: Broker, tmp_path: Path) -> Iterator[tuple[Broker, Path]]:
    """The cluster that is kept well, running."""
    write_certificate(tmp_path)
    with serving(well, tmp_path) as broker:
        yield broker, tmp_path


@pytest.fixture
def url(good_kafka: tuple[Broker, Path], url_of: Any) -> str:
    return str(url_of(*good_kafka))


@pytest.mark.parametrize("versions", [KAFKA_1, KAFKA_4])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_cluster_in_order_is_clean_and_only_read(
    well: Broker, look_at_kafka: Any, url_of: Any, tmp_path: Path, good_policy: Any,
    versions: Any, mechanism: str,
) -> None:  # fmt: skip
    write_certificate(tmp_path)
    with serving(replace(well, versions=versions, mechanism=mechanism), tmp_path) as broker:
        look = look_at_kafka(url_of(broker, tmp_path), policy=good_policy)

    assert look.outcome == Completed((), ())
    assert look.warnings == ()
    # Versions, SASL, metadata, access lists, settings: nothing else is sent, and each but once or
    # twice per connection.
    assert set(broker.asked) == {"18", "17", "36", "3", "29", "32"}
    assert broker.asked.count("29") == 1
    assert broker.asked.count("32") == 1


@pytest.mark.parametrize("versions", [KAFKA_1, KAFKA_4])
def test_everything_wrong_is_found(
    badly: Broker, look_at_kafka: Any, found: Any, versions: Any
) -> None:
    policy = {
        "encrypted_at_rest": True,
        "grants": {},
        "labels": {"cust*": "personal", "old*": "personal"},
    }
    with serving(replace(badly, versions=versions)) as broker:
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
    badly: Broker, look_at_kafka: Any, found: Any
) -> None:
    with serving(replace(badly, authorizer=False)) as broker:
        look = look_at_kafka(f"kafka://127.0.0.1:{broker.port}")

    key = ("no-authorizer", "setting/1/authorizer.class.name")
    assert found(look)[key] == Severity.CRITICAL
    assert not any(rule.startswith("acl-") for rule, _ in found(look))


def test_what_is_refused_is_a_gap(badly: Broker, look_at_kafka: Any, found: Any) -> None:
    """A broker answers a refused request for settings with none, and without an error."""
    refusing = replace(badly, refuses=frozenset({29, 32}))
    with serving(refusing) as broker:
        look = look_at_kafka(f"kafka://127.0.0.1:{broker.port}", policy={"labels": {"c*": "x"}})

    assert {(gap.reason, gap.path) for gap in look.outcome.gaps} == {
        (GapReason.FORBIDDEN, place) for place in ("listener/", "setting/", "acl/")
    }
    assert not {rule for rule, _ in found(look)} & {"no-authorizer", "listener-without-tls"}


def test_no_password_is_logged_or_kept(
    look_at_kafka: Any, url: str, good_policy: Any, scene: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    look = look_at_kafka(url, policy=good_policy)
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
    badly: Broker, look_at_kafka: Any, error_of: Any, request_number: int, said: str
) -> None:
    started = time.monotonic()
    with serving(replace(badly, silent_on=frozenset({request_number}))) as broker:
        look = look_at_kafka(f"kafka://127.0.0.1:{broker.port}", seconds=4)

    assert said in error_of(look)
    assert time.monotonic() - started < 15


def test_nobody_there_and_nobody_trusted(look_at_kafka: Any, error_of: Any, url: str) -> None:
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
