"""Each of the other rules of Kafka: one thing is wrong, and that is found."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from certificates import write_certificate
from dripping import answering
from kafka_broker import Broker, serving

from compline.model import GapReason, Severity
from compline.scanners.stores.kafka import client

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SIGNED = {"encrypted": True, "by": "ann", "on": "2025-11-30"}
READ, ALL, ALLOW, TOPIC, CLUSTER, LITERAL, PREFIXED = 3, 2, 3, 2, 4, 3, 4


@pytest.mark.parametrize(
    ("made", "days", "rule", "severity"),
    [
        ({}, 100_000, "certificate-expiry", Severity.MEDIUM),
        ({"host": "127.0.0.2"}, 30, "certificate-of-another-host", Severity.LOW),
        ({"rsa_bits": 1024}, 30, "weak-certificate", Severity.MEDIUM),
        ({"after": datetime(2025, 12, 31, tzinfo=UTC)}, 30, "certificate-not-valid", Severity.HIGH),
    ],
)
def test_a_certificate_that_is_not_in_order(
    well: Broker, look_at_kafka: Any, url_of: Any, found: Any, good_policy: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, made: Any, days: int, rule: str, severity: Severity,
) -> None:  # fmt: skip
    """Clients refuse some of these: here one that does not, since what is wrong must be told."""
    whole = client.read_address

    def lax(url: str) -> client.Address:
        address = whole(url)
        options = {**address.options, "ssl_context": unchecked()}
        return replace(address, options=options)

    monkeypatch.setattr(client, "read_address", lax)
    write_certificate(tmp_path, **made)
    with serving(well, tmp_path) as broker:
        look = look_at_kafka(
            url_of(broker, tmp_path), policy={**good_policy, "certificate_days": days}
        )

    assert found(look) == {(rule, "certificate/127.0.0.1"): severity}


def unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


@pytest.mark.parametrize(
    ("policy", "wrong"),
    [
        ({"attested": {"disk": SIGNED}}, {("encryption-at-rest-undeclared", "backups")}),
        (
            {"attested": {"disk": SIGNED, "backups": {**SIGNED, "encrypted": False}}},
            {("unencrypted-at-rest", "backups")},
        ),
        (
            {"attested": {"disk": SIGNED, "backups": {**SIGNED, "on": "2024-11-30"}}},
            {("attestation-old", "backups")},
        ),
        ({"grants": None}, {("access-policy-undeclared", "grants")}),
    ],
)
def test_what_only_the_policy_can_tell(
    well: Broker, look_at_kafka: Any, url_of: Any, found: Any, good_policy: Any, tmp_path: Path,
    policy: Any, wrong: Any,
) -> None:  # fmt: skip
    write_certificate(tmp_path)
    bound = {key: value for key, value in {**good_policy, **policy}.items() if value is not None}
    with serving(well, tmp_path) as broker:
        seen = found(look_at_kafka(url_of(broker, tmp_path), policy=bound))

    assert {(rule, subject.partition("/")[2]) for rule, subject in seen} == wrong


@pytest.mark.parametrize(
    ("acl", "wrong"),
    [
        # `*` as a literal name is every topic; so is an empty prefix.
        (("User:app", "*", READ, ALLOW, TOPIC, "*", LITERAL), {"acl-for-every-resource"}),
        (("User:app", "*", ALL, ALLOW, CLUSTER, "kafka-cluster", LITERAL), set()),
        (("User:app", "*", READ, ALLOW, TOPIC, "app-", PREFIXED), set()),
        (("User:*", "*", READ, ALLOW, TOPIC, "app-", PREFIXED), {"acl-for-everyone"}),
        (("Group:*", "*", READ, ALLOW, TOPIC, "app", LITERAL), {"acl-for-everyone"}),
        # What is granted on a prefix is more than the one name that is declared.
        (("User:etl", "*", READ, ALLOW, TOPIC, "customers", PREFIXED), set()),
        (("User:ANONYMOUS", "*", READ, ALLOW, TOPIC, "app", LITERAL), {"acl-for-everyone"}),
    ],
)
def test_wildcards_of_access_lists(
    well: Broker, look_at_kafka: Any, url_of: Any, found: Any, good_policy: Any, tmp_path: Path,
    acl: Any, wrong: set[str],
) -> None:  # fmt: skip
    write_certificate(tmp_path)
    with serving(replace(well, acls=[*well.acls, acl]), tmp_path) as broker:
        seen = found(look_at_kafka(url_of(broker, tmp_path), policy=good_policy))

    assert {rule for rule, _ in seen} == {"undeclared-acl", *wrong}


CONTROLLERS = {
    "listeners": "CLIENTS://0.0.0.0:9093,CONTROL://0.0.0.0:9094",
    "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROL:PLAINTEXT",
    "controller.listener.names": "CONTROL",
}


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        # What a listener has of its own counts in place of what all have, for better and worse.
        ({"listener.name.control.ssl.client.auth": "none"}, {"listener-without-login"}),
        ({"ssl.client.auth": "none", "listener.name.control.ssl.client.auth": "required"}, set()),
        (
            {"listener.name.clients.ssl.enabled.protocols": "TLSv1.1,TLSv1.2"},
            {"weak-tls-version"},
        ),
        # Controllers speak of topics; nobody reads their records there.
        (CONTROLLERS, {"listener-without-tls", "listener-without-login"}),
        (
            {**CONTROLLERS, "controller.listener.names": ""},
            {"listener-without-tls", "listener-without-login", "labelled-topic-in-clear"},
        ),
    ],
)
def test_listeners_of_their_own_sort(
    well: Broker, look_at_kafka: Any, url_of: Any, found: Any, good_policy: Any, tmp_path: Path,
    settings: dict[str, str], wrong: set[str],
) -> None:  # fmt: skip
    write_certificate(tmp_path)
    with serving(replace(well, settings={**well.settings, **settings}), tmp_path) as broker:
        seen = found(look_at_kafka(url_of(broker, tmp_path), policy=good_policy))

    assert {rule for rule, _ in seen} == wrong


@pytest.mark.parametrize(
    ("value", "seen", "hidden"),
    [
        # Kafka's own brokers tell their authorizer's settings by name alone.
        (None, set(), {"setting/1/allow.everyone.if.no.acl.found"}),
        ("false", set(), set()),  # others tell them
        ("true", {("open-without-acl", "setting/1/allow.everyone.if.no.acl.found")}, set()),
    ],
)
def test_a_value_that_is_hidden_is_neither_good_nor_bad(
    well: Broker, look_at_kafka: Any, url_of: Any, found: Any, good_policy: Any, tmp_path: Path,
    value: str | None, seen: set[Any], hidden: set[str],
) -> None:  # fmt: skip
    write_certificate(tmp_path)
    settings = {**well.settings, "allow.everyone.if.no.acl.found": value}
    with serving(replace(well, settings=settings), tmp_path) as broker:
        look = look_at_kafka(url_of(broker, tmp_path), policy=good_policy)

    assert set(found(look)) == seen
    gaps = look.outcome.gaps
    assert {gap.path for gap in gaps if gap.reason is GapReason.NOT_REPORTED} == hidden
    assert len(gaps) == len(hidden)
    assert all("as by default (false)" in gap.detail for gap in gaps)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\1\0\0", b""])
def test_what_is_no_answer_or_half_of_one(look_at_kafka: Any, error_of: Any, answer: bytes) -> None:
    with answering(answer) as port:
        error = error_of(look_at_kafka(f"kafka://127.0.0.1:{port}", seconds=2))

    assert "no broker let us in within 1 s" in error


def test_a_broker_without_access_lists_or_settings_of_its_own(
    badly: Broker, look_at_kafka: Any
) -> None:
    """As some of what is compatible with Kafka: what it does not tell is a gap."""
    with serving(replace(badly, settings={}, acls=[])) as broker:
        look = look_at_kafka(f"kafka://127.0.0.1:{broker.port}", policy={"labels": {"c*": "x"}})

    assert {(gap.reason, gap.path) for gap in look.outcome.gaps} == {
        (GapReason.FORBIDDEN, "listener/"),
        (GapReason.FORBIDDEN, "setting/"),
    }
