"""Alembic without any file of configuration."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def configuration() -> Config:
    """Where the versions are."""
    config = Config()
    # A percent sign in the path would be taken as interpolation by the configuration parser.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def known_versions() -> frozenset[str]:
    """All versions that there are."""
    script = ScriptDirectory.from_config(configuration())
    return frozenset(item.revision for item in script.walk_revisions())


def run(connection: Connection) -> None:
    """Migrates to the newest version in the connection's transaction."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
