"""Draws samples of columns, reading only; what is drawn never leaves the process.

From PostgreSQL the account needs USAGE on the schemas and SELECT on the tables that are named, or
on some of their columns: the others are gaps, and so is a table of which it may read none. Row
security would make a sample that is no sample: a table that hides rows from the account is a gap.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.postgresql.connection import connected

MOST_TABLES = 500
LONGEST = 4096
"""Letters of a value that are looked at."""

_COLUMNS = """
    SELECT n.nspname, c.relname, c.relkind::text, greatest(c.reltuples, 0)::float8,
           greatest(c.relpages, 0)::float8,
           array_agg(a.attname::text ORDER BY a.attnum),
           array_agg(pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
                     ORDER BY a.attnum)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
      AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2"""


@dataclass(frozen=True)
class Samples:
    """What was drawn."""

    columns: Mapping[str, Sequence[str]] = field(repr=False)
    """By the column's name (`schema.table.column`, in a file `column`); without missing values."""
    gaps: tuple[Gap, ...] = ()


def of_postgresql(url: str, tables: Sequence[str], rows: int, seconds: float) -> Samples:
    """Up to so many rows of each table that a pattern names.

    Raises:
        CannotCollect: no connection, or no time for the list of tables.
    """
    deadline = time.monotonic() + seconds
    gaps: list[Gap] = []
    with connected(url, seconds) as connection:
        # Rows that row security hides must not make a table look harmless.
        connection.execute("SET row_security = off")
        wanted = [
            found
            for found in connection.execute(_COLUMNS).fetchall()
            if any(fnmatchcase(f"{found[0]}.{found[1]}", pattern) for pattern in tables)
        ]
        # There, whether or not they can be looked at: a pattern that fits them is not wrong.
        columns: dict[str, list[str]] = {
            f"{one[0]}.{one[1]}.{name}": [] for one in wanted for name in one[5]
        }
        for number, found in enumerate(wanted):
            schema, table, kind, size, pages, every, readable = found
            names = [name for name, may in zip(every, readable, strict=True) if may] or every
            place = f"column/{schema}.{table}/"
            if number >= MOST_TABLES or time.monotonic() >= deadline:
                detail = f"{len(wanted) - number} tables were not reached"
                gaps.append(Gap(GapReason.TOO_MANY, "column/", detail, len(wanted) - number))
                break
            try:
                with connection.transaction():
                    query = _draw(schema, table, kind, size, pages, names, rows)
                    drawn = connection.execute(query).fetchall()
            except psycopg.errors.QueryCanceled:
                gaps.append(Gap(GapReason.TOO_MANY, place, "it took too long"))
                continue
            except psycopg.DatabaseError as error:
                # The server's text may repeat a value: only its class is told.
                reason = type(error).__name__
                gaps.append(Gap(GapReason.FORBIDDEN, place, f"it cannot be read ({reason})"))
                continue
            gaps += [
                Gap(GapReason.FORBIDDEN, f"{place}{name}", "no right to read the column")
                for name in every
                if name not in names
            ]
            for place_of, name in enumerate(names):
                values = [row[place_of] for row in drawn if row[place_of] not in (None, "")]
                columns[f"{schema}.{table}.{name}"] = values
    return Samples(columns, tuple(gaps))


def _draw(
    schema: str,
    table: str,
    kind: str,
    size: float,
    pages: float,
    names: Sequence[str],
    rows: int,
) -> sql.Composed:
    chosen = sql.SQL(", ").join(
        sql.SQL("pg_catalog.left({}::text, {})").format(sql.Identifier(name), sql.Literal(LONGEST))
        for name in names
    )
    sampled: sql.Composable = sql.SQL("")
    # Pages, not rows, are drawn: more than wanted, since few of them could be none, and then rows
    # of them all, since those of one page were written together.
    share = max(300 * rows / size, 3000 / pages) if size and pages else 100
    if kind == "r" and share < 100:
        sampled = sql.SQL(" TABLESAMPLE SYSTEM ({}) ORDER BY pg_catalog.random()").format(
            sql.Literal(share)
        )
    return sql.SQL("SELECT {} FROM {}{} LIMIT {}").format(
        chosen, sql.Identifier(schema, table), sampled, sql.Literal(rows)
    )


def of_file(path: Path, rows: int) -> Samples:
    """The first rows of a CSV or Parquet file.

    Raises:
        CannotCollect: it cannot be read.
    """
    import pyarrow
    from pyarrow import dataset

    kind = {".csv": "csv", ".parquet": "parquet"}.get(path.suffix.lower())
    if kind is None:
        raise CannotCollect(f"{path}: expected a .csv or .parquet file")
    try:
        table = dataset.dataset(str(path), format=kind).head(rows)
    except (pyarrow.ArrowException, OSError) as error:
        # Arrow's texts quote the row that they could not read.
        raise CannotCollect(f"{path}: cannot be read ({type(error).__name__})") from None
    return Samples(
        {name: list(_texts(table.column(name).to_pylist())) for name in table.column_names}
    )


def _texts(values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        if value is not None and value != "":
            text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
            yield text[:LONGEST]
