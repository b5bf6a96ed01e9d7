"""A store of a million open findings with five million events, made set-based in the database.

Skewed as real ones are: the largest of a thousand targets has a tenth of all findings, most are
code and dependencies, severities differ by kind, a tenth is seen by two scanners, some are held,
in gaps, waived, stale, resolved or merged. What it makes must pass `compline db check`.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from compline.store.handle import Store
from compline.store.schema import (
    events,
    findings,
    runs,
    scan_keys,
    targets,
    waivers,
    witnesses,
)
from compline.store.summary import summarise

T0 = datetime(2026, 1, 1, 2, tzinfo=UTC)
NIGHTS = 60
SCANNED = 31
"""The night from which the ledger stands: it looked, and the later ones reuse it."""
_SCANNERS = (
    *("bandit", "semgrep", "pip-audit", "trivy", "trivy-image"),
    *("registry-permissions", "data-expectations"),
)


_PRIMES = (7919, 104729, 15485863, 32452843, 49979687)


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    open: int = 1_000_000
    resolved: int = 150_000
    merged: int = 10_000
    events: int = 5_000_000
    targets: int = 1_000

    @property
    def findings(self) -> int:
        """All rows."""
        return self.open + self.resolved + self.merged


def fill(store: Store, size: Size) -> None:
    """Makes all of it in an empty store."""
    indexes = [index for table in (findings, witnesses, events) for index in table.indexes]
    with store.writing() as connection:
        if store.dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA cache_size = -1000000")  # of this connection only
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.create_function("md5", 1, _md5, deterministic=True)
        for index in indexes:  # filled in one go at the end
            index.drop(connection)
        _looks(connection, size)
        cursor = connection.connection.cursor()
        script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
        for statement in _in_dialect(store.dialect, script, _numbers(size)).split(";\n"):
            if statement.strip():
                cursor.execute(statement)  # by the driver: percent signs are no parameters
        for index in indexes:
            index.create(connection)
        for target in range(1, size.targets + 1):
            summarise(connection, target, ())
    settle(store)


def settle(store: Store) -> None:
    """What the database's own upkeep does in time: statistics, and PostgreSQL's vacuum."""
    if store.dialect == "postgresql":
        engine = store._engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def bytes_on_disk(store: Store) -> dict[str, int]:
    """By table with its indexes, and in all."""
    with store.reading() as connection:
        if store.dialect == "sqlite":
            pages = connection.exec_driver_sql(
                "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat('main', 1) d"
                " JOIN sqlite_schema s ON s.name = d.name GROUP BY 1"
            )
            found = {name: int(size) for name, size in pages}
        else:
            tables = connection.exec_driver_sql(
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace"
            )
            found = {name: int(size) for name, size in tables}
    return dict(sorted(found.items(), key=lambda item: -item[1])) | {"all": sum(found.values())}


def _md5(value: object) -> str:
    return hashlib.md5(str(value).encode(), usedforsecurity=False).hexdigest()


def _numbers(size: Size) -> Mapping[str, int]:
    more = size.events - size.findings - size.resolved - 2 * size.merged
    return {
        "rows": size.findings,
        "open": size.open,
        "known": size.open + size.resolved,
        "targets": size.targets,
        "nights": NIGHTS,
        "scanned": SCANNED,
        # Nineteen of twenty findings have moved once or twice, the twentieth so often.
        "often": max(1, round(20 * more / size.findings - 28.5)),
    }


def _looks(connection: Connection, size: Size) -> None:
    """Targets, runs and ScanKeys: few rows."""
    connection.execute(
        insert(targets),
        [
            {
                "id": number,
                "name": f"target-{number}",
                "kind": "repository",
                "locator": f"https://git.example.org/target-{number}",
                "ref": "main",
                "labels": {"team": f"team-{number % 40}"},
                "state": "listed",
                "version": 1,
                "first_seen": T0,
            }
            for number in range(1, size.targets + 1)
        ],
    )
    connection.execute(
        insert(runs),
        [
            {
                "id": number,
                "kind": "nightly",
                "key": f"night {number}",
                "parameters": {},
                "started": T0 + timedelta(days=number),
                "finished": T0 + timedelta(days=number, hours=1),
                "result": "findings",
                "summary": {},
            }
            for number in range(1, NIGHTS + 1)
        ],
    )
    connection.execute(
        insert(scan_keys),
        [
            {
                "digest": hashlib.sha256(name.encode()).hexdigest(),
                "tool": name,
                "adapter": "1",
                "rules": "",
                "options": "",
                "advisories": "",
            }
            for name in _SCANNERS
        ],
    )
    connection.execute(
        insert(waivers),
        {
            "id": "WVR-000000000001",
            "source": "file",
            "key": "benchmark",
            "selector": {"rule": "python.exec-used"},
            "reason": "sandboxed",
            "owner": "ml-platform",
            "requester": "ml-platform",
            "approver": "security",
            "origin": {},
            "created_at": T0,
            "expires_at": T0 + timedelta(days=300),
            "state": "active",
            "ended_by": "",
        },
    )
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT setval('runs_id_seq', {NIGHTS})")
        connection.exec_driver_sql(f"SELECT setval('targets_id_seq', {size.targets})")


def _in_dialect(dialect: str, script: str, numbers: Mapping[str, int]) -> str:
    """The script with its numbers, and with the few words that databases have different."""
    place = "((n - CASE WHEN n > :known THEN :known ELSE 0 END + 17) * 7919 % 1000000 / 100)"
    script = script.replace("@PLACE", place)
    for number, prime in enumerate(_PRIMES):
        # 0 to 999,999 from the finding's number, another for each use.
        script = script.replace(f"@DICE{number}", f"((n + 17) * {prime} % 1000000)")
    words: dict[str, Any] = {
        "sqlite": {
            "@SERIES": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s"
            " WHERE n < :rows) SELECT n FROM s) AS s",
            "@STEPS": "(WITH RECURSIVE s(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM s"
            " WHERE k < 100) SELECT k FROM s) AS steps",
            "@JSON": "",
            "@TRUE": "1",
            "@FALSE": "0",
        },
        "postgresql": {
            "@SERIES": "generate_series(1::bigint, :rows) AS s(n)",
            "@STEPS": "generate_series(1, 100) AS steps(k)",
            "@JSON": "::json",
            "@TRUE": "true",
            "@FALSE": "false",
            "md5(": "md5('' || ",
        },
    }[dialect]
    for word, value in words.items():
        script = script.replace(word, value)
    return re.sub(r"(?<!:):([a-z]+)\b", lambda match: str(numbers[match[1]]), script)
