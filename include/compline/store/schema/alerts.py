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
    run_column(nullable=True, index=True),  # empty: told by no run (upkeep, another DAG)
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

# What waits for a channel's next digest, or for the end of its quiet hours.
digest_entries = Table(
    "digest_entries",
    metadata,
    Column("id", Number, primary_key=True),
    Column("channel", word(), nullable=False),
    Column("rule", word(), nullable=False),
    Column("regression_id", Number, ForeignKey("regressions.id"), nullable=False),
    Column("due_at", Moment, nullable=False, index=True),
)

# One per subject and channel: what has been said of it, so that nothing is said twice.
threads = Table(
    "threads",
    metadata,
    Column("id", Number, primary_key=True),
    Column("channel", word(), nullable=False),
    Column("subject", Text, nullable=False),
    Column("rule", word(), nullable=False),
    Column("kind", word(), nullable=False),  # of the regression that was told last
    Column("about", Text, nullable=False),  # its subject: a finding's id, target/scanner, ...
    Column("target", word(), nullable=False),  # its name; empty: the whole organisation
    Column("scanner", word(), nullable=False),
    Column("severity", word()),
    Column("title", Text, nullable=False),
    Column("root", String(36), nullable=False),  # the first delivery, which may tell of others too
    Column("state", word(), nullable=False),  # open, closed
    Column("opened_at", Moment, nullable=False),
    Column("last_sent_at", Moment, nullable=False),
    Column("reminders", Integer, nullable=False),
    UniqueConstraint("channel", "subject"),
    Index(None, "state", "last_sent_at"),
    Index(None, "root"),
)

# What is not well without being a finding or a look: told once until it is well again.
alarms = Table(
    "alarms",
    metadata,
    Column("kind", word(), primary_key=True),
    Column("subject", String(500), primary_key=True),
    Column("since", Moment, nullable=False),
)

# Heartbeats: when something that should happen again and again happened.
pulses = Table(
    "pulses",
    metadata,
    Column("name", String(500), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("at", Moment, nullable=False),
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
    Column("thread", String(36), nullable=False, server_default=""),  # its first delivery
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
    Index(None, "thread"),
)
