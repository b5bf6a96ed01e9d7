"""What settings, attestations, certificates and rights of accounts mean, without a server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from compline.scanners.stores.attested import attestations
from compline.scanners.stores.certificate import _fits
from compline.scanners.stores.postgresql.access import Labels, account_rows
from compline.scanners.stores.postgresql.meaning import auditing, weak_ciphers

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "weak"),
    [
        ("HIGH:!aNULL", ()),
        ("HIGH:MEDIUM:+3DES:!aNULL", ("MEDIUM",)),  # the default up to version 18
        ("HIGH:MEDIUM:!3DES:!RC4:!aNULL", ()),
        ("ECDHE-RSA-AES128-GCM-SHA256, ECDHE-ECDSA-CHACHA20-POLY1305", ()),
        ("ECDHE-RSA-RC4-SHA:DES-CBC3-SHA", ("DES-CBC3-SHA", "ECDHE-RSA-RC4-SHA")),
        ("ALL", ("ALL",)),
        ("ALL:!aNULL:!3DES:!RC4", ()),
        ("kRSA+RC4:NULL", ("NULL", "kRSA+RC4")),
        ("RC4:!RC4", ()),
        ("none", ()),
    ],
)
def test_weak_words_of_a_cipher_list(value: str, weak: tuple[str, ...]) -> None:
    assert weak_ciphers(value) == weak


@pytest.mark.parametrize(
    ("change", "does", "enough"),
    [
        ({"log_connections": "on"}, "connections", True),
        ({"log_connections": "receipt,authentication"}, "connections", True),
        ({"log_connections": "receipt"}, "connections", False),
        ({"log_connections": ""}, "connections", False),
        ({"log_statement": "mod"}, "statements", True),
        ({"log_min_duration_statement": "0"}, "statements", True),
        ({"log_min_duration_statement": "500"}, "statements", False),
        ({"pgaudit.log": "read, WRITE"}, "statements", True),
        ({"pgaudit.log": "misc"}, "statements", False),
        ({"shared_preload_libraries": "pg_stat_statements, pgaudit"}, "audit", True),
        ({"session_preload_libraries": "$libdir/pgaudit"}, "audit", True),
        ({"shared_preload_libraries": "pgauditlogtofile"}, "audit", False),
        ({"shared_preload_libraries": "credcheck"}, "passwords", True),
        ({}, "passwords", False),
    ],
)
def test_what_is_logged_and_tried(change: dict[str, str], does: str, enough: bool) -> None:
    settings = {
        "log_connections": "off",
        "log_statement": "none",
        "log_min_duration_statement": "-1",
        "shared_preload_libraries": "",
        "session_preload_libraries": "",
    }
    wanted = {"audit": ["pgaudit"], "passwords": ["passwordcheck", "credcheck"]}

    rows = auditing({**settings, **change}, wanted)

    assert [row["enough"] for row in rows if row["does"] == does] == [enough]


def test_a_setting_that_is_hidden_makes_no_row() -> None:
    assert auditing({"shared_preload_libraries": ""}, {"audit": ["pgaudit"]}) == []


def test_attestations_by_item_and_by_the_shorthand() -> None:
    signed = {"encrypted": True, "by": "ann", "on": "2025-01-01"}

    rows = attestations({"attested": {"disk": signed, "tapes": {"encrypted": False}}}, NOW)

    columns = ("item", "declared", "encrypted", "signed", "age_days")
    assert [tuple(row[column] for column in columns) for row in rows] == [
        ("backups", False, None, False, None),
        ("disk", True, True, True, 365),
        ("tapes", True, False, False, None),
    ]  # fmt: skip
    short = attestations({"encrypted_at_rest": False}, NOW)
    assert [(row["item"], row["encrypted"]) for row in short] == [
        ("backups", False),
        ("disk", False),
    ]


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("db.example.org", "DB.example.org", True),
        ("*.example.org", "db.example.org", True),
        ("*.example.org", "a.db.example.org", False),
        ("*.example.org", "example.org", False),
        ("db", "db.example.org", False),
    ],
)
def test_names_in_certificates(pattern: str, host: str, fits: bool) -> None:
    assert _fits(pattern, host) is fits


def test_the_first_label_that_fits_counts() -> None:
    labels = Labels({"crm.people": "personal", "crm.*": "internal"})

    assert [labels.of(name) for name in ("crm.people", "crm.orders", "x.y")] == [
        "personal",
        "internal",
        "",
    ]


def account(**answers: Any) -> list[tuple[str, str, str]]:
    role = (False, False, False, False, False, True, None, -1)
    known: dict[str, Any] = {
        "roles": [("etl", *role), ("team", *role), ("boss", True, *role[1:])],
        "memberships": [],
        "schema_grants": [],
        "tables": [],
        "table_grants": [],
        **answers,
    }
    rows = account_rows(known, ["etl"], {"etl": {"a.*": ["SELECT"]}}, {"etl": ["owner"]})
    return [(row["resource"], row["beyond"], row["through"]) for row in rows]


def test_an_account_holds_what_its_roles_hold_in_turn() -> None:
    members = [
        ("team", "etl", False, True, True),
        ("boss", "team", False, True, True),
        ("etl", "boss", False, True, True),
    ]
    grants = [
        ("a", "x", "team", False, "SELECT", False),
        ("b", "x", "team", False, "SELECT", False),
    ]

    found = account(memberships=members, table_grants=grants)

    assert found == [
        ("a.x", "", "team"),
        ("b.x", "SELECT", "team"),
        ("role", "superuser", "boss"),
    ]


def test_what_an_account_owns_and_what_public_holds() -> None:
    found = account(
        tables=[("a", "x", "r", "etl", False)],
        table_grants=[("a", "x", "PUBLIC", True, "SELECT", False)],
        memberships=[("pg_read_all_data", "etl", False, True, True)],
    )

    assert found == [("role", "pg_read_all_data", "pg_read_all_data")]
