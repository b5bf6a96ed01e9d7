"""What scanners keep of a target from one recorded look to the next."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table

from compline.store.columns import metadata, word

memories = Table(
    "memories",
    metadata,
    Column("target_id", Integer, ForeignKey("targets.id"), primary_key=True),
    Column("scanner", word(), primary_key=True),
    Column("value", LargeBinary, nullable=False),  # packed by zlib; what it means is the scanner's
    sqlite_with_rowid=False,
)
