"""Opening stores: where, with which guarantees, and the clear error where it cannot be."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from compline.store.engine import Store, StoreError, open_store
from compline.store.schema import leases


def test_sqlite_keeps_what_is_committed_and_checks_references(sqlite_store: Store) -> None:
    with sqlite_store.reading() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 60_000,
    }


def test_a_writer_holds_the_store_from_its_beginning(sqlite_store: Store) -> None:
    """Else a transaction that reads first and writes then fails at once, whatever its time-out."""
    with sqlite_store.writing() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.in_transaction
        with (
            pytest.raises(Exception, match="database is locked"),
            open_store_quickly(sqlite_store) as other,
        ):
            other.execute("BEGIN IMMEDIATE")
        # Readers go on meanwhile.
        with sqlite_store.reading() as reader:
            assert reader.execute(select(leases)).all() == []


def open_store_quickly(store: Store) -> Any:
    with store.reading() as connection:
        path = connection.exec_driver_sql("PRAGMA database_list").first()
    assert path is not None
    return closing(sqlite3.connect(path[2], timeout=0.05, isolation_level=None))


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    row = {"name": "a", "owner": "b", "until": datetime(2025, 1, 1, tzinfo=UTC)}

    def fails() -> None:
        with store.writing() as connection:
            connection.execute(insert(leases), row)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with store.reading() as connection:
        assert connection.execute(select(leases)).all() == []


def test_moments_are_utc_and_never_naive(store: Store) -> None:
    summer = timezone(timedelta(hours=2))
    with store.writing() as connection:
        connection.execute(
            insert(leases),
            {"name": "a", "owner": "b", "until": datetime(2025, 7, 1, 12, tzinfo=summer)},
        )
        until = connection.scalar(select(leases.c.until))
    assert until == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert until is not None
    assert until.tzinfo is UTC
    with pytest.raises(Exception, match="naive"), store.writing() as connection:
        connection.execute(
            insert(leases), {"name": "c", "owner": "b", "until": until.replace(tzinfo=None)}
        )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "write sqlite:////absolute/path.db"),
        ("mysql://u:secret@h/d", "no store on 'mysql': use sqlite or postgresql"),
        ("sqlite://", "the store needs a file"),
        ("sqlite:///:memory:", "the store needs a file"),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot open the store postgresql://u:\\*\\*\\*@"),
    ],
)
def test_a_url_that_is_no_store_says_what_to_do(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()
    with pytest.raises(StoreError, match="cannot open the store sqlite:///"):
        open_store(f"sqlite:///{tmp_path / 'store.db'}")


def test_folders_are_made_and_the_file_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "store.db"
    open_store(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    open_store(f"sqlite:///{path}").close()


def test_something_else_than_a_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"this is no database, but it is long enough to be taken for one" * 20)
    with pytest.raises(StoreError, match="file is not a database"):
        open_store(f"sqlite:///{path}")
