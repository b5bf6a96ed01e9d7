"""Facts of services: what nobody calls a defect, and whose change is told.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from compline.store.columns import Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes their table, empty: each scanner's next look is the first one that tells them."""
    op.create_table(
        "facts",
        sa.Column("target_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("scanner", "tells", "key")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("subject", "title", "value")),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("gone_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name="fk_facts_target_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_facts_run_id"),
        sa.PrimaryKeyConstraint("target_id", "scanner", "tells", "key", name="pk_facts"),
    )
