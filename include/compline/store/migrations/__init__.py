"""Brings a database to the tables of this version, and says where it stands."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_LOCK = 0x434F4D504C  # any fixed number: PostgreSQL's advisory lock for migrating


def configuration() -> Config:
    """Alembic's configuration, without any file."""
    config = Config()
    # A percent sign in the path would be taken as interpolation by the configuration parser.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def upgrade_store(connection: Connection, *, upgrade: bool) -> str:
    """Runs what is missing inside the caller's writing transaction.

    Gives what is wrong, or an empty string. Two processes may call it at once: on SQLite the
    writing transaction is the lock, on PostgreSQL an advisory one that ends with it.
    """
    config = configuration()
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return ""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        current = MigrationContext.configure(connection).get_current_revision()
        if current == head:
            return ""
    if current is not None and current not in {item.revision for item in script.walk_revisions()}:
        return f"its version {current} is not known here: it was made by a newer Compline; upgrade"
    if not upgrade:
        return "its tables are of an older version: run `compline db upgrade`"
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return ""
