"""The first tables.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from compline.store.columns import Moment

revision = "0001"
down_revision = None


def _fk(own: list[str], other: list[str], name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(own, other, name=name)


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes every table of the first version."""
    op.create_table(
        "cache_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cache_keys"),
        sa.UniqueConstraint("scanner", "digest", name="uq_cache_keys_scanner_digest"),
    )
    op.create_table(
        "gap_sets",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_gap_sets"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=True),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("started", Moment(), nullable=False),
        sa.Column("finished", Moment(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("key", name="uq_runs_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "scan_keys",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("advisories", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_scan_keys"),
    )
    op.create_table(
        "targets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("locator", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.Column("vanished_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_targets"),
        sa.UniqueConstraint("name", name="uq_targets_name"),
    )
    op.create_table(
        "cache_results",
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("used", sa.Date(), nullable=False),
        _fk(["key_id"], ["cache_keys.id"], name="fk_cache_results_key_id"),
        sa.PrimaryKeyConstraint("key_id", "content", name="pk_cache_results"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cache_results_used", "cache_results", ["used"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", Moment(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("delivered_at", Moment(), nullable=True),
        _fk(["run_id"], ["runs.id"], name="fk_deliveries_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_state_not_before", "deliveries", ["state", "not_before"])
    op.create_table(
        "evidence",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        _fk(["run_id"], ["runs.id"], name="fk_evidence_run_id"),
        _fk(["target_id"], ["targets.id"], name="fk_evidence_target_id"),
        sa.PrimaryKeyConstraint("run_id", "target_id", "scanner", "digest", name="pk_evidence"),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.Column("first_revision", sa.Text(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("opened_run", sa.Integer(), nullable=False),
        sa.Column("resolved_run", sa.Integer(), nullable=True),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.String(length=16), nullable=True),
        _fk(["first_run"], ["runs.id"], name="fk_findings_first_run"),
        _fk(["opened_run"], ["runs.id"], name="fk_findings_opened_run"),
        _fk(["resolved_run"], ["runs.id"], name="fk_findings_resolved_run"),
        _fk(["target_id"], ["targets.id"], name="fk_findings_target_id"),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
    )
    op.create_index("ix_findings_opened_run", "findings", ["opened_run"])
    op.create_index("ix_findings_state_rank_id", "findings", ["state", "rank", "id"])
    op.create_index(
        "ix_findings_target_id_state_rank_id", "findings", ["target_id", "state", "rank", "id"]
    )
    op.create_table(
        "heads",
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("looked_at", Moment(), nullable=False),
        sa.Column("stale_advisories", sa.Boolean(), nullable=False),
        sa.Column("held_lost", sa.Integer(), nullable=False),
        sa.Column("completed_at", Moment(), nullable=True),
        sa.Column("scanned_run", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("scan_key", sa.String(length=64), nullable=True),
        sa.Column("gap_set", sa.String(length=64), nullable=True),
        sa.Column("tool_version", sa.Text(), nullable=False),
        sa.Column("advisory_date", sa.Text(), nullable=False),
        sa.Column("sandbox", sa.Text(), nullable=False),
        sa.Column("observations", sa.Integer(), nullable=False),
        _fk(["gap_set"], ["gap_sets.digest"], name="fk_heads_gap_set"),
        _fk(["run_id"], ["runs.id"], name="fk_heads_run_id"),
        _fk(["scan_key"], ["scan_keys.digest"], name="fk_heads_scan_key"),
        _fk(["scanned_run"], ["runs.id"], name="fk_heads_scanned_run"),
        _fk(["target_id"], ["targets.id"], name="fk_heads_target_id"),
        sa.PrimaryKeyConstraint("target_id", "scanner", name="pk_heads"),
    )
    op.create_table(
        "ledger",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gap_set", sa.String(length=64), nullable=True),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("scan_key", sa.String(length=64), nullable=True),
        sa.Column("tool_version", sa.Text(), nullable=False),
        sa.Column("advisory_date", sa.Text(), nullable=False),
        sa.Column("reused_from", sa.Integer(), nullable=True),
        sa.Column("sandbox", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("changed", sa.Float(), nullable=False),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("observations", sa.Integer(), nullable=False),
        sa.Column("looked_at", Moment(), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        _fk(["gap_set"], ["gap_sets.digest"], name="fk_ledger_gap_set"),
        _fk(["reused_from"], ["runs.id"], name="fk_ledger_reused_from"),
        _fk(["run_id"], ["runs.id"], name="fk_ledger_run_id"),
        _fk(["scan_key"], ["scan_keys.digest"], name="fk_ledger_scan_key"),
        _fk(["target_id"], ["targets.id"], name="fk_ledger_target_id"),
        sa.PrimaryKeyConstraint("run_id", "target_id", "scanner", name="pk_ledger"),
    )
    op.create_index(
        "ix_ledger_target_id_scanner_run_id", "ledger", ["target_id", "scanner", "run_id"]
    )
    op.create_table(
        "regressions",
        sa.Column("id", _number(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("routed", sa.Boolean(), nullable=False),
        _fk(["run_id"], ["runs.id"], name="fk_regressions_run_id"),
        _fk(["target_id"], ["targets.id"], name="fk_regressions_target_id"),
        sa.PrimaryKeyConstraint("id", name="pk_regressions"),
    )
    op.create_index("ix_regressions_routed", "regressions", ["routed"])
    op.create_index("ix_regressions_run_id", "regressions", ["run_id"])
    op.create_table(
        "run_observations",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("finding_id", sa.String(length=16), nullable=True),
        sa.Column("observation", sa.Text(), nullable=False),
        _fk(["run_id"], ["runs.id"], name="fk_run_observations_run_id"),
        _fk(["target_id"], ["targets.id"], name="fk_run_observations_target_id"),
        sa.PrimaryKeyConstraint(
            "run_id", "target_id", "scanner", "number", name="pk_run_observations"
        ),
    )
    op.create_table(
        "shards",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("planned_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        _fk(["run_id"], ["runs.id"], name="fk_shards_run_id"),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_shards"),
    )
    op.create_table(
        "events",
        sa.Column("id", _number(), nullable=False),
        sa.Column("finding_id", sa.String(length=16), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        _fk(["finding_id"], ["findings.id"], name="fk_events_finding_id"),
        _fk(["run_id"], ["runs.id"], name="fk_events_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_finding_id", "events", ["finding_id"])
    op.create_index("ix_events_run_id", "events", ["run_id"])
    op.create_table(
        "witnesses",
        sa.Column("id", _number(), nullable=False),
        sa.Column("finding_id", sa.String(length=16), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("observation", sa.Text(), nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.Column("first_revision", sa.Text(), nullable=False),
        sa.Column("first_run", sa.Integer(), nullable=False),
        sa.Column("last_seen", Moment(), nullable=True),
        _fk(["finding_id"], ["findings.id"], name="fk_witnesses_finding_id"),
        _fk(["first_run"], ["runs.id"], name="fk_witnesses_first_run"),
        _fk(["target_id"], ["targets.id"], name="fk_witnesses_target_id"),
        sa.PrimaryKeyConstraint("id", name="pk_witnesses"),
    )
    op.create_index("ix_witnesses_finding_id", "witnesses", ["finding_id"])
    op.create_index("ix_witnesses_target_id_key", "witnesses", ["target_id", "key"])
    op.create_index("ix_witnesses_target_id_state", "witnesses", ["target_id", "state"])
