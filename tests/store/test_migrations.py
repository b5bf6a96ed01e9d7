"""Migrations make exactly the tables that the statements are written against."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from compline.store.engine import StoreError, open_store
from compline.store.migrations import HEAD
from compline.store.migrations.run import configuration
from compline.store.schema import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a % b' / 'store.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def test_models_and_migrations_agree(new_url: str) -> None:
    with open_store(new_url) as store, store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_opening_again_changes_nothing(new_url: str) -> None:
    open_store(new_url).close()
    with open_store(new_url, upgrade=False) as store, store.reading() as connection:
        assert MigrationContext.configure(connection).get_current_revision() is not None


def test_without_upgrading_an_old_store_is_an_error(new_url: str) -> None:
    with pytest.raises(StoreError, match="run `compline db upgrade`"):
        open_store(new_url, upgrade=False)


def test_a_newer_store_is_an_error(new_url: str) -> None:
    with open_store(new_url) as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"9999 is not known here: .* newer Compline"):
        open_store(new_url)


def test_two_processes_may_open_a_new_store_at_once(new_url: str) -> None:
    errors: list[BaseException] = []
    gate = threading.Barrier(4)

    def opens() -> None:
        gate.wait()
        try:
            open_store(new_url).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=opens) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_there_is_one_line_of_versions() -> None:
    script = ScriptDirectory.from_config(configuration())
    assert script.get_heads() == [HEAD]
    assert len(script.get_bases()) == 1
