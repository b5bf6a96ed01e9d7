"""However many tables there are, the server is asked the same few questions."""

from __future__ import annotations

from typing import Any

from compline.model import Completed

TABLES = 400


def statements(server: Any, look: Any) -> int:
    """How many statements of ours the server has logged for a look."""
    server.run("ALTER ROLE compline_reader SET log_statement = 'all'")
    log = server.folder / "log"
    before = log.stat().st_size
    try:
        assert isinstance(look().outcome, Completed)
    finally:
        server.run("ALTER ROLE compline_reader RESET log_statement")
    lines = log.read_text()[before:].splitlines()
    return sum("statement: " in line or "execute " in line for line in lines)


def test_many_tables_cost_no_more_questions(good: Any, look_at: Any, found: Any) -> None:
    def look() -> Any:
        policy = {"labels": {"many.*": "personal"}, "grants": {}, "accounts": ["etl"]}
        return look_at(url=good.url(), policy=policy)

    few = statements(good, look)
    good.run(
        "CREATE SCHEMA many",
        f"""DO $$ BEGIN FOR i IN 1..{TABLES} LOOP
            EXECUTE format('CREATE TABLE many.t%s (id int)', i);
            EXECUTE format('GRANT SELECT, UPDATE ON many.t%s TO etl', i);
        END LOOP; END $$""",
    )
    try:
        many = statements(good, look)
        rules = [rule for rule, _ in found(look())]
    finally:
        good.run("DROP SCHEMA many CASCADE")

    assert few == many <= 35
    assert rules.count("no-row-security") == TABLES
    assert rules.count("labelled-data-beyond-readers") == TABLES
    # Besides those on the server's own table, reading and writing in one, and its schema.
    assert rules.count("account-holds-more") == TABLES + 2
