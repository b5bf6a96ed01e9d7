"""Against real PostgreSQL servers: the good one is clean, each bad arrangement is found."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from compline.evidence.locker import Locker
from compline.model import Completed, GapReason, Severity
from compline.scanners.stores.postgresql.queries import QUERIES

SIGNED = {"encrypted": True, "by": "ann", "on": "2025-11-30"}
GOOD_POLICY = {
    "attested": {"disk": SIGNED, "backups": SIGNED},
    "roles_without_expiry": ["postgres"],
    "audit_libraries": [],
    "labels": {"public.feat*": "training"},
    "readers": {"training": ["etl"]},
    "accounts": ["etl"],
    "roles": ["postgres", "compline_reader", "etl"],
    "grants": {"etl": {"public.features": ["SELECT", "INSERT"], "schema:public": ["USAGE"]}},
}


def test_a_server_in_order_is_clean_and_wholly_seen(good: Any, look_at: Any) -> None:
    look = look_at(url=good.url(), policy=GOOD_POLICY)

    assert look.outcome == Completed((), ())
    assert look.warnings == ()
    assert look.revision == "2026-01-01T00:00:00+00:00"
    assert look.tool_version.startswith("great-expectations 1.24")


def test_everything_wrong_is_found(bad: Any, look_at: Any, found: Any) -> None:
    policy = {
        "encrypted_at_rest": False,
        "attested": {"backups": {"encrypted": True, "by": "ann", "on": "2024-12-31"}},
        "roles": ["postgres"],
        "grants": {"pipeline": {"public.output": ["SELECT"]}},
        "labels": {"public.people": "personal", "public.sal*": "personal", "old.*": "training"},
        "readers": {"personal": ["crm"]},
        "accounts": ["pipeline", "gone"],
    }

    look = look_at(url=bad.url(), policy=policy)

    high, medium, low = Severity.HIGH, Severity.MEDIUM, Severity.LOW
    assert found(look) == {
        ("tls-disabled", "setting/ssl"): high,
        ("weak-tls-version", "setting/ssl_min_protocol_version"): medium,
        ("connection-without-tls", "connection/postgres"): high,
        ("tls-not-enforced", "hba/host all all 0.0.0.0/0"): high,
        ("tls-not-enforced", "hba/host all all 10.0.0.0/8"): high,
        ("tls-not-enforced", "hba/host all all 10.1.0.0/16"): high,
        ("tls-not-enforced", "hba/hostnossl all all 10.2.0.0/16"): high,
        ("tls-not-enforced", "hba/host all all 10.3.0.0/16"): high,
        ("unencrypted-at-rest", "attestation/disk"): high,
        ("attestation-unsigned", "attestation/disk"): low,
        ("attestation-old", "attestation/backups"): medium,
        ("connections-not-logged", "setting/log_connections"): medium,
        ("statements-not-logged", "setting/log_statement"): medium,
        ("audit-not-loaded", "setting/shared_preload_libraries"): low,
        ("password-policy-not-visible", "setting/shared_preload_libraries"): low,
        ("role-without-expiry", "role/postgres"): low,
        ("role-without-expiry", "role/analyst"): low,
        ("role-without-expiry", "role/boss"): low,
        ("role-without-expiry", "role/pipeline"): low,
        ("undeclared-role", "role/pipeline"): medium,
        ("no-row-security", "table/public.people"): medium,
        ("no-row-security", "table/public.salaries"): medium,
        ("labelled-data-beyond-readers", "table/public.people/role/PUBLIC"): high,
        ("labelled-data-beyond-readers", "table/public.salaries/role/readers"): high,
        ("undeclared-read-grant", "table/public.salaries/role/readers"): medium,
        ("labelled-data-through-membership", "membership/readers/pipeline/personal"): high,
        ("label-without-table", "label/old.*"): low,
        ("account-missing", "account/gone"): low,
        # Granted on one column, to a role that it is a member of.
        ("account-holds-more", "account/pipeline/public.salaries"): high,
        ("account-powers", "account/pipeline"): high,
        ("trust-authentication", "hba/host all all 0.0.0.0/0"): Severity.CRITICAL,
        ("local-trust-authentication", "hba/host all all 127.0.0.1/32"): medium,
        ("local-trust-authentication", "hba/local all all"): medium,
        ("cleartext-password-authentication", "hba/host all all 10.0.0.0/8"): high,
        ("md5-authentication", "hba/host all all 10.1.0.0/16"): medium,
        ("ident-authentication", "hba/hostnossl all all 10.2.0.0/16"): high,
        ("broken-authentication-rule", "hba/line-9"): medium,
        ("weak-password-encryption", "setting/password_encryption"): medium,
        ("unexpected-superuser", "role/boss"): high,
        ("bypasses-row-security", "role/analyst"): high,
        ("undeclared-role", "role/analyst"): medium,
        ("undeclared-role", "role/boss"): medium,
        ("undeclared-role", "role/compline_reader"): medium,
        ("privileged-membership", "membership/boss/helper"): high,
        ("privileged-membership", "membership/pg_read_all_data/helper"): high,
        ("public-schema-write", "schema/public/PUBLIC"): high,
        ("public-schema-usage", "schema/public/PUBLIC"): low,
        ("public-table-read", "table/public.people/PUBLIC"): high,
        ("public-table-write", "table/public.people/PUBLIC"): Severity.CRITICAL,
        ("undeclared-schema-grant", "schema/lab/role/analyst"): medium,
        ("undeclared-read-grant", "table/lab.everyone/role/analyst"): medium,
        ("undeclared-write-grant", "table/lab.everyone/role/analyst"): high,
    }
    assert look.outcome.gaps == ()


def test_what_may_be_is_said_in_the_policy(bad: Any, look_at: Any, found: Any) -> None:
    policy = {
        "attested": {"disk": SIGNED, "backups": SIGNED},
        "roles_without_expiry": ["postgres", "boss", "analyst", "pipeline"],
        "audit_libraries": [],
        "password_libraries": [],
        "labels": {"public.people": "personal", "public.sal*": "pay"},
        "readers": {"personal": ["PUBLIC"], "pay": ["read*", "pipeline"]},
        "row_security": [],
        "accounts": ["pipeline"],
        "account_powers": {"pipeline": ["createdb", "owner"]},
        "superusers": ["postgres", "boss"],
        "bypass_row_security": ["analyst"],
        "privileged_members": ["helper"],
        "roles": ["postgres", "boss", "analyst", "compline_reader", "pipeline"],
        "grants": {
            "pipeline": {"public.salaries": ["SELECT"]},
            "readers": {"public.salaries": ["SELECT"]},
            "analyst": {"lab.*": ["select", "UPDATE"], "schema:lab": ["USAGE", "CREATE"]},
            "PUBLIC": {"public.people": ["SELECT"], "schema:public": ["USAGE"]},
        },
    }

    rules = {rule for rule, _ in found(look_at(url=bad.url(), policy=policy))}

    assert "public-table-write" in rules  # DELETE is not in the policy
    assert not rules & {
        "unexpected-superuser", "bypasses-row-security", "privileged-membership",
        "undeclared-role", "undeclared-schema-grant", "undeclared-read-grant",
        "undeclared-write-grant", "public-table-read", "public-schema-usage",
        "unencrypted-at-rest", "encryption-at-rest-undeclared", "access-policy-undeclared",
        "attestation-unsigned", "attestation-old", "role-without-expiry", "audit-not-loaded",
        "password-policy-not-visible", "no-row-security", "labelled-data-beyond-readers",
        "labelled-data-through-membership",
        "label-without-table", "account-missing", "account-holds-more", "account-powers",
    }  # fmt: skip


def test_without_a_policy_it_says_what_nobody_checks(good: Any, look_at: Any, found: Any) -> None:
    look = look_at(url=good.url())

    assert found(look) == {
        ("encryption-at-rest-undeclared", "attestation/backups"): Severity.MEDIUM,
        ("encryption-at-rest-undeclared", "attestation/disk"): Severity.MEDIUM,
        ("audit-not-loaded", "setting/shared_preload_libraries"): Severity.LOW,
        ("role-without-expiry", "role/postgres"): Severity.LOW,
        ("access-policy-undeclared", "policy/labels"): Severity.LOW,
        ("access-policy-undeclared", "policy/grants"): Severity.LOW,
        ("access-policy-undeclared", "policy/roles"): Severity.LOW,
    }
    assert "undeclared-role" in look.warnings[0]


def test_a_refused_part_is_a_gap_and_the_rest_is_judged(good: Any, look_at: Any) -> None:
    look = look_at(url=good.url("etl"), policy=GOOD_POLICY)

    assert look.outcome.observations == ()
    hba, *settings = look.outcome.gaps
    assert (hba.reason, hba.path) == (GapReason.FORBIDDEN, "hba/")
    assert "GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules()" in hba.detail
    assert hba.covers("hba/host all all 0.0.0.0/0")
    # The server hides these without an error.
    assert [(gap.reason, gap.path) for gap in settings] == [
        (GapReason.FORBIDDEN, f"setting/{name}")
        for name in (
            "session_preload_libraries", "shared_preload_libraries", "ssl_ciphers",
            "ssl_min_protocol_version",
        )
    ]  # fmt: skip


def test_the_evidence_holds_the_rows_and_no_secret(bad: Any, look_at: Any, scene: Any) -> None:
    look = look_at(url=bad.url())

    evidence = Locker(scene.home / "evidence").get(look.evidence[0])
    frames = json.loads(evidence)["frames"]
    assert {row["name"] for row in frames["settings"]} >= {"ssl", "password_encryption"}
    radius = next(row for row in frames["hba"] if row["method"] == "radius")
    assert radius["options"] == "radiusservers radiussecrets"
    assert b"hidden" not in evidence
    assert b"for@tests" not in evidence
    assert "hidden" not in repr(look)


def test_the_session_cannot_write(
    good: Any, look_at: Any, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        QUERIES,
        "settings",
        "CREATE TABLE public.trace (id int)",
    )

    error = error_of(look_at(url=good.url("postgres")))

    assert "cannot execute CREATE TABLE in a read-only transaction" in error


def test_other_peoples_objects_do_not_stand_in_for_the_catalogue(good: Any, look_at: Any) -> None:
    """A role's search_path may be set by an attacker; ours is fixed."""
    good.run(
        "CREATE SCHEMA trap",
        "GRANT USAGE ON SCHEMA trap TO compline_reader",
        "CREATE FUNCTION trap.coalesce_name(text) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
        "CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = pg_catalog.oidne)",
        "ALTER ROLE compline_reader SET search_path = trap, pg_catalog",
    )
    try:
        policy = {**GOOD_POLICY, "grants": {
            **GOOD_POLICY["grants"],  # type: ignore[dict-item]
            "compline_reader": {"schema:trap": ["USAGE"]}}}  # fmt: skip
        assert look_at(url=good.url(), policy=policy).outcome == Completed((), ())
    finally:
        good.run(
            "ALTER ROLE compline_reader RESET search_path",
            "DROP SCHEMA trap CASCADE",
        )


