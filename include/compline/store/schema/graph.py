"""The asset graph: what depends on what, and who says so."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from compline.store.columns import Moment, metadata, word

links = Table(
    "links",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target_id", Integer, ForeignKey("targets.id")),  # where it was seen; declared: null
    Column("scanner", word(), nullable=False),  # who saw it; `declared` in the configuration
    Column("source", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Index(None, "target_id", "scanner"),
)
