"""Where a database's tables stand, and what brings them to this version."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

HEAD = "0007"
"""The newest version; a test holds it against the versions that there are."""
_LOCK = 0x434F4D504C
"""Any fixed number: PostgreSQL's advisory lock for migrating."""


def upgrade_store(connection: Connection, *, upgrade: bool) -> str:
    """Runs what is missing inside the caller's writing transaction.

    Gives what is wrong, or an empty string. Two processes may call it at once: on SQLite the
    writing transaction is the lock, on PostgreSQL an advisory one that ends with it.
    """
    current = _version(connection)
    if current == HEAD:
        return ""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        current = _version(connection)
        if current == HEAD:
            return ""
    # Alembic costs every task a quarter of a second to import, and once in a version it is used.
    from compline.store.migrations.run import known_versions, run

    if current is not None and current not in known_versions():
        return f"its version {current} is not known here: it was made by a newer Compline; upgrade"
    if not upgrade:
        return "its tables are of an older version: run `compline db upgrade`"
    run(connection)
    return ""


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version
