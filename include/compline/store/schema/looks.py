"""What was looked at, by whom and with what: targets, runs, shards, the ledger and its heads."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from compline.store.columns import Moment, metadata, run_column, word

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
    Column("reaches", JSON, nullable=False, server_default="[]"),  # labels of what depends on it
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
    Column("files_read", Integer),  # in full in this run, of so many `files`; of models only
    Column("files", Integer),
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

# The chain: what each run looked at with what, and what was pruned (see evidence/chain). A run
# that a retry completes after its end has one more link.
manifests = Table(
    "manifests",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3, ...: no hole
    Column("kind", word(), nullable=False),  # run, prune
    run_column(nullable=True, index=True),
    Column("digest", String(64), nullable=False),  # of the manifest, which lies in the locker
    Column("previous", String(64), nullable=False, unique=True),  # empty: the first
    Column("signature", Text, nullable=False),  # over the digest; empty: not signed
    Column("signer", Text, nullable=False),  # the public key
    Column("at", Moment, nullable=False),
)
