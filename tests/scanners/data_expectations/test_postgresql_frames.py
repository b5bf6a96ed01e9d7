"""Answers to frames, without a server: recorded ones whole, and odd ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import CannotCollect, records
from compline.scanners.stores.postgresql.frames import inventory_of
from compline.scanners.stores.postgresql.queries import QUERIES, SETTINGS, Answers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = {
    "grants": {"analyst": {"lab.*": ["SELECT"]}},
    "labels": {"public.*": "personal"},
    "row_security": ["personal"],
    "readers": {"personal": ["etl"]},
    "accounts": ["etl", "analyst"],
    "encrypted_at_rest": True,
}
GOLDEN = Path(__file__).parent / "golden"


def recorded(name: str) -> Answers:
    value = json.loads((GOLDEN / f"{name}.json").read_text())
    rows = {key: tuple(tuple(row) for row in rows) for key, rows in value["rows"].items()}
    return Answers(rows=rows, our_end=value["our_end"])


def answers(**rows: list[tuple[Any, ...]]) -> Answers:
    known: dict[str, Any] = dict.fromkeys(QUERIES, ())
    known["settings"] = tuple((name, "x", "default") for name in SETTINGS)
    known["connection"] = ((True, "TLSv1.3", "c", 256, False, 180000, "db", "me"),)
    known.update(rows)
    return Answers(rows=known, our_end="tls")


def frame(name: str, answers: Answers, **grants: Any) -> list[dict[str, Any]]:
    return records(inventory_of(answers, {"grants": grants}, NOW).frames[name])


@pytest.mark.parametrize("name", ["postgresql-17-good", "postgresql-18-bad"])
def test_recorded_answers_give_the_recorded_frames(name: str) -> None:
    inventory = inventory_of(recorded(name), POLICY, NOW)

    expected = json.loads((GOLDEN / f"{name}.frames.json").read_text())
    assert {key: records(value) for key, value in inventory.frames.items()} == expected
    assert inventory.all_gaps == ()


@pytest.mark.parametrize(
    ("our_end", "tls", "socket", "transport"),
    [
        ("tls", True, False, "tls"),
        ("plain", False, False, "plain"),
        ("socket", False, True, "socket"),
        ("plain", False, True, "plain"),  # a pooler on the server's own machine
        ("tls", False, False, "plain"),  # a pooler that goes on in clear
        ("plain", True, False, "plain"),
        ("tls", False, True, "tls"),
        ("socket", True, False, "tls"),
    ],
)
def test_the_worse_leg_of_the_connection_counts(
    our_end: str, tls: bool, socket: bool, transport: str
) -> None:
    row = (tls, None, None, None, socket, 180000, "db", "me")
    both = Answers(rows=answers(connection=[row]).rows, our_end=our_end)

    assert frame("connection", both)[0]["transport"] == transport


@pytest.mark.parametrize(
    ("kind", "address", "netmask", "transport", "reach"),
    [
        ("local", None, None, "socket", "socket"),
        ("host", "127.0.0.1", "255.255.255.255", "any", "loopback"),
        ("host", "127.0.0.0", "255.0.0.0", "any", "loopback"),
        ("host", "0.0.0.0", "0.0.0.0", "any", "network"),
        ("host", "126.0.0.0", "254.0.0.0", "any", "network"),
        ("hostssl", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "tls", "loopback"),
        ("hostssl", "::", "::", "tls", "network"),
        ("hostnossl", "samehost", None, "plain", "loopback"),
        ("host", "samenet", None, "any", "network"),
        ("host", "all", None, "any", "network"),
        ("hostgssenc", ".example.org", None, "gss", "network"),
        ("hostnogssenc", "db.example.org", None, "any", "network"),
    ],
)
def test_how_far_a_rule_reaches(
    kind: str, address: str | None, netmask: str | None, transport: str, reach: str
) -> None:
    rule = (1, kind, ["all"], ["a", "b"], address, netmask, "md5", None, None)

    (row,) = frame("hba", answers(hba=[rule]))

    assert (row["transport"], row["reach"]) == (transport, reach)
    assert row["rule"].startswith(f"{kind} all a,b")


@pytest.mark.parametrize(
    ("refusal", "transport"),
    [
        # As the manual has it: without TLS nobody comes to the rules behind.
        (("hostnossl", ["all"], ["all"], "0.0.0.0", "0.0.0.0", "reject"), "tls"),
        (("hostnossl", ["all"], ["all"], "all", None, "reject"), "tls"),
        (("hostnossl", ["crm"], ["etl"], "10.0.0.0", "255.0.0.0", "reject"), "tls"),
        (("host", ["all"], ["all"], "10.0.0.0", "255.0.0.0", "reject"), "tls"),
        (("hostssl", ["all"], ["all"], "all", None, "reject"), "any"),
        (("hostnossl", ["all"], ["all"], "all", None, "md5"), "any"),
        (("hostnossl", ["hr"], ["all"], "all", None, "reject"), "any"),
        (("hostnossl", ["all"], ["bi"], "all", None, "reject"), "any"),
        (("hostnossl", ["all"], ["all"], "10.1.0.0", "255.255.0.0", "reject"), "any"),
        (("hostnossl", ["all"], ["all"], "::", "::", "reject"), "any"),
        (("hostnossl", ["all"], ["all"], ".example.org", None, "reject"), "any"),
    ],
)
def test_who_was_refused_before_does_not_come_in_without_tls(refusal: Any, transport: str) -> None:
    rule = ("host", ["crm"], ["etl"], "10.0.0.0", "255.0.0.0", "scram-sha-256")
    first, second = ((*one, None, None) for one in (refusal, rule))

    rows = frame("hba", answers(hba=[(1, *first), (2, *second)]))
    assert rows[1]["transport"] == transport

    other_way_round = frame("hba", answers(hba=[(1, *second), (2, *first)]))
    assert other_way_round[0]["transport"] == "any"


def test_all_does_not_speak_of_replication() -> None:
    refusal = (1, "hostnossl", ["all"], ["all"], "all", None, "reject", None, None)
    rule = (2, "host", ["replication"], ["all"], "all", None, "scram-sha-256", None, None)

    assert frame("hba", answers(hba=[refusal, rule]))[1]["transport"] == "any"


def test_a_rule_that_is_not_understood_is_only_that() -> None:
    rule = (7, None, None, None, None, None, None, None, "invalid connection type")

    (row,) = frame("hba", answers(hba=[rule]))

    assert (row["method"], row["transport"], row["reach"]) == ("unknown",) * 3
    assert row["error"] == "invalid connection type"


def test_secrets_in_options_are_left_out() -> None:
    options = ["ldapbindpasswd=hidden", "clientcert=verify-full", "map=people"]
    rule = (1, "hostssl", ["all"], ["all"], "all", None, "ldap", options, None)

    (row,) = frame("hba", answers(hba=[rule]))

    assert row["options"] == "ldapbindpasswd clientcert=verify-full map=people"


def test_grants_are_held_against_the_policy_by_resource_and_sort() -> None:
    rows = [
        ("shop", "people", "etl", False, "SELECT", False),
        ("shop", "people", "etl", False, "INSERT", False),
        ("shop", "people", "etl", False, "TRUNCATE", False),
        ("shop", "orders", "etl", False, "SELECT", False),
        ("shop", "people", "PUBLIC", True, "SELECT", False),
    ]
    declared = {"shop.p*": ["select", "INSERT"], "schema:*": ["ALL"]}

    found = frame("table_grants", answers(table_grants=rows), etl=declared)

    assert [(r["table"], r["grantee"], r["access"], r["undeclared"]) for r in found] == [
        ("shop.orders", "etl", "read", "SELECT"),
        ("shop.people", "PUBLIC", "read", "SELECT"),
        ("shop.people", "etl", "read", ""),
        ("shop.people", "etl", "write", "TRUNCATE"),
    ]


def test_a_pattern_for_tables_is_none_for_schemas() -> None:
    rows = [("lab", "etl", False, "CREATE", False)]

    (row,) = frame("schema_grants", answers(schema_grants=rows), etl={"*": ["CREATE"]})
    assert row["undeclared"] == "CREATE"
    (row,) = frame("schema_grants", answers(schema_grants=rows), etl={"schema:l*": ["CREATE"]})
    assert row["undeclared"] == ""


def test_members_of_superusers_and_of_reaching_roles_are_marked() -> None:
    role = (False, False, False, False, False, True, None, -1)
    roles = [("boss", True, *role[1:]), ("past", *role[:4], True, *role[5:]), ("team", *role)]
    members = [
        ("boss", "eve", False, True, True),
        ("past", "eve", False, False, True),
        ("team", "eve", False, True, True),
        ("pg_read_all_data", "eve", True, False, False),
        ("pg_read_all_data", "adam", False, False, False),  # good for nothing
        ("pg_read_all_settings", "pg_monitor", False, True, True),
        ("eve", "ann", False, True, True),
    ]

    found = frame("memberships", answers(roles=roles, memberships=members))

    assert {(row["role"], row["member"]) for row in found if row["powerful"]} == {
        ("boss", "eve"), ("boss", "ann"), ("past", "eve"), ("past", "ann"),
        ("pg_read_all_data", "eve"), ("pg_read_all_data", "ann"),
    }  # fmt: skip
    assert {(row["role"], row["member"]) for row in found if not row["powerful"]} == {
        ("team", "eve"), ("eve", "ann"), ("pg_read_all_data", "adam"),
    }  # fmt: skip


def test_refusals_cuts_and_hidden_settings_are_gaps() -> None:
    rows = dict(answers(settings=[("ssl", "on", "default")]).rows)
    del rows["hba"]
    partial = Answers(rows, "tls", {"hba": "permission denied"}, frozenset({"table_grants"}))

    inventory = inventory_of(partial, {}, NOW)

    assert "hba" not in inventory.frames
    assert [(gap.reason, gap.path) for gap in inventory.all_gaps] == [
        (GapReason.FORBIDDEN, "hba/"),
        (GapReason.TRUNCATED, "account/"),
        (GapReason.TRUNCATED, "membership/"),
        (GapReason.TRUNCATED, "table/"),
        *((GapReason.FORBIDDEN, f"setting/{name}") for name in SETTINGS if name != "ssl"),
    ]
    assert isinstance(inventory.all_gaps[0], Gap)


@pytest.mark.parametrize(
    "change",
    [
        {"connection": []},
        {"connection": [(True,)]},
        {"settings": [("ssl",)]},
        {"hba": [(1, "carrier-pigeon", [], [], None, None, "trust", None, None)]},
        {"hba": [(1, "host", ["all"], ["all"], "x", "y", "trust", None, None)]},
        {"roles": [("a",)]},
    ],
)
def test_an_answer_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CannotCollect, match="is not understood"):
        inventory_of(answers(**change), {}, NOW)


def test_rights_of_accounts_are_not_told_from_half_of_the_answers() -> None:
    rows = dict(answers().rows)
    del rows["memberships"]

    inventory = inventory_of(Answers(rows, "tls", {"memberships": "permission denied"}), {}, NOW)

    assert "accounts" not in inventory.frames
    assert inventory.refused["accounts"].path == "account/"


def test_a_missing_answer_is_not_an_empty_one() -> None:
    rows = dict(answers().rows)
    del rows["table_grants"]
    with pytest.raises(CannotCollect, match="no answer about table_grants"):
        inventory_of(Answers(rows, "tls"), {}, NOW)
