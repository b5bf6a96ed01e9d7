"""Inserts many rows the quick way of each database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Table, insert

from compline.store.columns import Moment

_MANY = 200
"""Rows from which on the quick way is worth its own round trips: PostgreSQL's COPY is three times
as fast, SQLite's own loop without SQLAlchemy's for each row twice."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the same columns; nothing for none."""
    if not rows:
        return
    if len(rows) < _MANY:
        connection.execute(insert(table), list(rows))
    elif connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        _loop(connection, table, rows)


def _loop(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """As SQLAlchemy would write the values, whose types are found out once."""
    dialect = connection.dialect
    plain, special = [], []
    for name in rows[0]:
        write = table.columns[name].type.dialect_impl(dialect).bind_processor(dialect)
        if write is None:
            plain.append(name)
        else:
            # A record writes one and the same time thousands of times.
            once = isinstance(table.columns[name].type, Moment)
            special.append((name, cache(write) if once else write))
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, [*plain, *(name for name, _ in special)]))
    marks = ", ".join("?" * len(rows[0]))
    connection.connection.cursor().executemany(
        f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})",  # noqa: S608 - our names
        [
            (*(row[name] for name in plain), *(write(row[name]) for name, write in special))
            for row in rows
        ],
    )


def _copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(rows[0])
    as_json = {name for name in names if isinstance(table.columns[name].type, JSON)}
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    statement = f"COPY {quote(table.name)} ({columns}) FROM STDIN"
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the connection was closed while it was written to")
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(
                [json.dumps(row[name]) if name in as_json else row[name] for name in names]
            )
