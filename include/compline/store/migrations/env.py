"""Alembic's entry: migrates over the connection that `upgrade_store` hands in."""

from __future__ import annotations

from alembic import context

from compline.store.schema import targets

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=targets.metadata,
    # SQLite alters a table by making it anew.
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
