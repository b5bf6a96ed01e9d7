"""A memory: waivers, deadlines, risk, threads and digests of alerts, chained manifests.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from compline.store.columns import Moment

revision = "0002"
down_revision = "0001"


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds to the first version's tables, and makes the new ones."""
    _findings()
    _alerts()
    _waivers()
    op.create_table(
        "manifests",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_manifests_run_id"),
        sa.PrimaryKeyConstraint("number", name="pk_manifests"),
        sa.UniqueConstraint("previous", name="uq_manifests_previous"),
    )
    op.create_index("ix_manifests_run_id", "manifests", ["run_id"])


def _findings() -> None:
    op.add_column("findings", sa.Column("risk", sa.Integer(), nullable=False, server_default="0"))
    for name in ("opened_at", "due_at", "breached_at", "waived_until"):
        op.add_column("findings", sa.Column(name, Moment(), nullable=True))
    # Exploits, exposure and deadlines come with the next run, which knows the configuration.
    op.execute("UPDATE findings SET risk = rank * 1000000")
    op.execute(
        "UPDATE findings SET opened_at = CASE WHEN opened_run = first_run THEN first_seen"
        " ELSE (SELECT started FROM runs WHERE runs.id = findings.opened_run) END"
    )
    op.add_column("findings", sa.Column("scanners", sa.Text(), nullable=False, server_default=""))
    op.add_column("findings", sa.Column("sight", sa.Text(), nullable=False, server_default="seen"))
    op.create_table(
        "partings",
        sa.Column("first", sa.String(16), nullable=False),
        sa.Column("second", sa.String(16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["first"], ["findings.id"], name="fk_partings_first"),
        sa.ForeignKeyConstraint(["second"], ["findings.id"], name="fk_partings_second"),
        sa.PrimaryKeyConstraint("first", "second", name="pk_partings"),
    )
    op.create_table(
        "totals",
        sa.Column("target_id", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("kind", "state", "severity", "scanners", "sight")
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name="fk_totals_target_id"),
        sa.PrimaryKeyConstraint(
            *("target_id", "kind", "state", "severity", "scanners", "sight"), name="pk_totals"
        ),
    )
    _summaries()
    op.drop_index("ix_findings_state_rank_id", "findings")
    op.drop_index("ix_findings_target_id_state_rank_id", "findings")
    op.create_index("ix_findings_state_due_at", "findings", ["state", "due_at"])
    for name, first, only in _LISTS:
        rest = [column for column in _FILTERS if column not in first]
        where = sa.text(only)
        op.create_index(
            f"ix_findings_by_{name}",
            "findings",
            [*first, "state", sa.text("risk DESC"), "first_seen", "id", *rest],
            sqlite_where=where,
            postgresql_where=where,
        )


_FILTERS = ("target_id", "severity", "kind", "scanners", "waived_until")
_LISTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("state", (), "merged_into IS NULL"),
    ("target", ("target_id",), "merged_into IS NULL"),
    ("severity", ("severity",), "merged_into IS NULL"),
    ("kind", ("kind",), "merged_into IS NULL"),
    ("scanners", ("scanners",), "merged_into IS NULL"),
    ("sight", ("sight",), "merged_into IS NULL AND sight IN ('held', 'unseen')"),
    ("waived", (), "waived_until IS NOT NULL"),
)


def _summaries() -> None:
    """Who sees each finding, how well, and how many there are: from what is there."""
    own = (
        "FROM witnesses w WHERE w.finding_id = findings.id"
        " AND (w.state <> 'gone' OR findings.state = 'resolved') ORDER BY 1"
    )
    if op.get_bind().dialect.name == "sqlite":
        names = f"SELECT group_concat(scanner, ' ') FROM (SELECT DISTINCT w.scanner {own})"
    else:
        words = f'SELECT DISTINCT w.scanner COLLATE "C" AS scanner {own}'
        names = f"SELECT string_agg(scanner, ' ') FROM ({words}) own"
    op.execute(
        f"UPDATE findings SET scanners = coalesce(({names}), ''),"
        " sight = (SELECT CASE WHEN count(CASE WHEN w.state = 'held' THEN 1 END) > 0 THEN 'held'"
        " WHEN count(CASE WHEN w.state <> 'gone' THEN 1 END) = 0 THEN 'gone'"
        " WHEN count(CASE WHEN w.state = 'seen' THEN 1 END) = 0 THEN 'unseen' ELSE 'seen' END"
        " FROM witnesses w WHERE w.finding_id = findings.id)"
    )
    facets = "target_id, kind, state, severity, scanners, sight"
    op.execute(
        f"INSERT INTO totals ({facets}, number) SELECT {facets}, count(*)"
        f" FROM findings WHERE merged_into IS NULL GROUP BY {facets}"
    )


def _alerts() -> None:
    with op.batch_alter_table("regressions") as table:
        table.alter_column("target_id", existing_type=sa.Integer(), nullable=True)
        table.alter_column("run_id", existing_type=sa.Integer(), nullable=True)
        table.add_column(sa.Column("cause", sa.JSON(), nullable=False, server_default="{}"))
    for column in (
        sa.Column("rule", sa.Text(), nullable=False, server_default=""),
        sa.Column("event", sa.Text(), nullable=False, server_default="opened"),
        sa.Column("thread", sa.String(36), nullable=False, server_default=""),
    ):
        op.add_column("deliveries", column)
    op.create_index("ix_deliveries_thread", "deliveries", ["thread"])
    op.create_table(
        "digest_entries",
        sa.Column("id", _number(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("regression_id", _number(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["regression_id"], ["regressions.id"], name="fk_digest_entries_regression_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_digest_entries"),
    )
    op.create_index("ix_digest_entries_due_at", "digest_entries", ["due_at"])
    _threads()
    op.create_table(
        "alarms",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(500), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_alarms"),
    )
    op.create_table(
        "pulses",
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pulses"),
    )


def _threads() -> None:
    op.create_table(
        "threads",
        sa.Column("id", _number(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("root", sa.String(36), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("last_sent_at", Moment(), nullable=False),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_threads"),
        sa.UniqueConstraint("channel", "subject", name="uq_threads_channel_subject"),
    )
    op.create_index("ix_threads_state_last_sent_at", "threads", ["state", "last_sent_at"])
    op.create_index("ix_threads_root", "threads", ["root"])


def _waivers() -> None:
    op.create_table(
        "waivers",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.String(500), nullable=True),
        sa.Column("finding_id", sa.String(16), nullable=True),
        sa.Column("selector", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["findings.id"], name="fk_waivers_finding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_waivers"),
        sa.UniqueConstraint("key", name="uq_waivers_key"),
    )
    op.create_index("ix_waivers_state", "waivers", ["state"])
    op.create_table(
        "waived",
        sa.Column("waiver_id", sa.String(16), nullable=False),
        sa.Column("finding_id", sa.String(16), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.JSON(), nullable=False),
        sa.Column("voided_at", Moment(), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["findings.id"], name="fk_waived_finding_id"),
        sa.ForeignKeyConstraint(["waiver_id"], ["waivers.id"], name="fk_waived_waiver_id"),
        sa.PrimaryKeyConstraint("waiver_id", "finding_id", name="pk_waived"),
    )
    op.create_index("ix_waived_finding_id", "waived", ["finding_id"])
