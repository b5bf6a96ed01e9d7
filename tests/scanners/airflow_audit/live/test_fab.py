"""Real API servers with FAB's authentication manager: accounts, roles, options, strangers."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow_fab import ADMIN, PASSWORD, Fab, serving

from compline.model import Completed

pytestmark = pytest.mark.timeout(400)
HARMLESS = {"admins": [ADMIN], "secret_roles": ["Admin", "Op", "Auditor"]}
"""A policy that declares what the good deployment has."""
HARMLESS |= {"data_roles": ["Admin", "Op", "User", "Viewer", "Auditor"]}


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[tuple[Fab, Fab]]:
    with serving(tmp_path_factory.mktemp("fab"), certificate) as (good, bad):
        good.create_user("auditor", "Auditor")
        good.call(
            "POST", "api/v2/connections", connection_id="warehouse", conn_type="postgres",
            host="db.example.org", password="a-password", extra='{"sslmode": "verify-full"}',
        )  # fmt: skip
        good.call("POST", "api/v2/variables", key="region", value="north")
        yield good, bad


@pytest.fixture
def good(servers: tuple[Fab, Fab], monkeypatch: pytest.MonkeyPatch) -> Fab:
    """Kept well, over TLS; its certificate is trusted for the test."""
    monkeypatch.setenv("SSL_CERT_FILE", str(servers[0].certificate))
    return servers[0]


@pytest.fixture
def bad(servers: tuple[Fab, Fab]) -> Fab:
    return servers[1]


@pytest.fixture
def audit(look_at: Any, good: Fab) -> Any:
    """A look at the good one by the account that the documentation makes."""

    def look(**given: Any) -> Any:
        policy = HARMLESS | given.pop("policy", {})
        given.setdefault("credential", good.token("auditor"))
        return look_at(url=good.url, policy=policy, **given)

    return look


def own(look: Any, found: Any) -> set[tuple[str, str]]:
    """What was found but for advisories, which new ones are written of."""
    return {key for key in found(look) if not key[0].startswith("package-with")}


def test_a_deployment_that_is_kept_well_is_clean(audit: Any, found: Any, good: Fab) -> None:
    token, before = good.token("auditor"), len(good.requests())

    look = audit()

    assert own(look, found) == set()
    gaps = {gap.path for gap in look.outcome.gaps}
    assert "password/" in gaps, "FAB shows nobody's, and none is tried"
    rest = {path for path in gaps if not path.startswith("setting/")}
    assert rest == {"password/", "file/"}
    assert {"setting/fernet_key", "setting/jwt_secret", "setting/session_lifetime"} <= gaps
    assert not gaps & {"setting/authentication", "setting/transport", "setting/expose_config"}
    asked = good.requests()[before:]
    assert {method for method, _ in asked} == {"GET"}
    assert len(asked) < 20
    assert token not in repr(look)


def test_the_auditors_account_may_write_nothing(good: Fab) -> None:
    token = good.token("auditor")
    for method, path, body in (
        ("POST", "api/v2/connections", {"connection_id": "x", "conn_type": "http"}),
        ("POST", "api/v2/variables", {"key": "x", "value": "x"}),
        ("POST", "api/v2/dags/harmless/dagRuns", {"logical_date": None}),
        ("PATCH", "api/v2/dags/harmless", {"is_paused": True}),
        ("DELETE", "auth/fab/v1/users/root", {}),
        ("POST", "auth/fab/v1/roles", {"name": "x", "actions": []}),
    ):
        assert good.send_as(token, method, path, **body) == 403, path


def test_roles_that_may_too_much(audit: Any, found: Any, good: Fab) -> None:
    for name, right in (
        ("Trigger", ("can_create", "DAG Runs")),
        ("Edit", ("can_edit", "DAGs")),
        ("One", ("can_edit", "DAG:harmless")),
        ("Data", ("can_read", "XComs")),
        ("Reader", ("can_read", "Variables")),
        ("Writer", ("can_edit", "Connections")),
        ("Boss", ("can_edit", "Users")),
        ("Harmless", ("can_read", "DAGs")),
    ):
        good.rights(name, right)
    good.rights("Public", ("can_read", "DAGs"), new=False)
    good.create_user("mallory", "Admin", password="mallory")
    try:
        look = audit()
    finally:
        good.call("DELETE", "auth/fab/v1/users/mallory")
        good.rights("Public", new=False)
        for name in ("Trigger", "Edit", "One", "Data", "Reader", "Writer", "Boss", "Harmless"):
            good.call("DELETE", f"auth/fab/v1/roles/{name}")

    assert own(look, found) == {
        ("role-may-trigger", "role/Trigger"),
        ("role-may-edit-dags", "role/Edit"),
        ("role-may-edit-dags", "role/One"),
        ("role-may-read-data", "role/Data"),
        ("role-may-read-secrets", "role/Reader"),
        ("role-may-edit-secrets", "role/Writer"),
        ("role-may-administer", "role/Boss"),
        ("public-role-with-rights", "role/Public"),
        ("undeclared-administrator", "account/mallory"),
    }
    assert own(audit(), found) == set(), "mended"


def test_the_auditor_itself_is_a_role_to_be_declared(audit: Any, found: Any) -> None:
    policy = {"secret_roles": ["Admin", "Op"], "data_roles": ["Admin", "Op", "User", "Viewer"]}
    assert own(audit(policy=policy), found) == {
        ("role-may-read-secrets", "role/Auditor"),
        ("role-may-read-data", "role/Auditor"),
    }


def test_accounts_that_nobody_uses(audit: Any, found: Any) -> None:
    later = datetime.now(UTC) + timedelta(days=100)
    assert own(audit(now=later), found) == {
        ("idle-account", f"login/{ADMIN}"),
        ("idle-account", "login/auditor"),
    }
    assert own(audit(now=later, policy={"idle_days": 120}), found) == set()


def test_an_account_with_fewer_rights_leaves_gaps(audit: Any, found: Any, good: Fab) -> None:
    good.rights("Narrow", ("can_read", "DAGs"), ("can_read", "Website"))
    good.create_user("narrow", "Narrow")
    try:
        look = audit(credential=good.token("narrow"))
    finally:
        good.call("DELETE", "auth/fab/v1/users/narrow")
        good.call("DELETE", "auth/fab/v1/roles/Narrow")
    assert own(look, found) == set()
    assert {"connection/", "variable/", "role/", "account/", "password/", "login/"} <= {
        gap.path for gap in look.outcome.gaps
    }
    assert any(gap.path.startswith("dag-file/") for gap in look.outcome.gaps), "no DAG Code"


def test_a_wrong_password_and_a_token_that_is_none(audit: Any, error_of: Any) -> None:
    assert "auth/token answers 401" in error_of(audit(credential="auditor:wrong"))
    assert "the token is not valid" in error_of(audit(credential="no-token"))


def test_a_login_by_password_is_the_one_call_that_is_no_get(audit: Any, good: Fab) -> None:
    before = len(good.requests())
    assert isinstance(audit(credential=f"auditor:{PASSWORD}").outcome, Completed)
    asked = good.requests()[before:]
    assert [call for call in asked if call[0] != "GET"] == [("POST", "/auth/token")]


def test_an_unknown_certificate_is_failed(
    audit: Any, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "certificate" in error_of(audit()).lower()


def test_a_server_that_hangs_is_failed(audit: Any, error_of: Any, good: Fab) -> None:
    token = good.token("auditor")
    os.killpg(good.process.pid, signal.SIGSTOP)
    try:
        assert "too slow" in error_of(audit(seconds=2, credential=token))
    finally:
        os.killpg(good.process.pid, signal.SIGCONT)


def test_options_that_are_wrong_and_a_role_for_strangers(
    look_at: Any, found: Any, bad: Fab, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **named: plain(
            "127.0.0.1" if host in ("airflow.test", b"airflow.test") else host, *rest, **named
        ),
    )
    url = bad.url.replace("127.0.0.1", "airflow.test")

    look = look_at(url=url, credential=bad.token(), policy={"admins": [ADMIN]}, seconds=60)

    told = own(look, found)
    assert {key for key in told if not key[1].startswith("dag-file/")} == {
        ("strangers-have-a-role", "setting/anonymous"),
        ("public-role-with-rights", "role/Viewer"),
        ("api-server-without-tls", "setting/transport"),
        ("exposed-configuration", "setting/expose_config"),
        ("exposed-stack-traces", "setting/stack_traces"),
        ("long-session", "setting/session_lifetime"),
        ("logins-not-limited", "setting/login_limit"),
        ("any-class-deserialized", "setting/deserialization"),
        ("masking-off", "setting/masking"),
        ("connection-tests-allowed", "setting/connection_tests"),
        ("examples-loaded", "setting/examples"),
        ("no-secrets-backend", "setting/secrets_backend"),
    }
    assert not any(rule == "simple-auth-manager" for rule, _ in told)
