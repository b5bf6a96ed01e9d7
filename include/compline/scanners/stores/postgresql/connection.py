"""One connection to a PostgreSQL server: read-only, and cut when its time is over."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import conninfo
from psycopg.rows import tuple_row

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.services import one_line

LOCK_MILLISECONDS = 5000
"""How long a lock is waited for: a check must not stand in anybody's queue."""

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def connected(url: str, seconds: float) -> Iterator[Connection]:
    """A connection that can only read, whose every transaction sees one state.

    Args:
        url: as libpq, SQLAlchemy or Airflow write it.
        seconds: for all that is done with it.

    Raises:
        CannotCollect: no connection, a time-out, an error of the server; without the password.
    """
    parameters = _parameters(url)
    deadline = time.monotonic() + seconds
    parameters["connect_timeout"] = str(max(2, int(seconds)))
    hidden = [str(value) for key, value in parameters.items() if key == "password" and value]
    try:
        with (
            psycopg.connect(
                **parameters, autocommit=True, prepare_threshold=None, row_factory=tuple_row
            ) as connection,
            _cut_at(deadline, connection),
        ):
            _prepare(connection, deadline)
            yield connection
    except psycopg.Error as error:
        if time.monotonic() >= deadline or isinstance(
            error, psycopg.errors.QueryCanceled | psycopg.errors.ConnectionTimeout
        ):
            raise CannotCollect(
                f"the server did not answer within {seconds:g} s (`seconds` of the scanner that "
                "asked)"
            ) from None
        raise CannotCollect(f"PostgreSQL: {told(error, hidden)}") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise CannotCollect(f"PostgreSQL: {told(error, hidden)}") from None


def _prepare(connection: Connection, deadline: float) -> None:
    left = max(1, int((deadline - time.monotonic()) * 1000))
    # Set one by one and not as start-up parameters, which connection poolers refuse.
    for setting in (
        "default_transaction_read_only = on",
        f"statement_timeout = {left}",
        f"lock_timeout = {min(left, LOCK_MILLISECONDS)}",
        f"idle_in_transaction_session_timeout = {left}",
        "search_path = pg_catalog",
        "client_encoding = 'UTF8'",
    ):
        connection.execute(f"SET {setting}")
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ


def _parameters(url: str) -> dict[str, Any]:
    # SQLAlchemy and Airflow write postgresql+driver:// and postgres://.
    normal = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url.strip())
    try:
        if not normal.startswith("postgresql://"):
            raise psycopg.ProgrammingError
        parameters = conninfo.conninfo_to_dict(normal)
    except psycopg.Error:
        # libpq repeats the part that it does not understand, which may be the password.
        raise CannotCollect(
            "the connection URL is not of the form postgresql://user:password@host:port/database "
            "(special letters in the password must be percent-encoded)"
        ) from None
    return {**parameters, "application_name": "compline"}


@contextmanager
def _cut_at(deadline: float, connection: Connection) -> Iterator[None]:
    """Cuts the connection at the deadline: a stopped server heeds no statement_timeout."""

    def cut() -> None:
        try:
            # A descriptor of our own, so that closing it leaves libpq's alone.
            with socket.socket(fileno=os.dup(connection.pgconn.socket)) as end:
                end.shutdown(socket.SHUT_RDWR)
        except (OSError, psycopg.Error):
            # It is closed already, which is all that was wanted.
            return

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def told(error: Exception, hidden: Iterable[str]) -> str:
    """What the server says, in one line, without what must stay hidden."""
    diagnostic = getattr(error, "diag", None)
    text = (diagnostic.message_primary if diagnostic else None) or str(error)
    for secret in hidden:
        for form in {secret, quote(secret, safe="")}:
            text = text.replace(form, "***")
    return one_line(text) or type(error).__name__
