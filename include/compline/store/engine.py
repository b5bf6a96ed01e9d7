"""Opens the store: one handle for SQLite (WAL, local disk) and PostgreSQL.

Writers on SQLite begin with BEGIN IMMEDIATE: a deferred transaction that turns to writing fails
at once when somebody else has written meanwhile, whatever its time-out.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random

from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.migrations import upgrade_store

__all__ = ["Store", "StoreError", "open_store"]

_BUSY_SECONDS = 60
"""How long a writer waits for another: transactions are short, so a longer wait is a fault."""


def open_store(url: str, *, upgrade: bool = True) -> Store:
    """Opens the store at a database URL, makes it where there is none, and brings it up to date.

    Args:
        url: `sqlite:////absolute/path.db` or `postgresql://user:password@host/database`.
        upgrade: run the migrations that are missing, under a lock; without it a store that is
            behind is an error.

    Raises:
        StoreError: not a URL we know, no database there, or a store newer than this program.
    """
    parsed = _parse(url)
    engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
    store = Store(engine)
    try:
        with store.writing() as connection:
            trouble = upgrade_store(connection, upgrade=upgrade)
    except DBAPIError as error:
        engine.dispose()
        shown = parsed.render_as_string(hide_password=True)
        # Only the driver's first line: the rest may quote connection parameters.
        reason = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        raise StoreError(f"cannot open the store {shown}: {reason}") from None
    except SQLAlchemyError:
        engine.dispose()
        raise
    if trouble:
        engine.dispose()
        raise StoreError(f"{parsed.render_as_string(hide_password=True)}: {trouble}")
    return store


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            "the store's URL cannot be read: write sqlite:////absolute/path.db or "
            "postgresql://user:password@host/database"
        ) from None
    backend = parsed.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise StoreError(f"no store on {backend!r}: use sqlite or postgresql")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise StoreError("the store needs a file: write sqlite:////absolute/path.db")
    return parsed


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Findings are nobody else's business; SQLite's other files take over the first one's mode.
    if not path.exists():
        path.touch(mode=0o600)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver must not begin transactions by itself: `begin` below does, and knows how.
        connection.isolation_level = None
        cursor = connection.cursor()
        _write_ahead(cursor)
        # In WAL mode FULL keeps every committed transaction through a power cut; it costs one
        # fsync each, and there is one transaction per target.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA cache_size = -65536")  # 64 MiB
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("compline_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@retry(
    retry=retry_if_exception_type(sqlite3.OperationalError),
    stop=stop_after_delay(_BUSY_SECONDS),
    wait=wait_random(0.005, 0.05),
    reraise=True,
)
def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Several may open a new store at once; whoever switches its mode does not wait by itself."""
    cursor.execute("PRAGMA journal_mode = WAL")


def _postgresql(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return create_engine(url, pool_pre_ping=True, pool_size=2, max_overflow=8)
