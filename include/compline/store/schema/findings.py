"""Findings with what stands behind them.

A finding's row is small and is for lists; the statements behind it are its witnesses'
`observation`, JSON as in `compline.codec`. What can be derived is not stored: a present witness
was last seen by the last completed look of its scanner (`heads`).
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, SmallInteger, String, Table, Text

from compline.store.columns import Moment, Number, metadata, run_column, target_column, word

findings = Table(
    "findings",
    metadata,
    Column("id", String(16), primary_key=True),
    target_column(),
    Column("kind", word(), nullable=False),
    Column("state", word(), nullable=False),
    Column("severity", word(), nullable=False),
    Column("rank", SmallInteger, nullable=False),  # the severity's, for thresholds and order
    Column("confidence", word(), nullable=False),
    Column("title", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("first_revision", Text, nullable=False),
    run_column("first_run"),
    run_column("opened_run"),  # opened, or last reopened
    run_column("resolved_run", nullable=True),
    Column("resolved_at", Moment),
    Column("cause", word(), nullable=False),  # why it was resolved
    Column("merged_into", String(16)),  # the older finding that it turned out to be
    Column("risk", Integer, nullable=False, server_default="0"),  # see findings/risk
    Column("due_at", Moment),  # when its remediation deadline ends; empty: none
    Column("breached_at", Moment),  # when the missed deadline was told
    Column("waived_until", Moment),  # the latest expiry of the waivers in force
    # Lists come gravest first, a page at a time: the id ends the order, for the cursor.
    Index(None, "target_id", "state", "rank", "id"),
    Index(None, "state", "rank", "id"),
    Index(None, "opened_run"),
)

witnesses = Table(
    "witnesses",
    metadata,
    Column("id", Number, primary_key=True),
    Column("finding_id", String(16), ForeignKey("findings.id"), nullable=False, index=True),
    target_column(),
    Column("scanner", word(), nullable=False),
    Column("state", word(), nullable=False),  # seen, unseen (in a gap), held, gone
    Column("key", Text, nullable=False),  # subject, else newest fingerprint: finds gone ones
    Column("observation", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("first_revision", Text, nullable=False),
    run_column("first_run"),
    Column("last_seen", Moment),  # set when it is no longer seen; before that, see the module
    Index(None, "target_id", "state"),
    Index(None, "target_id", "key"),
)

events = Table(
    "events",
    metadata,
    Column("id", Number, primary_key=True),
    Column("finding_id", String(16), ForeignKey("findings.id"), nullable=False, index=True),
    run_column(index=True),
    Column("at", Moment, nullable=False),
    Column("kind", word(), nullable=False),
    Column("data", JSON, nullable=False),
)

# What a run said beside the tracked ref.
run_observations = Table(
    "run_observations",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("target_id", Integer, ForeignKey("targets.id"), primary_key=True),
    Column("scanner", word(), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("finding_id", String(16)),  # what it is in the tracked ref; empty: new
    Column("observation", Text, nullable=False),
)

# Pairs that a person has parted: they are not merged again.
partings = Table(
    "partings",
    metadata,
    Column("first", String(16), ForeignKey("findings.id"), primary_key=True),
    Column("second", String(16), ForeignKey("findings.id"), primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
