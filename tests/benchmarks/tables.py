"""A PostgreSQL server of many tables, grants and labels: one look's calls, seconds and findings."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.sql import SQL, Identifier, Literal
from running import coverage, findings, scan, write_config

ROLES, SCHEMAS, GRANTS = 8, 20, 4
BOUND_SECONDS = 120.0


def arrange(url: str, tables: int) -> None:
    """So many tables in 20 schemas, each granted to four of eight roles; one in 20 is bad."""
    with psycopg.connect(url, autocommit=True) as connection:
        for number in (*range(ROLES), 9):
            connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(f"reader_{number}")))
        for number in range(SCHEMAS):
            connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(f"s{number}")))
        for first in range(0, tables, 500):
            connection.execute(
                SQL("""DO $$ DECLARE t text; BEGIN FOR i IN {}..{} LOOP
                    t := format('s%s.t%s', i % {}, i);
                    EXECUTE format('CREATE TABLE %s (id int, name text)', t);
                    FOR k IN 0..{} LOOP
                        EXECUTE format('GRANT SELECT, UPDATE ON %s TO reader_%s', t, (i + k) % {});
                    END LOOP;
                    IF (i / 20) % 20 = 0 THEN
                        EXECUTE format('GRANT SELECT, DELETE ON %s TO PUBLIC, reader_9', t);
                    ELSE
                        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
                    END IF;
                END LOOP; END $$""").format(
                    *map(Literal, (first, min(first + 500, tables) - 1, SCHEMAS, GRANTS - 1, ROLES))
                )
            )


def policy() -> dict[str, Any]:
    """What is allowed in it."""
    return {
        "labels": {"s1.*": "personal", "s*": "training"},
        "readers": {"personal": ["reader_[0-7]"], "training": ["reader_[0-7]"]},
        "grants": {f"reader_{number}": {"s*": ["SELECT", "UPDATE"]} for number in range(ROLES)},
        "accounts": ["reader_1"],
    }


def many_tables(server: str, url: str, home: Path, tables: int) -> dict[str, Any]:
    """A cold and a second `compline scan` of such a server.

    Args:
        server: the server's own address, whose `host` is the folder that holds its log.
        url: of an empty database in it.
        home: an empty folder.
        tables: how many.
    """
    arrange(url, tables)
    config = write_config(home, [])
    raw = yaml.safe_load(config.read_text())
    raw["targets"]["data_stores"] = [
        {"name": "many", "kind": "postgresql", "url": "env:MANY_TABLES_URL", "policy": policy()}
    ]
    raw["scanners"] = {"data-expectations": {"seconds": 120}}
    config.write_text(yaml.safe_dump(raw))
    os.environ["MANY_TABLES_URL"] = url
    log = Path(server.partition("host=")[2]) / "log"
    before = log.stat().st_size
    seconds, peak = scan(config, home / "scan.log")
    sent = [line for line in log.read_text()[before:].splitlines() if "compline:" in line]
    again, _ = scan(config, home / "scan.log")
    (row,) = (one for one in coverage(config) if one["scanner"] == "data-expectations")
    everything = findings(config)
    if row["outcome"] != "completed" or row["gaps"] or not everything:
        raise SystemExit(f"the look is not whole: {row}")
    return {
        "tables": tables,
        "statements": len(sent),
        "seconds": seconds,
        "second night, seconds": again,
        "peak_mib": peak >> 20,
        "findings": len(everything),
        **{
            f"findings of {rule}": n
            for rule, n in Counter(one["rule"] for one in everything).most_common(4)
        },
    }
