"""Results of scanners by content."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from compline.store.columns import metadata, word

cache_keys = Table(
    "cache_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scanner", word(), nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("scanner", "digest"),
)

cache_results = Table(
    "cache_results",
    metadata,
    Column("key_id", Integer, ForeignKey("cache_keys.id"), primary_key=True),
    Column("content", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("used", Date, nullable=False),
    Index(None, "used"),
    sqlite_with_rowid=False,
)
