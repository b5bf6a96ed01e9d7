"""Columns of a real PostgreSQL server: sampled, counted, and gaps where it may not look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compline.model import Completed, GapReason
from compline.scanners.stores.content import sample

HASHED = {"vault.*.digest": "hashed", "vault.closed.n": "hashed"}
CONTENT = {"tables": ["vault.*"], "columns": HASHED, "rows": 100}


@pytest.fixture(scope="module")
def vault(good: Any) -> Iterator[Any]:
    """A schema of tables: good, bad, closed, open in part, and with row security."""
    good.run(
        "CREATE SCHEMA vault",
        "GRANT USAGE ON SCHEMA vault TO compline_reader",
        "CREATE TABLE vault.good AS SELECT sha256(i::text::bytea) AS digest, i AS n"
        " FROM generate_series(1, 60000) AS i",
        "CREATE TABLE vault.bad AS SELECT 'plain-canary-' || i AS digest,"
        " 'p' || i || '@canary.example.org' AS mail FROM generate_series(1, 200) AS i",
        "CREATE TABLE vault.closed AS SELECT 1 AS n",
        "CREATE TABLE vault.rows_hidden AS SELECT 'x@canary.example.org' AS mail",
        "CREATE TABLE vault.partly AS SELECT 'p' || i || '@example.org' AS mail, i AS n"
        " FROM generate_series(1, 50) AS i",
        "GRANT SELECT (mail) ON vault.partly TO compline_reader",
        "ALTER TABLE vault.rows_hidden ENABLE ROW LEVEL SECURITY",
        "ANALYZE vault.good",
        "GRANT SELECT ON vault.good, vault.bad, vault.rows_hidden TO compline_reader",
    )
    yield good
    good.run("DROP SCHEMA vault CASCADE")


def test_columns_are_sampled_and_judged(vault: Any, look_into: Any, found: Any) -> None:
    look = look_into(url=vault.url(), content=CONTENT)

    assert set(found(look)) == {
        ("not-hashed", "column/vault.bad/digest"),
        ("personal-data", "column/vault.bad/mail/e-mail address"),
        ("personal-data", "column/vault.partly/mail/e-mail address"),
    }
    assert {(gap.reason, gap.path) for gap in look.outcome.gaps} == {
        (GapReason.FORBIDDEN, "column/vault.closed/"),
        (GapReason.NOT_REPORTED, "column/vault.closed/n"),
        (GapReason.FORBIDDEN, "column/vault.partly/n"),
        (GapReason.FORBIDDEN, "column/vault.rows_hidden/"),
    }
    assert "canary" not in repr(look)


def test_a_sample_is_no_whole_table(vault: Any) -> None:
    drawn = sample.of_postgresql(vault.url(), ["vault.good"], 100, 30)

    numbers = [int(value) for value in drawn.columns["vault.good.n"]]
    assert 0 < len(numbers) <= 100
    assert max(numbers) - min(numbers) > len(numbers)  # not the first rows
    assert "vault" not in repr(drawn)


def test_an_error_of_the_server_is_told_without_its_text(
    vault: Any, look_into: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such texts repeat values: `invalid input syntax for type integer: "..."`."""
    from psycopg import sql

    def broken(*_: Any) -> Any:
        return sql.SQL("SELECT mail::int FROM vault.bad")

    monkeypatch.setattr(sample, "_draw", broken)

    look = look_into(url=vault.url(), content={**CONTENT, "tables": ["vault.good"]})

    assert "canary" not in repr(look)
    assert not isinstance(look.outcome, Completed) or look.outcome.gaps


def test_time_that_runs_out_is_a_gap(
    vault: Any, look_into: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_TABLES", 1)

    look = look_into(url=vault.url(), content=CONTENT)

    seen = [(gap.reason, gap.path, gap.count) for gap in look.outcome.gaps]
    assert (GapReason.TOO_MANY, "column/", 4) in seen
