"""A PostgreSQL server that is stopped, slow, frozen or no server at all: Failed, never clean."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from dripping import answering

from compline.scanners.stores.postgresql.queries import QUERIES, ask


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _sleeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(QUERIES, "roles", "SELECT pg_catalog.pg_sleep(60)")


def test_a_stopped_server(look_at: Any, error_of: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    error = error_of(look_at(url=f"postgresql://u:very-secret@127.0.0.1:{port}/db"))

    assert "Connection refused" in error
    assert "very-secret" not in error


def test_a_server_that_says_nothing(look_at: Any, error_of: Any, silent_port: int) -> None:
    started = time.monotonic()

    error = error_of(look_at(url=f"postgresql://u:p@127.0.0.1:{silent_port}/db", seconds=2))

    assert "did not answer within 2 s" in error
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "PostgreSQL: connection failed"),
        (b"", "server closed the connection unexpectedly"),
        (b"R\0\0", "server closed the connection unexpectedly"),
        # Let in, and then half of an answer.
        (b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05IT\0\0", "server closed the connection unexpectedly"),
    ],
)
def test_what_is_no_answer_or_half_of_one(
    look_at: Any, error_of: Any, answer: bytes, said: str
) -> None:
    with answering(answer) as port:
        url = f"postgresql://u:very-secret@127.0.0.1:{port}/db?sslmode=disable"
        error = error_of(look_at(url=url))

    assert said in error
    assert "very-secret" not in error


def test_a_slow_query(
    good: Any, look_at: Any, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sleeping(monkeypatch)
    started = time.monotonic()

    assert "did not answer within 2 s" in error_of(look_at(url=good.url(), seconds=2))
    assert time.monotonic() - started < 10


def test_a_server_frozen_in_the_middle(
    good: Any, look_at: Any, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen backend heeds no statement_timeout: our own end must cut the connection."""
    _sleeping(monkeypatch)
    looks: list[Any] = []
    asking = threading.Thread(target=lambda: looks.append(look_at(url=good.url(), seconds=3)))
    started = time.monotonic()
    asking.start()
    backend = _backend(good)
    os.kill(backend, signal.SIGSTOP)
    try:
        asking.join(20)
        assert not asking.is_alive()
    finally:
        os.kill(backend, signal.SIGCONT)

    assert "did not answer within 3 s" in error_of(looks[0])
    assert time.monotonic() - started < 15


def _backend(server: Any) -> int:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        while True:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity "
                "WHERE application_name = 'compline' AND query LIKE '%pg_sleep%'"
            ).fetchone()
            if row is not None:
                return int(row[0])
            time.sleep(0.05)


def test_a_connection_that_is_cut(
    good: Any, look_at: Any, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())"
    monkeypatch.setitem(QUERIES, "tables", query)

    assert "terminating connection" in error_of(look_at(url=good.url("postgres")))


def test_a_lock_that_is_held(
    good: Any, look_at: Any, error_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline.scanners.stores.postgresql.connection.LOCK_MILLISECONDS", 300)
    query = "SELECT id FROM public.features"
    monkeypatch.setitem(QUERIES, "tables", query)
    with psycopg.connect(good.url("postgres")) as connection:
        connection.execute("LOCK TABLE public.features IN ACCESS EXCLUSIVE MODE")

        assert "lock timeout" in error_of(look_at(url=good.url("postgres")))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:very-secret@host/db",
        "host=x password=very-secret",
        "postgresql://user:very-secret@host:port-x/db?nonsense=1",
        "postgresql://user:very secret@host/db",
        "very-secret",
    ],
)
def test_a_url_that_is_none(look_at: Any, error_of: Any, url: str) -> None:
    error = error_of(look_at(url=url))

    assert "postgresql://user:password@host:port/database" in error
    assert "secret" not in error


def test_a_secret_that_is_not_there(look_at: Any, error_of: Any) -> None:
    error = error_of(look_at(kind="postgresql"))

    assert "needs `url: env:NAME`" in error


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_urls_as_others_write_them(good: Any, scheme: str) -> None:
    answers = ask(good.url().replace("postgresql", scheme, 1), 30)

    assert answers.our_end == "tls"
    assert answers.rows["connection"][0][-2:] == ("postgres", "compline_reader")


def test_a_database_that_is_not_there(good: Any, look_at: Any, error_of: Any) -> None:
    assert 'database "gone" does not exist' in error_of(look_at(url=good.url(database="gone")))
