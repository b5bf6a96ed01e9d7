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
        for statement in (*_STATEMENTS, "DROP TABLE seed"):
            # By the driver: percent signs and colons in it are no parameters.
            cursor.execute(_in_dialect(store.dialect, statement, _numbers(size)))
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


def _in_dialect(dialect: str, statement: str, numbers: Mapping[str, int]) -> str:
    """The statement with its numbers, and with the few words that databases have different."""
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
        statement = statement.replace(word, value)
    return re.sub(r"(?<!:):([a-z]+)\b", lambda match: str(numbers[match[1]]), statement)


def _dice(number: int) -> str:
    """0 to 999,999 from the finding's number, another for each use."""
    return (
        f"(((n + 17) * {(7919, 104729, 15485863, 32452843, 49979687, 67867967)[number]}) % 1000000)"
    )


_PLACE = f"({_dice(0)} / 100)".replace(
    "(n + 17)", "(n - CASE WHEN n > :known THEN :known ELSE 0 END + 17)"
)
_STATEMENTS = (
    # The largest target has the cube root of 1/1000, a tenth; what is merged lies where the older is.
    f"""
    CREATE TEMPORARY TABLE seed AS SELECT s.n AS n,
      'CMP-' || upper(substr(md5(s.n), 1, 12)) AS id,
      1 + :targets * {_PLACE} * {_PLACE} * {_PLACE} / 1000000000000 AS target,
      CASE WHEN {_dice(1)} < 550000 THEN 'code' WHEN {_dice(1)} < 870000 THEN 'dependency'
        WHEN {_dice(1)} < 930000 THEN 'misconfiguration' WHEN {_dice(1)} < 965000 THEN 'license'
        WHEN {_dice(1)} < 990000 THEN 'secret' ELSE 'access' END AS kind,
      CASE WHEN {_dice(2)} < 40000 THEN 'critical' WHEN {_dice(2)} < 240000 THEN 'high'
        WHEN {_dice(2)} < 640000 THEN 'medium' WHEN {_dice(2)} < 900000 THEN 'low'
        WHEN {_dice(2)} < 960000 THEN 'info' ELSE 'unknown' END AS drawn,
      {_dice(3)} AS seen_by, {_dice(4)} AS luck,
      CASE WHEN s.n <= :open THEN 'open' WHEN s.n <= :known THEN 'resolved' ELSE 'merged' END AS fate,
      CASE WHEN s.n <= :open THEN 1 + s.n * (:nights - 1) / :open
        ELSE 1 + s.n % 30 END AS first_run
    FROM @SERIES
    """,
    "CREATE INDEX seed_n ON seed (n)",
    """
    CREATE TEMPORARY TABLE drawn AS SELECT seed.*,
      CASE WHEN kind = 'secret' THEN 'critical' WHEN kind = 'license' THEN 'low'
        ELSE drawn END AS severity,
      CASE WHEN kind = 'code' AND seen_by < 550000 THEN 'semgrep'
        WHEN kind = 'code' AND seen_by < 900000 THEN 'bandit'
        WHEN kind = 'code' THEN 'bandit semgrep'
        WHEN kind = 'dependency' AND seen_by < 450000 THEN 'pip-audit'
        WHEN kind = 'dependency' AND seen_by < 750000 THEN 'trivy'
        WHEN kind = 'dependency' AND seen_by < 900000 THEN 'trivy-image'
        WHEN kind = 'dependency' THEN 'pip-audit trivy'
        WHEN kind = 'access' AND seen_by < 500000 THEN 'registry-permissions'
        WHEN kind = 'access' THEN 'data-expectations'
        WHEN seen_by < 800000 THEN 'trivy' ELSE 'trivy-image' END AS scanners,
      CASE WHEN fate <> 'open' THEN 'gone' WHEN luck < 2000 THEN 'held'
        WHEN luck < 12000 THEN 'unseen' ELSE 'seen' END AS sight,
      CASE WHEN fate = 'open' AND luck >= 970000 THEN 1 ELSE 0 END AS is_waived
    FROM seed
    """,
    "DROP TABLE seed",
    """
    CREATE TEMPORARY TABLE seed AS SELECT drawn.*,
      CASE severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'unknown' THEN 3
        WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END AS rank
    FROM drawn
    """,
    "DROP TABLE drawn",
    "CREATE INDEX seed_number ON seed (n)",
    """
    INSERT INTO findings (id, target_id, kind, state, severity, rank, confidence, title, first_seen,
      first_revision, first_run, opened_run, opened_at, resolved_run, resolved_at, cause, merged_into,
      risk,
      due_at, waived_until, scanners, sight)
    SELECT seed.id, target, seed.kind, CASE fate WHEN 'resolved' THEN 'resolved' ELSE 'open' END,
      severity, rank, CASE WHEN luck % 3 = 0 THEN 'high' ELSE 'medium' END,
      CASE seed.kind WHEN 'code' THEN 'Text is run as code' WHEN 'dependency'
        THEN 'jinja2 2.11.2: a sandbox can be left by a format string' ELSE
        'The container runs as root and nothing says why' END,
      runs.started, substr(md5(first_run) || md5(target), 1, 40), first_run, first_run, runs.started,
      CASE fate WHEN 'resolved' THEN first_run + 30 END,
      CASE fate WHEN 'resolved' THEN ended.started END,
      CASE fate WHEN 'resolved' THEN 'code' ELSE '' END,
      CASE fate WHEN 'merged' THEN (SELECT id FROM seed older WHERE older.n = seed.n - :known) END,
      rank * 1000000 + CASE WHEN seed.kind = 'dependency' THEN luck % 1000 * 10 ELSE 0 END
        + CASE WHEN seed.kind = 'dependency' AND luck % 100 = 0 THEN 100000 ELSE 0 END + target % 4,
      CASE WHEN rank >= 2 THEN runs.started END,
      CASE WHEN is_waived = 1 THEN (SELECT expires_at FROM waivers) END,
      CASE fate WHEN 'merged' THEN '' ELSE scanners END, sight
    FROM seed JOIN runs ON runs.id = first_run JOIN runs ended ON ended.id = 1 + (first_run + 29) % 60
    """,
    """
    INSERT INTO witnesses (finding_id, target_id, scanner, state, key, observation, first_seen,
      first_revision, first_run, last_seen)
    SELECT seed.id, target, scanner, CASE fate WHEN 'resolved' THEN 'gone' ELSE sight END, md5(n),
      '{"scanner":"' || scanner || '","rule":"python.exec-used","kind":"' || seed.kind ||
      '","severity":"' || severity || '","confidence":"medium","title":"Text is run as code",' ||
      '"place":{"path":"service' || (n % 37) || '/module_' || (n % 977) || '.py","line":' || (n % 900) ||
      ',"end_line":' || (n % 900) || ',"column":5,"end_column":40,"symbol":"Service.load_' || (n % 50) ||
      '","blob":"' || substr(md5((n % 977)) || md5(target), 1, 40) || '"},' ||
      CASE WHEN seed.kind IN ('code', 'misconfiguration') THEN '' ELSE
        '"subject":"' || seed.kind || ':' || md5(n) || '",' END ||
      '"fingerprints":[["py-ast/1","' || md5(n) || '"],["tokens/1","' || md5(-n) || '"]],' ||
      '"cwe":["CWE-95"],"details":[["reference",' ||
      '"https://cwe.mitre.org/data/definitions/95"]]}',
      runs.started, substr(md5(first_run) || md5(target), 1, 40), first_run,
      CASE WHEN sight IN ('held', 'unseen') OR fate = 'resolved' THEN runs.started END
    FROM seed JOIN runs ON runs.id = first_run
      JOIN (SELECT DISTINCT tool AS scanner FROM scan_keys) known
        ON ' ' || seed.scanners || ' ' LIKE '% ' || scanner || ' %'
    WHERE fate <> 'merged' ORDER BY n
    """,
    """
    INSERT INTO events (finding_id, run_id, at, kind, data)
    SELECT seed.id, first_run, started, 'opened',
      ('{"scanners": ["semgrep"], "revision": "' || substr(md5(n) || md5(target), 1, 40) ||
      '", "severity": "' || severity || '", "cause": "code"}')@JSON
    FROM seed JOIN runs ON runs.id = first_run ORDER BY n
    """,
    """
    INSERT INTO events (finding_id, run_id, at, kind, data)
    SELECT seed.id, runs.id, started, 'resolved',
      ('{"scanner": "semgrep", "revision": "' || substr(md5(n) || md5(target), 1, 40) ||
      '", "path": "service/module.py", "cause": "code"}')@JSON
    FROM seed JOIN runs ON runs.id = first_run + 30 WHERE fate = 'resolved' ORDER BY n
    """,
    """
    INSERT INTO events (finding_id, run_id, at, kind, data)
    SELECT seed.id, runs.id, started, 'merged', ('{"into": "' || older.id || '"}')@JSON
    FROM seed JOIN seed older ON older.n = seed.n - :known JOIN runs ON runs.id = seed.first_run + 30
    WHERE seed.fate = 'merged'
    """,
    """
    INSERT INTO events (finding_id, run_id, at, kind, data)
    SELECT older.id, runs.id, started, 'merged', ('{"from": "' || seed.id || '"}')@JSON
    FROM seed JOIN seed older ON older.n = seed.n - :known JOIN runs ON runs.id = seed.first_run + 30
    WHERE seed.fate = 'merged'
    """,
    """
    INSERT INTO events (finding_id, run_id, at, kind, data)
    SELECT seed.id, runs.id, started, 'moved',
      ('{"from": "service' || (n % 37) || '/module_' || ((n + k) % 977) || '.py", "to": "service' ||
      (n % 37) || '/module_' || ((n + k + 1) % 977) || '.py"}')@JSON
    FROM seed CROSS JOIN @STEPS
      JOIN runs ON runs.id = CASE WHEN first_run + k < :nights THEN first_run + k ELSE :nights END
    WHERE k <= CASE WHEN n % 20 = 0 THEN :often ELSE 1 + n % 2 END ORDER BY n
    """,
    """
    INSERT INTO heads (target_id, scanner, outcome, run_id, looked_at, stale_advisories, held_lost,
      completed_at, scanned_run, revision, ref, scan_key, tool_version, advisory_date, sandbox,
      observations)
    SELECT target_id, scanner, 'completed', :nights, last.started, @FALSE, 0,
      CASE WHEN target_id % 97 = 0 THEN first.started ELSE last.started END, :scanned,
      substr(md5(target_id) || md5(-target_id), 1, 40), 'refs/heads/main', digest, '1.0', '', '',
      count(*)
    FROM witnesses JOIN scan_keys ON tool = scanner JOIN runs last ON last.id = :nights
      JOIN runs first ON first.id = :scanned
    GROUP BY target_id, scanner, last.started, first.started, digest
    """,
    """
    INSERT INTO ledger (run_id, target_id, scanner, outcome, result, reason, warnings, revision, ref,
      scan_key, tool_version, advisory_date, reused_from, sandbox, seconds, changed, fresh,
      observations, looked_at, recorded_at)
    SELECT runs.id, target_id, scanner, 'completed', 'recorded', '', '[]'@JSON, revision, ref,
      scan_key, tool_version, advisory_date, CASE WHEN runs.id > :scanned THEN :scanned END, '',
      0.0, 0.0, @FALSE, observations, started, started
    FROM heads CROSS JOIN runs WHERE runs.id >= :scanned
    """,
    """
    INSERT INTO waived (waiver_id, finding_id, since, rank, code, void_reason)
    SELECT waivers.id, seed.id, created_at, rank, '[]'@JSON, '' FROM seed CROSS JOIN waivers
    WHERE is_waived = 1
    """,
)
