"""What got worse, and the messages about it on their way."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from compline.store.columns import Moment, Number, metadata, run_column, word

regressions = Table(
    "regressions",
    metadata,
    Column("id", Number, primary_key=True),
    run_column(index=True),
    Column("target_id", Integer, ForeignKey("targets.id")),  # empty: of the whole organisation
    Column("scanner", word(), nullable=False),
    Column("kind", word(), nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", word()),
    Column("title", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("cause", JSON, nullable=False, server_default="{}"),  # code, rules, advisories; commit
    Column("at", Moment, nullable=False),
    Column("routed", Boolean, nullable=False, index=True),
)

# What waits for a channel's next digest.
digest_entries = Table(
    "digest_entries",
    metadata,
    Column("id", Number, primary_key=True),
    Column("channel", word(), nullable=False),
    Column("rule", word(), nullable=False),
    Column("regression_id", Number, ForeignKey("regressions.id"), nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("delivery_id", String(36), ForeignKey("deliveries.id")),  # once it is on its way
    Index(None, "delivery_id", "due_at"),
)

# One per subject and channel: what has been said of it, so that nothing is said twice.
threads = Table(
    "threads",
    metadata,
    Column("id", Number, primary_key=True),
    Column("channel", word(), nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", word(), nullable=False),  # open, closed
    Column("message_id", Text, nullable=False),  # of its first message, where the sender names it
    Column("opened_at", Moment, nullable=False),
    Column("last_sent_at", Moment, nullable=False),
    Column("reminders", Integer, nullable=False),
    UniqueConstraint("channel", "subject"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(36), primary_key=True),
    run_column(nullable=True),
    Column("channel", word(), nullable=False),
    Column("rule", word(), nullable=False, server_default=""),
    Column("event", word(), nullable=False, server_default="opened"),  # reminder, resolved, ...
    Column("subject", Text, nullable=False),  # the thread's
    Column("payload", JSON, nullable=False),
    Column("state", word(), nullable=False),  # pending, delivered, dead
    Column("attempts", Integer, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Moment),
    Column("error", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("delivered_at", Moment),
    Index(None, "state", "not_before"),
)
