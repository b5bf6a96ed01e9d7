"""Against real Redis servers: the good one is clean, each bad arrangement is found."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dripping import answering

from compline.evidence.locker import Locker
from compline.model import Completed, GapReason, Severity

SIGNED = {"encrypted": True, "by": "ann", "on": "2025-11-30"}
GOOD_POLICY = {
    "users": ["root", "app", "compline"],
    "administrators": ["root"],
    "attested": {"disk": SIGNED, "backups": SIGNED},
}


@pytest.fixture
def look_at_redis(look_at: Any) -> Any:
    def look(url: str, **settings: Any) -> Any:
        return look_at(url=url, kind="redis", **settings)

    return look


def test_a_server_in_order_is_clean_and_wholly_seen(good_redis: Any, look_at_redis: Any) -> None:
    look = look_at_redis(good_redis.url(), policy=GOOD_POLICY)

    assert look.outcome == Completed((), ())
    assert look.warnings == ()


def test_everything_wrong_is_found(bad_redis: Any, look_at_redis: Any, found: Any) -> None:
    look = look_at_redis(bad_redis.url(""), policy={"users": [], "encrypted_at_rest": True})

    critical, high, medium, low = (
        Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW,
    )  # fmt: skip
    assert found(look) == {
        ("tls-disabled", "setting/tls-port"): high,
        ("tls-not-enforced", "setting/port"): high,
        ("weak-tls-version", "setting/tls-protocols"): medium,
        ("connection-without-tls", "connection/default"): high,
        ("attestation-unsigned", "attestation/disk"): low,
        ("attestation-unsigned", "attestation/backups"): low,
        ("listens-everywhere", "setting/bind"): medium,
        ("protected-mode-off", "setting/protected-mode"): medium,
        ("debug-commands-enabled", "setting/enable-debug-command"): medium,
        ("default-user-without-password", "user/default"): critical,
        ("default-user-enabled", "user/default"): low,
        ("user-without-password", "user/open"): critical,
        ("dangerous-commands", "user/default"): high,
        ("dangerous-commands", "user/half"): high,  # by its second selector
        ("reaches-every-key", "user/default"): low,
        ("undeclared-user", "user/default"): medium,
        ("undeclared-user", "user/open"): medium,
        ("undeclared-user", "user/half"): medium,
    }
    assert look.outcome.gaps == ()


@pytest.mark.parametrize(
    ("made", "rule", "severity"),
    [
        ({}, "certificate-expiry", Severity.MEDIUM),
        ({"after": datetime(2025, 12, 31, tzinfo=UTC)}, "certificate-not-valid", Severity.HIGH),
        ({"host": "127.0.0.2"}, "certificate-of-another-host", Severity.LOW),
        ({"rsa_bits": 1024}, "weak-certificate", Severity.MEDIUM),
    ],
)
def test_a_certificate_that_is_not_in_order(
    good_redis: Any, look_at_redis: Any, found: Any, made: Any, rule: str, severity: Severity
) -> None:
    policy = {**GOOD_POLICY, "certificate_days": 30 if made else 100_000}
    if made:
        good_redis.show_certificate(**made)
    try:
        # The client itself lets in none of them: what is wrong must be told all the same.
        look = look_at_redis(good_redis.url(check=False), policy=policy)
    finally:
        if made:
            good_redis.show_certificate()

    assert found(look) == {(rule, "certificate/127.0.0.1"): severity}


@pytest.mark.parametrize(
    ("change", "wrong"),
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
        ({"users": None}, {("access-policy-undeclared", "users")}),
    ],
)
def test_what_only_the_policy_can_tell(
    good_redis: Any, look_at_redis: Any, found: Any, change: Any, wrong: Any
) -> None:
    policy = {key: value for key, value in {**GOOD_POLICY, **change}.items() if value is not None}

    seen = found(look_at_redis(good_redis.url(), policy=policy))

    assert {(rule, subject.partition("/")[2]) for rule, subject in seen} == wrong


def test_a_refused_part_is_a_gap_and_the_rest_is_judged(
    good_redis: Any, look_at_redis: Any
) -> None:
    with good_redis.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "compline", "-config|get")
        try:
            settings = look_at_redis(good_redis.url(), policy=GOOD_POLICY).outcome
            admin.execute_command("ACL", "SETUSER", "compline", "-acl|cat", "+config|get")
            users = look_at_redis(good_redis.url(), policy=GOOD_POLICY).outcome
        finally:
            admin.execute_command("ACL", "SETUSER", "compline", "+config|get", "+acl|cat")

    assert (settings.observations, users.observations) == ((), ())
    ((gap,), (other,)) = settings.gaps, users.gaps
    assert (gap.reason, gap.path) == (GapReason.FORBIDDEN, "setting/")
    assert "ACL SETUSER ... +config|get" in gap.detail
    assert (other.reason, other.path) == (GapReason.FORBIDDEN, "user/")


def test_a_managed_server_without_config_is_judged_by_its_users(
    managed_redis: Any, look_at_redis: Any, found: Any
) -> None:
    look = look_at_redis(managed_redis.url(""), policy=GOOD_POLICY)

    (gap,) = look.outcome.gaps
    assert (gap.reason, gap.path) == (GapReason.UNSUPPORTED, "setting/")
    assert "the server does not have it: unknown command" in gap.detail
    assert set(found(look)) == {
        ("connection-without-tls", "connection/default"),
        ("default-user-without-password", "user/default"),
        ("default-user-enabled", "user/default"),
        ("dangerous-commands", "user/default"),
        ("reaches-every-key", "user/default"),
        ("undeclared-user", "user/default"),
    }


def test_no_hash_of_a_password_is_kept(good_redis: Any, look_at_redis: Any, scene: Any) -> None:
    with good_redis.admin() as admin:
        hashed = admin.acl_getuser("app")["passwords"][0]  # type: ignore[index]

    look = look_at_redis(good_redis.url(), policy=GOOD_POLICY)

    evidence = Locker(scene.home / "evidence").get(look.evidence[0])
    assert {row["user"] for row in json.loads(evidence)["frames"]["users"]} >= {"app", "root"}
    for secret in (hashed, "for@tests", "for%40tests"):
        assert secret not in repr(look)
        assert secret.encode() not in evidence


def test_the_account_is_that_of_the_documentation(good_redis: Any) -> None:
    page = (Path(__file__).parents[4] / "docs" / "checks" / "kafka-redis.md").read_text("utf-8")
    (line,) = re.findall(r"ACL SETUSER compline on >PASSWORD (.*?)```", page, re.DOTALL)
    with good_redis.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "documented", "on", ">x", *line.split())
        try:
            documented, tested = (admin.acl_getuser(name) for name in ("documented", "compline"))
        finally:
            admin.execute_command("ACL", "DELUSER", "documented")

    for part in ("commands", "keys", "channels"):
        assert documented[part] == tested[part]  # type: ignore[index]


def test_only_reading_commands_are_sent(good_redis: Any, look_at_redis: Any) -> None:
    """The account of the documentation may call nothing else, and no call was refused."""
    with good_redis.admin() as admin:
        rights = admin.acl_getuser("compline")
        admin.execute_command("CONFIG", "RESETSTAT")
        admin.execute_command("ACL", "LOG", "RESET")
        look_at_redis(good_redis.url(), policy=GOOD_POLICY)
        sent = {
            name.removeprefix("cmdstat_"): value["calls"]
            for name, value in admin.info("commandstats").items()
        }
        assert admin.acl_log() == []

    assert rights["keys"] in ("", [])  # type: ignore[index]
    assert set(sent) - {"config|resetstat", "acl|log", "info"} <= {
        "auth", "hello", "acl|whoami", "acl|list", "acl|cat", "config|get", "client|setinfo",
        "select", "ping",
    }  # fmt: skip
    assert sum(sent.values()) < 30


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_servers_that_do_not_answer(
    look_at_redis: Any, error_of: Any, silent_port: int, bad_redis: Any
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stopped = look_at_redis(f"redis://u:very-secret@127.0.0.1:{port}")
    silent = look_at_redis(f"redis://u:very-secret@127.0.0.1:{silent_port}", seconds=1)
    os.kill(bad_redis.process.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        frozen = look_at_redis(bad_redis.url(""), seconds=1)
        assert time.monotonic() - started < 5
    finally:
        os.kill(bad_redis.process.pid, signal.SIGCONT)

    assert "Connection refused" in error_of(stopped)
    assert "did not answer within 1 s" in error_of(silent)
    assert "did not answer within 1 s" in error_of(frozen)
    assert "very-secret" not in repr((stopped, silent))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "Redis: "),
        (b"$7\r\ndef", "Redis: Connection closed by server"),
        (b"*3\r\n$4\r\nuser\r\n", "Redis: Connection closed by server"),
        (b"", "Redis: Connection closed by server"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading the dataset"),
        (b"-MOVED 3999 127.0.0.1:6381\r\n", "3999 127.0.0.1:6381"),
    ],
)
def test_what_is_no_answer_or_half_of_one(
    look_at_redis: Any, error_of: Any, answer: bytes, said: str
) -> None:
    with answering(answer) as port:
        error = error_of(look_at_redis(f"redis://127.0.0.1:{port}"))

    assert said in error


def test_a_wrong_password_and_urls_that_are_none(
    good_redis: Any, look_at_redis: Any, error_of: Any
) -> None:
    wrong = look_at_redis(good_redis.url().replace("a%2Fpassword", "very-secret"))

    assert "invalid username-password pair" in error_of(wrong)
    assert "very-secret" not in repr(wrong)
    for url in ("http://u:very-secret@h", "very-secret", "redis://u:very-secret@h:port"):
        error = error_of(look_at_redis(url))
        assert "rediss://user:password@host:port" in error
        assert "very-secret" not in error


def test_a_certificate_that_is_not_trusted(
    good_redis: Any, look_at_redis: Any, error_of: Any
) -> None:
    error = error_of(look_at_redis(good_redis.url().partition("?")[0]))

    assert "certificate verify failed" in error
