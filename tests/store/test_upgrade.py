"""A store of an earlier version with data in it: after the upgrade everything is there and holds.

`schema_0001.json` holds every row of a store that the first version wrote (commit bd1c636) in some
nights of two targets: findings opened, resolved, reopened, merged, in a gap and held, failed and
reused looks, an ad hoc run, deliveries in every state.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    Boolean,
    Connection,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    create_engine,
    insert,
    select,
    text,
)

from compline.model import State
from compline.store.check import check
from compline.store.engine import open_store
from compline.store.findings import FindingFilter, count_findings, get_finding, list_findings
from compline.store.ledger import coverage
from compline.store.migrations.run import configuration
from compline.store.outbox import list_deliveries

ROWS: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("schema_0001.json").read_text()
)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The tables as the first version's migration made them, and its rows."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    with connected(url) as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            rows = ROWS.get(table.name, [])
            if rows:
                connection.execute(
                    insert(table),
                    [{name: _value(table.c[name].type, row[name]) for name in row} for row in rows],
                )
        if request.param == "postgresql":
            for table in tables.sorted_tables:
                if "id" in table.c and ROWS.get(table.name) and table.name != "deliveries":
                    _number_on(connection, table.name)
    return url


def _number_on(connection: Connection, table: str) -> None:
    sequence = connection.scalar(
        text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table}
    )
    if sequence:
        last = f"SELECT setval('{sequence}', (SELECT max(id) FROM {table}))"
        connection.execute(text(last))


def _value(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    return bool(value) if isinstance(kind, Boolean) else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat() + "+00:00"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return value


def test_every_row_is_there(old_url: str) -> None:
    with open_store(old_url):
        pass
    with connected(old_url) as connection:
        tables = MetaData()
        tables.reflect(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL timezone TO 'UTC'"))
        for name, rows in ROWS.items():
            if not rows:
                continue
            table = tables.tables[name]
            columns = [table.c[column] for column in rows[0]]
            found = connection.execute(select(*columns).order_by(*table.primary_key)).all()
            assert [
                {key: _plain(value) for key, value in row._mapping.items()} for row in found
            ] == rows, name


def test_what_must_hold_holds(old_url: str) -> None:
    with open_store(old_url) as store:
        assert [(one.invariant.name, one.examples) for one in check(store) if one.broken] == []


def test_lists_and_counts(old_url: str) -> None:
    with open_store(old_url) as store:
        listed = list_findings(store)
        kept = {row["id"]: row for row in ROWS["findings"] if not row["merged_into"]}
        assert {one.id: (one.state, one.severity) for one in listed} == {
            name: (row["state"], row["severity"]) for name, row in kept.items()
        }
        assert sum(count_findings(store).values()) == len(kept)
        for scanner in ("bandit", "semgrep", "pip-audit"):
            expected = {
                one.id
                for one in listed
                for witness in one.witnesses
                if witness.scanner == scanner
                and (witness.state != "gone" or one.state is State.RESOLVED)
            }
            found = list_findings(store, FindingFilter(scanners=(scanner,)))
            assert {one.id for one in found} == expected, scanner
        conditions = {name for one in listed for name in one.conditions}
        assert conditions == {"held", "unseen"}
        [merged] = [row for row in ROWS["findings"] if row["merged_into"]]
        assert get_finding(store, merged["id"]).id == merged["merged_into"]
        assert {one.state for one in list_deliveries(store)} == {"pending", "delivered", "dead"}


def test_the_next_night_goes_on_from_there(old_url: str, kit: Any) -> None:
    """The same content again changes no finding; what is gone is resolved."""
    with open_store(old_url) as store:
        site = kit.site(store)
        site.night = 40
        before = {one.id for one in list_findings(store, FindingFilter(states=(State.OPEN,)))}
        lines = "".join(f"exec(a{n})\n" for n in range(12)) + "exec(new)\nexec(newer)\n"
        said = kit.scan({"a.py": lines, "b.py": "exec(b)\n", "u.py": "exec(u)\n"})
        rules = {"scan_key": kit.other_key(rules="r2")}
        done = site.night_of(said, "c5", **rules)
        assert (done.opened, done.reopened, done.resolved) == ((), (), ())
        assert [row.result for row in done.rows] == ["recorded"]
        gone = site.night_of(kit.scan({"a.py": lines, "u.py": "exec(u)\n"}), "c6", **rules)
        assert len(gone.resolved) == 1
        assert before - set(gone.resolved) == {
            one.id for one in list_findings(store, FindingFilter(states=(State.OPEN,)))
        }
        assert coverage(store, site.run)[0].outcome == "completed"
        assert [one.invariant.name for one in check(store) if one.broken] == []
