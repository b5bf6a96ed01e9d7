"""The tables; a test holds that the migrations make the same ones.

A finding's row is small and is for lists; the statements behind it are its witnesses'
`observation`, JSON as in `compline.codec`. What can be derived is not stored: a present witness
was last seen by the last completed look of its scanner (`heads`).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from compline.store.columns import Moment, Number, metadata, run_column, target_column, word

targets = Table(
    "targets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", word(), nullable=False, unique=True),
    Column("kind", word(), nullable=False),
    Column("locator", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("state", word(), nullable=False),  # listed, vanished, adhoc
    Column("version", Integer, nullable=False),  # raised by each record: compare and set
    Column("first_seen", Moment, nullable=False),
    Column("vanished_at", Moment),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", word(), nullable=False),
    Column("key", String(500), unique=True),  # the caller's name of the run: a retry finds it
    Column("parameters", JSON, nullable=False),
    Column("started", Moment, nullable=False),
    Column("finished", Moment),
    Column("result", word()),
    Column("summary", JSON, nullable=False),
    sqlite_autoincrement=True,
)

shards = Table(
    "shards",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("payload", JSON, nullable=False),
    Column("state", word(), nullable=False),  # pending, done
    Column("owner", Text),
    Column("lease_until", Moment),
    Column("attempts", Integer, nullable=False),
    Column("planned_at", Moment, nullable=False),
    Column("done_at", Moment),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(500), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Moment, nullable=False),
)

scan_keys = Table(
    "scan_keys",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("tool", Text, nullable=False),
    Column("adapter", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("advisories", Text, nullable=False),
)

# Kept once per content, however many nights inherit them.
gap_sets = Table(
    "gap_sets",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("total", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("target_id", Integer, ForeignKey("targets.id"), primary_key=True),
    Column("scanner", word(), primary_key=True),
    Column("outcome", word(), nullable=False),  # completed, skipped, failed
    Column("result", word(), nullable=False),  # recorded, superseded, held, adhoc
    Column("reason", Text, nullable=False),
    Column("gap_set", String(64), ForeignKey("gap_sets.digest")),
    Column("warnings", JSON, nullable=False),
    Column("revision", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("scan_key", String(64), ForeignKey("scan_keys.digest")),
    Column("tool_version", Text, nullable=False),
    Column("advisory_date", word(), nullable=False),
    run_column("reused_from", nullable=True),
    Column("sandbox", word(), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("fresh", Boolean, nullable=False),
    Column("observations", Integer, nullable=False),
    Column("looked_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Index(None, "target_id", "scanner", "run_id"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("target_id", Integer, ForeignKey("targets.id"), primary_key=True),
    Column("scanner", word(), primary_key=True),
    Column("digest", String(64), primary_key=True),
)

# One row per target and scanner: what the next plan and the next record compare with.
heads = Table(
    "heads",
    metadata,
    Column("target_id", Integer, ForeignKey("targets.id"), primary_key=True),
    Column("scanner", word(), primary_key=True),
    # The newest recorded look, whatever its outcome.
    Column("outcome", word(), nullable=False),
    run_column(),
    Column("looked_at", Moment, nullable=False),
    Column("stale_advisories", Boolean, nullable=False),
    Column("held_lost", Integer, nullable=False),  # witnesses lost by a held look; 0: not held
    # The newest completed look that was not held; empty before the first.
    Column("completed_at", Moment),
    run_column("scanned_run", nullable=True),  # the run that really scanned
    Column("revision", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("scan_key", String(64), ForeignKey("scan_keys.digest")),
    Column("gap_set", String(64), ForeignKey("gap_sets.digest")),
    Column("tool_version", Text, nullable=False),
    Column("advisory_date", word(), nullable=False),
    Column("sandbox", word(), nullable=False),
    Column("observations", Integer, nullable=False),
)

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

regressions = Table(
    "regressions",
    metadata,
    Column("id", Number, primary_key=True),
    run_column(index=True),
    target_column(),
    Column("scanner", word(), nullable=False),
    Column("kind", word(), nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", word()),
    Column("title", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("routed", Boolean, nullable=False, index=True),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(36), primary_key=True),
    run_column(nullable=True),
    Column("channel", word(), nullable=False),
    Column("subject", Text, nullable=False),
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
