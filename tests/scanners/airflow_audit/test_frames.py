"""Recorded answers of real servers, and of a task's own view, as the frames that are judged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compline.model import GapReason
from compline.scanners.airflow.asking import Answers
from compline.scanners.airflow.frames import Inside, Seen, installed, inventory_of
from compline.scanners.expectations.collector import folder
from compline.scanners.expectations.findings import hold_against
from compline.scanners.expectations.inventory import CannotCollect, records
from compline.scanners.expectations.policy import bind
from compline.scanners.expectations.suite_file import load

GOLDEN = Path(__file__).with_name("golden")
NOW = datetime(2026, 12, 1, tzinfo=UTC)
SAFE = {
    ("core", "auth_manager"): "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    ("core", "simple_auth_manager_all_admins"): "False",
    ("core", "fernet_key"): "wq3m1f0g8m0tHqv8m3mQd0c0mXnX5sT8mC7YJm5nU2s=",
    ("core", "load_examples"): "False",
    ("core", "hide_sensitive_var_conn_fields"): "True",
    ("core", "test_connection"): "Disabled",
    ("core", "allowed_deserialization_classes"): "airflow.*",
    ("api_auth", "jwt_secret"): "0123456789abcdefghijklmnopqrstuvwxyz",
    ("api_auth", "jwt_expiration_time"): "28800",
    ("fab", "session_lifetime_minutes"): "720",
    ("fab", "auth_rate_limited"): "True",
    ("api", "secret_key"): "zyxwvutsrqponmlkjihgfedcba9876543210",
    ("api", "expose_config"): "False",
    ("api", "expose_stacktrace"): "False",
    ("api", "base_url"): "https://airflow.example.org",
    ("api", "access_control_allow_origins"): "https://page.example.org",
    ("secrets", "backend"): "airflow.providers.hashicorp.secrets.vault.VaultBackend",
    ("logging", "remote_logging"): "True",
    ("logging", "remote_base_log_folder"): "s3://logs/airflow",
    ("logging", "encrypt_s3_logs"): "True",
}


def answers(name: str, **changed: Any) -> Answers:
    return Answers({**json.loads((GOLDEN / name).read_text()), **changed})


def judged(given: Answers, inside: Inside | None = None, **policy: Any) -> Any:
    """(rules and resources found, gaps) by the built-in suite."""
    bound = bind(load(folder("airflow") / "suite.yaml"), policy)
    inventory = inventory_of(Seen(given, inside, ([], []), bound.values, NOW))
    found = hold_against(bound, inventory, "airflow-audit")
    return (
        {(one.rule, one.subject) for one in found.observations},
        {gap.path: gap for gap in inventory.all_gaps},
    )


def test_fab_as_it_comes_is_clean() -> None:
    found, gaps = judged(
        answers("fab-3.3.2.json", address="https://airflow.example.org/"),
        Inside(dict(SAFE)),
        admins=["ann"],
    )
    assert found == set()
    assert set(gaps) == {"password/"}, "FAB shows nobody's"


def test_fab_badly_kept() -> None:
    given = answers("fab-3.3.2.json", address="http://airflow.example.org/")
    ann, bob = given.parts["users"]
    ann["last_login"] = "2026-01-01T00:00:00"
    bob["created_on"] = None
    bob["active"] = False
    roles = {role["name"]: role for role in given.parts["roles"]}
    roles["Public"]["actions"] = roles["Viewer"]["actions"]
    more = [("can_create", "DAG Runs"), ("can_read", "Variables"), ("can_edit", "DAG:a")]
    for right, thing in more:
        entry = {"action": {"name": right}, "resource": {"name": thing}}
        roles["Viewer"]["actions"] = [*roles["Viewer"]["actions"], entry]
    more = [("can_edit", "Connections"), ("can_edit", "Users")]
    roles["Op"]["actions"] += [{"action": {"name": a}, "resource": {"name": r}} for a, r in more]
    roles["User"]["actions"] += [
        {"action": {"name": "can_edit"}, "resource": {"name": "Connections"}}
    ]

    found, _ = judged(given, admins=["carl"], idle_days=30, data_roles=["Admin", "Op", "User"])

    assert {key for key in found if not key[1].startswith("setting/")} == {
        ("undeclared-administrator", "account/ann"),
        ("idle-account", "login/ann"),
        ("public-role-with-rights", "role/Public"),
        ("role-may-read-data", "role/Public"),
        ("role-may-trigger", "role/Viewer"),
        ("role-may-edit-dags", "role/Viewer"),
        ("role-may-read-data", "role/Viewer"),
        ("role-may-read-secrets", "role/Viewer"),
        ("role-may-edit-secrets", "role/User"),
        ("role-may-administer", "role/Op"),
    }
    assert ("api-server-without-tls", "setting/transport") in found


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("core.fernet_key", "", "no-fernet-key"),
        ("core.fernet_key", "46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho=", "weak-fernet-key"),
        ("core.fernet_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "weak-fernet-key"),
        ("core.fernet_key", "not a key", "weak-fernet-key"),
        ("core.load_examples", "True", "examples-loaded"),
        ("core.hide_sensitive_var_conn_fields", "False", "masking-off"),
        ("core.test_connection", "Enabled", "connection-tests-allowed"),
        ("core.allowed_deserialization_classes", "airflow.* *", "any-class-deserialized"),
        ("api_auth.jwt_secret", "airflow_jwt_secret", "weak-jwt-secret"),
        ("api_auth.jwt_secret", "ab" * 32, "weak-jwt-secret"),
        ("api_auth.jwt_secret", "", "weak-jwt-secret"),
        ("api_auth.jwt_expiration_time", "864000", "long-session"),
        ("fab.session_lifetime_minutes", "43200", "long-session"),
        ("fab.auth_rate_limited", "False", "logins-not-limited"),
        ("fab.auth_role_public", "Viewer", "strangers-have-a-role"),
        ("api.secret_key", "short", "weak-api-secret-key"),
        ("api.expose_config", "non-sensitive-only", "exposed-configuration"),
        ("api.expose_stacktrace", "True", "exposed-stack-traces"),
        ("api.base_url", "http://airflow.example.org", "api-server-without-tls"),
        ("api.access_control_allow_origins", "*", "origins-of-everybody"),
        ("secrets.backend", "", "no-secrets-backend"),
        ("logging.encrypt_s3_logs", "False", "remote-logs-unencrypted"),
    ],
)
def test_each_option(option: str, value: str, rule: str) -> None:
    section, _, name = option.partition(".")
    found, _ = judged(Answers(), Inside({**SAFE, (section, name): value}))
    assert {one for one, _ in found} == {rule}


def test_a_session_that_ends_in_any_case() -> None:
    capped = {
        ("fab", "session_lifetime_minutes"): "43200",
        ("fab", "session_max_lifetime_minutes"): "600",
    }
    assert judged(Answers(), Inside({**SAFE, **capped}))[0] == set()


def test_what_is_not_set_here_is_a_gap_and_not_good() -> None:
    options = {k: v for k, v in SAFE.items() if k[1] not in ("jwt_secret", "fernet_key")}
    found, gaps = judged(Answers(), Inside(options))
    assert found == set()
    assert gaps["setting/jwt_secret"].reason is GapReason.FORBIDDEN
    assert {"setting/fernet_key", "connection/", "variable/", "account/", "role/"} <= set(gaps)


def test_remote_logs_of_a_store_that_the_policy_attests() -> None:
    options = {**SAFE, ("logging", "encrypt_s3_logs"): "False"}
    assert judged(Answers(), Inside(options), remote_logs_encrypted=True)[0] == set()
    strange = {**SAFE, ("logging", "remote_base_log_folder"): "hdfs://x/y"}
    assert "setting/remote_logs" in judged(Answers(), Inside(strange))[1]


def test_the_api_servers_own_word_counts_for_more() -> None:
    given = answers("standalone-3.3.2.json")
    found, _ = judged(given, Inside({**SAFE, ("core", "test_connection"): "Disabled"}))
    assert ("connection-tests-allowed", "setting/connection_tests") in found
    assert ("simple-auth-manager", "setting/authentication") in found


def test_example_dags_are_seen_over_rest() -> None:
    given = answers("standalone-3.3.2.json")
    given.parts["dags"].append({"dag_id": "x", "bundle_name": "example_dags"})
    assert ("examples-loaded", "setting/examples") in judged(given)[0]


def test_packages_that_are_installed() -> None:
    given = answers("standalone-3.3.2.json")
    seen = installed(given, Inside(packages={"apache-airflow": "2.0.0", "apache-airflow-x": "1"}))
    assert seen["apache-airflow"] == seen["apache-airflow-core"] == "3.3.2"
    assert {"apache-airflow-x", "apache-airflow-providers-standard"} <= set(seen)


def test_a_connection_of_an_unknown_sort_is_a_gap() -> None:
    given = answers("standalone-3.3.2.json")
    strange = {"connection_id": "odd", "conn_type": "weird", "host": "h", "extra": None}
    given.parts["connections"].append({**given.parts["connections"][0], **strange})
    _, gaps = judged(given)
    assert gaps["connection/odd/transport"].reason is GapReason.UNSUPPORTED


def test_answers_of_another_shape_are_refused() -> None:
    for name, value in (("connections", [{"x": 1}]), ("variables", [{}]), ("connections", [3])):
        with pytest.raises(CannotCollect):
            judged(answers("standalone-3.3.2.json", **{name: value}))


def test_no_value_of_a_secret_is_in_a_frame() -> None:
    given = answers("standalone-3.3.2.json")
    simple = {
        ("core", "auth_manager"): "x.SimpleAuthManager",
        ("core", "simple_auth_manager_users"): "ann:admin",
    }
    inside = Inside({**SAFE, **simple}, passwords={"ann": "correct-horse"})
    inventory = inventory_of(Seen(given, inside, ([], []), {}, NOW))
    text = repr([records(frame) for frame in inventory.frames.values()])
    for secret in ("correct-horse", "abcdef", SAFE["core", "fernet_key"], "zyxwv", "01234567"):
        assert secret not in text
