"""Accepted risks, and the findings that they are in force for."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, SmallInteger, String, Table, Text

from compline.store.columns import Moment, metadata, word

waivers = Table(
    "waivers",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("source", word(), nullable=False),  # cli, file, inline
    Column("key", String(500), unique=True),  # a file's entry or an inline comment: found again
    Column("finding_id", String(16), ForeignKey("findings.id")),  # of one finding; else by rule
    Column("selector", JSON, nullable=False),  # rule, scanner, targets, paths, labels
    Column("reason", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("approver", Text, nullable=False),  # empty: not approved, or none is asked for
    Column("origin", JSON, nullable=False),  # where it is written: path, line, commit, author
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("state", word(), nullable=False, index=True),  # pending, active, expired, withdrawn
    Column("ended_at", Moment),
    Column("ended_by", Text, nullable=False),
)

# Which findings a waiver is in force for, with what they were like when it began to be.
waived = Table(
    "waived",
    metadata,
    Column("waiver_id", String(16), ForeignKey("waivers.id"), primary_key=True),
    Column("finding_id", String(16), ForeignKey("findings.id"), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("rank", SmallInteger, nullable=False),  # the severity's: a higher one voids it
    Column("code", JSON, nullable=False),  # fingerprints of its witnesses: other code voids it
    Column("voided_at", Moment),
    Column("void_reason", Text, nullable=False),
    Index(None, "finding_id"),
)
