"""What depends on what.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from compline.store.columns import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the links between assets, and to targets what depends on them."""
    op.create_table(
        "links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=True),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name="fk_links_target_id"),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
    )
    op.create_index("ix_links_target_id_scanner", "links", ["target_id", "scanner"])
    op.add_column("targets", sa.Column("reaches", sa.JSON(), nullable=False, server_default="[]"))
