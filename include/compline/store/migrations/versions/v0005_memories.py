"""What scanners remember of a target.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the memories of scanners."""
    op.create_table(
        "memories",
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name="fk_memories_target_id"),
        sa.PrimaryKeyConstraint("target_id", "scanner", name="pk_memories"),
        sqlite_with_rowid=False,
    )
