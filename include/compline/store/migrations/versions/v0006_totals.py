"""Totals of the whole store out of an index.

Revision ID: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the index that holds all that the totals by state and severity need."""
    op.create_index("ix_totals_state_severity_number", "totals", ["state", "severity", "number"])
