"""How many model files a look has read in full.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the two numbers; of looks of before they are not known."""
    op.add_column("ledger", sa.Column("files_read", sa.Integer()))
    op.add_column("ledger", sa.Column("files", sa.Integer()))
