"""The grant scripts of the documentation, run as they stand: they are enough, and cannot write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from compline.model import Completed, GapReason

DOCS = Path(__file__).parents[4] / "docs" / "checks"
PASSWORD = "made-by-the-script"
CRM = {"tables": ["crm.*"], "rows": 100}


def documented(page: str) -> list[str]:
    """The statements of a page's grant script, with a password."""
    (script,) = re.findall(r"```sql\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    text = script.replace("'...'", f"'{PASSWORD}'")
    return [part.strip() for part in text.split(";") if part.strip()]


@contextmanager
def prepared(server: Any, *leave_out: str) -> Iterator[str]:
    """The account of the script, without the grants that are left out; gives its URL."""
    script = [s for s in documented("postgresql.md") if not any(word in s for word in leave_out)]
    server.run(*script)
    try:
        owner = server.url("postgres").split("@")[0]
        yield server.url("postgres").replace(owner, f"postgresql://compline:{PASSWORD}")
    finally:
        server.run("DROP OWNED BY compline", "DROP ROLE compline")


def test_the_script_is_enough_to_see_everything(
    good: Any, bad: Any, look_at: Any, found: Any
) -> None:
    for server in (good, bad):
        with prepared(server) as url:
            outcome = look_at(url=url).outcome
            seen = found(look_at(url=url))
            by_superuser = found(look_at(url=server.url("postgres")))

        assert isinstance(outcome, Completed)
        assert outcome.gaps == ()
        assert seen == by_superuser


@pytest.mark.parametrize(
    ("missing", "places"),
    [
        ("GRANT pg_read_all_settings", {"setting/ssl_min_protocol_version", "setting/ssl_ciphers"}),
        ("GRANT SELECT ON pg_hba", {"hba/"}),
        ("GRANT EXECUTE", {"hba/"}),
    ],
)
def test_each_grant_of_the_script_is_needed(
    good: Any, look_at: Any, missing: str, places: set[str]
) -> None:
    with prepared(good, missing) as url:
        outcome = look_at(url=url).outcome

    assert isinstance(outcome, Completed)
    assert places <= {gap.path for gap in outcome.gaps if gap.reason == GapReason.FORBIDDEN}


def test_a_library_that_is_loaded_is_seen(good: Any, look_at: Any, found: Any) -> None:
    """No wheel has pgaudit: another library stands for it, asked for by the policy."""
    rules = []
    for wanted in ("passwordcheck", "pgaudit"):
        policy = {"audit_libraries": [wanted], "password_libraries": [wanted]}
        with prepared(good) as url:
            seen = found(look_at(url=url, policy=policy))
        rules.append({rule for rule, place in seen if place == "setting/shared_preload_libraries"})

    assert rules == [set(), {"audit-not-loaded", "password-policy-not-visible"}]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.x (id int)",
        "INSERT INTO public.features VALUES (1)",
        "SELECT id FROM public.features",
        "CREATE ROLE x",
        "ALTER SYSTEM SET ssl = off",
    ],
)
def test_the_account_can_neither_write_nor_read_tables(good: Any, statement: str) -> None:
    """Not even where it switches its own read-only setting off."""
    with (
        prepared(good) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        with pytest.raises(
            (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
        ):
            connection.execute(statement)
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_script_for_column_content_is_enough(
    good: Any, look_into: Callable[..., Any], found: Any, error_of: Any
) -> None:
    good.run(
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.people AS SELECT 'p' || i || '@example.org' AS mail"
        " FROM generate_series(1, 50) AS i",
    )
    try:
        with prepared(good) as url:
            closed = look_into(url=url, content=CRM)
            good.run(*documented("column-content.md"))
            look = look_into(url=url, content=CRM)
    finally:
        good.run("DROP SCHEMA crm CASCADE")

    assert "column/crm.people/: it cannot be read (InsufficientPrivilege)" in error_of(closed)
    assert set(found(look)) == {("personal-data", "column/crm.people/mail/e-mail address")}
    assert look.outcome.gaps == ()
