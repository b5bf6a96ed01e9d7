"""A role that may read personal data lets its members read it: who comes in through others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from compline.model import Severity

ROLES = (
    "crm",
    "analysts",
    "ann",
    "bob",
    "carl",
    "dora",
    "emil",
    "fay",
    "gus",
    "ida",
    "keeper",
    "team",
)
LOGINS = ROLES[2:-2]
RULE = "labelled-data-through-membership"


@pytest.fixture
def crm(good: Any) -> Iterator[Any]:
    """Two labelled tables that crm and etl may read, and everybody's way to be a member."""
    good.run(
        *(f"CREATE ROLE {role}" for role in ROLES),
        *(f"ALTER ROLE {role} LOGIN VALID UNTIL '2099-01-01'" for role in LOGINS),
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.people (id int)",
        "CREATE TABLE crm.orders (id int)",
        "ALTER TABLE crm.people ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE crm.orders ENABLE ROW LEVEL SECURITY",
        "GRANT SELECT ON crm.people, crm.orders TO crm",
        "GRANT SELECT ON crm.orders TO gus",
        "ALTER TABLE crm.orders OWNER TO keeper",
        "GRANT crm TO ann",
        "GRANT crm TO analysts",
        "GRANT analysts TO team",
        "GRANT team TO bob",
        "GRANT crm TO carl WITH INHERIT FALSE, SET TRUE",
        "GRANT crm TO dora WITH INHERIT FALSE, SET FALSE",
        "GRANT crm TO emil WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
        "GRANT crm TO fay",
        "GRANT crm TO gus",
        "GRANT keeper TO ida",
    )
    yield good
    good.run("DROP SCHEMA crm CASCADE", f"DROP ROLE {', '.join(ROLES)}")


def policy(*readers: str) -> dict[str, Any]:
    signed = {"encrypted": True, "by": "ann", "on": "2025-11-30"}
    return {
        "attested": {"disk": signed, "backups": signed},
        "roles_without_expiry": ["postgres"],
        "audit_libraries": [],
        "labels": {"crm.*": "personal"},
        "readers": {"personal": ["crm", *readers]},
        "roles": ["postgres", "compline_reader", "etl", *LOGINS],
        "grants": {
            "etl": {"public.features": ["SELECT", "INSERT"], "schema:public": ["USAGE"]},
            "crm": {"crm.*": ["SELECT"]},
            "gus": {"crm.orders": ["SELECT"]},
        },
    }


def test_members_of_an_allowed_role_must_be_allowed_too(crm: Any, look_at: Any, found: Any) -> None:
    look = look_at(url=crm.url(), policy=policy("fay"))

    high = Severity.HIGH
    assert found(look) == {
        (RULE, "membership/crm/ann/personal"): high,
        (RULE, "membership/crm/bob/personal"): high,  # through two that nobody can log in as
        (RULE, "membership/crm/carl/personal"): high,  # by SET ROLE
        (RULE, "membership/crm/emil/personal"): high,  # may give it to itself
        (RULE, "membership/crm/gus/personal"): high,  # people; orders are its own grant's matter
        (RULE, "membership/keeper/ida/personal"): high,  # the owner's rights
        ("labelled-data-beyond-readers", "table/crm.orders/role/gus"): high,
    }
    rows = {o.subject: dict(o.details) for o in look.outcome.observations}
    ann, gus = (rows[f"membership/crm/{name}/personal"] for name in ("ann", "gus"))
    assert (ann["tables"], ann["example"]) == ("2", "crm.orders")
    assert (gus["tables"], gus["example"]) == ("1", "crm.people")

    everybody = policy("fay", "ann", "bob", "carl", "emil", "gus", "ida")
    assert found(look_at(url=crm.url(), policy=everybody)) == {}


@pytest.mark.parametrize(("role", "reads"), [("ann", True), ("bob", True), ("dora", False)])
def test_the_server_agrees_on_who_reads(crm: Any, role: str, reads: bool) -> None:
    with psycopg.connect(crm.url("postgres"), autocommit=True) as connection:
        answer = connection.execute(
            "SELECT has_table_privilege(%s, 'crm.people', 'SELECT')", (role,)
        ).fetchone()

    assert answer == (reads,)


def test_whoever_is_no_member_any_more_is_gone(crm: Any, look_at: Any, found: Any) -> None:
    allowed = policy("carl", "emil", "fay", "gus", "ida")
    assert len(found(look_at(url=crm.url(), policy=allowed))) == 2

    crm.run("REVOKE crm FROM ann", "REVOKE team FROM bob")

    assert found(look_at(url=crm.url(), policy=allowed)) == {}


def test_members_of_members_of_powerful_roles(crm: Any, look_at: Any, found: Any) -> None:
    crm.run("GRANT pg_read_all_data TO analysts")
    allowed = {**policy("*"), "privileged_members": ["analysts", "team"]}

    found_ = found(look_at(url=crm.url(), policy=allowed))

    assert found_ == {("privileged-membership", "membership/pg_read_all_data/bob"): Severity.HIGH}
    allowed["privileged_members"].append("bob")
    assert found(look_at(url=crm.url(), policy=allowed)) == {}
