"""How connections go, and which secrets they and variables show: by kind, address and names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compline.scanners.airflow.accounts import password_state
from compline.scanners.airflow.connections import connection_rows, transport, variable_rows


@pytest.mark.parametrize(
    ("kind", "host", "schema", "extra", "expected"),
    [
        ("postgres", "db", "", {}, "plain"),
        ("postgres", "db", "", {"sslmode": "prefer"}, "plain"),
        ("postgres", "db", "", {"sslmode": "verify-full"}, "tls"),
        ("postgres", "localhost", "", {}, "loopback"),
        ("mysql", "db", "", {"ssl": {"ca": "/ca"}}, "tls"),
        ("mysql", "db", "", {"ssl_mode": "DISABLED"}, "plain"),
        ("http", "api.example.org", "", {}, "plain"),
        ("http", "api.example.org", "https", {}, "tls"),
        ("http", "https://api.example.org", "", {}, "tls"),
        ("http", "http://127.0.0.1:80", "", {}, "loopback"),
        ("redis", "cache", "", {}, "plain"),
        ("redis", "cache", "", {"ssl": True}, "tls"),
        ("kafka", "x", "", {"security.protocol": "SASL_SSL"}, "tls"),
        ("kafka", "x", "", {}, "plain"),
        # As its hook takes it: there is no field for a host.
        ("kafka", "", "", {"bootstrap.servers": "a:9092,b:9092"}, "plain"),
        ("kafka", "", "", {"bootstrap.servers": "localhost:9092, b:9092"}, "plain"),
        ("kafka", "", "", {"bootstrap.servers": "localhost:9092"}, "loopback"),
        ("kafka", "", "", {"bootstrap.servers": "a:1", "security.protocol": "SSL"}, "tls"),
        ("mongo", "db", "", {"srv": True}, "tls"),
        ("redshift", "db", "", {}, "tls"),
        ("redshift", "db", "", {"ssl": False}, "plain"),
        ("oracle", "", "", {"dsn": "db:1521/x"}, "plain"),
        ("jdbc", "", "", {"connection_url": "jdbc:x://db"}, "unknown"),
        ("openai", "", "", {}, "none"),
        ("openai", "http://models.example.org", "", {}, "plain"),
        ("sqlite", "/data/x.db", "", {}, "none"),
        ("smtp", "mail", "", {}, "tls"),
        ("smtp", "mail", "", {"disable_ssl": True, "disable_tls": True}, "plain"),
        ("aws", "", "", {}, "tls"),
        ("aws", "", "", {"endpoint_url": "http://s3.example.org"}, "plain"),
        ("ftp", "x", "", {}, "plain"),
        ("sftp", "x", "", {}, "tls"),
        ("fs", "", "", {"path": "/x"}, "none"),
        ("weird", "x", "", {}, "unknown"),
    ],
)
def test_transport(kind: str, host: str, schema: str, extra: Any, expected: str) -> None:
    assert transport(kind, host, schema, extra) == expected


def row(**extra: Any) -> dict[str, Any]:
    one = {"connection_id": "c", "conn_type": "http", "host": "https://x"}
    [found] = connection_rows([{**one, "extra": json.dumps(extra)}])
    return found


@pytest.mark.parametrize(
    ("extra", "leaks", "keeps"),
    [
        ({"token": "***"}, False, True),
        ({"client_credential": "abc"}, True, False),
        ({"nested": {"deep": [{"client_credential": "abc"}]}}, True, False),
        ({"url": "https://u:pw@h/"}, True, False),
        ({"url": "https://u:***@h/"}, False, False),
        ({"note": "AKIA" + "ABCDEFGHIJKLMNOP"}, True, False),
        ({"token_path": "/run/x", "secret_name": "x", "timeout": 3}, False, False),
    ],
)
def test_secrets_in_extras(extra: Any, leaks: bool, keeps: bool) -> None:
    found = row(**extra)
    assert (found["leaks"], found["keeps_in_extra"]) == (leaks, keeps)
    assert "abc" not in repr(found)


def test_certificates_that_are_not_checked() -> None:
    assert row()["verified"]
    assert not row(verify=False)["verified"]
    assert not row(extra__http__verify_ssl="false")["verified"]


@pytest.mark.parametrize(
    ("key", "value", "shown", "confidential"),
    [
        ("db_password", "***", False, True),
        ("settings", '{"a": {"password": "***"}}', False, True),
        ("settings", '{"a": {"client_credential": "x"}}', True, True),
        ("warehouse", "postgresql://u:p@h/d", True, True),
        ("limit", "10", False, False),
        ("names", '["a", "b"]', False, False),
    ],
)
def test_variables(key: str, value: str, shown: bool, confidential: bool) -> None:
    [found] = variable_rows([{"key": key, "value": value, "is_encrypted": True}])
    assert (found["shown"], found["confidential"]) == (shown, confidential)
    assert "p@h" not in repr(found)


@pytest.mark.parametrize(
    ("password", "state"),
    [
        ("ann", "common"), ("ann123", "common"), ("Changeme", "common"),
        ("shared-by-two", "shared"),
        ("short", "short"), ("a-long-enough-one", "good"),
    ],
)  # fmt: skip
def test_passwords(password: str, state: str) -> None:
    assert password_state("ann", {"ann": password, "bob": "shared-by-two"}) == state
    assert password_state("ann", None) == "unseen"