def test_names_of_hostile_objects_stay_in_one_line(good: Any, look_at: Any, found: Any) -> None:
    good.run('CREATE ROLE "x\n\x1b[31m" SUPERUSER')
    try:
        rules = found(look_at(url=good.url(), policy=GOOD_POLICY))
    finally:
        good.run('DROP ROLE "x\n\x1b[31m"')

    assert rules == {("unexpected-superuser", "role/x\\u000a\\u001b[31m"): Severity.HIGH}


def test_more_rows_than_the_limit_are_a_gap(
    good: Any, look_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every server has a dozen predefined roles, so that only their list is cut here."""
    monkeypatch.setattr("compline.scanners.stores.postgresql.queries.ROW_LIMIT", 10)

    look = look_at(url=good.url(), policy=GOOD_POLICY)

    assert [(gap.reason, gap.path) for gap in look.outcome.gaps] == [
        (GapReason.TRUNCATED, f"{place}/") for place in ("account", "membership", "role")
    ]


def test_a_wrong_password_is_failed_and_not_repeated(
    good: Any, look_at: Any, error_of: Any
) -> None:
    url = good.url().replace("a%2Fpassword%3A", "wrong%2Fand%3Asecret")

    look = look_at(url=url)

    assert "password authentication failed" in error_of(look)
    assert "secret" not in repr(look)


def test_a_table_grant_to_public_on_a_good_server(good: Any, look_at: Any, found: Any) -> None:
    """One thing goes wrong, one thing is found; it is mended, and gone."""
    good.run("GRANT SELECT ON public.features TO PUBLIC")
    try:
        worse = found(look_at(url=good.url(), policy=GOOD_POLICY))
    finally:
        good.run("REVOKE SELECT ON public.features FROM PUBLIC")

    assert worse == {
        ("public-table-read", "table/public.features/PUBLIC"): Severity.HIGH,
        ("labelled-data-beyond-readers", "table/public.features/role/PUBLIC"): Severity.HIGH,
    }
    assert found(look_at(url=good.url(), policy=GOOD_POLICY)) == {}


def test_only_reading_statements_reach_the_server(good: Any, look_at: Any) -> None:
    good.run("ALTER ROLE compline_reader SET log_statement = 'all'")
    log = good.folder / "log"
    before = log.stat().st_size
    try:
        look_at(url=good.url(), policy=GOOD_POLICY)
    finally:
        good.run("ALTER ROLE compline_reader RESET log_statement")

    sent = [
        line.split("statement: ", 1)[1] if "statement: " in line else line.split(">: ", 1)[1]
        for line in log.read_text()[before:].splitlines()
        if "statement: " in line or "execute <unnamed>: " in line
    ]
    words = {statement.split()[0] for statement in sent if statement.strip()}
    assert words <= {"SELECT", "SET", "BEGIN", "SAVEPOINT", "RELEASE", "COMMIT", "ALTER", '"'}
    with psycopg.connect(good.url()) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'compline'"
        ).fetchone() == (0,)
