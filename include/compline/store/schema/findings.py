"""Findings with what stands behind them.

A finding's row is small and is for lists; the statements behind it are its witnesses'
`observation`, JSON as in `compline.codec`. What can be derived is not stored: a present witness
was last seen by the last completed look of its scanner (`heads`). The exceptions are what lists
of a million are filtered and counted by, `scanners`, `sight` and `totals`: `store/summary` keeps
them and `store/check` proves them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    and_,
    literal_column,
)

from compline.store.columns import Moment, Number, metadata, run_column, target_column, word

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
    Column("opened_at", Moment),  # when that was: deadlines run from there
    run_column("resolved_run", nullable=True),
    Column("resolved_at", Moment),
    Column("cause", word(), nullable=False),  # why it was resolved
    Column("merged_into", String(16)),  # the older finding that it turned out to be
    Column("risk", Integer, nullable=False, server_default="0"),  # see findings/risk
    Column("due_at", Moment),  # when its remediation deadline ends; empty: none
    Column("breached_at", Moment),  # when the missed deadline was told
    Column("waived_until", Moment),  # the latest expiry of the waivers in force
    # Whose witnesses are present, sorted, a blank between; of a resolved one, whose ever were.
    Column("scanners", Text, nullable=False, server_default=""),
    # What its witnesses say together: seen, held (any of them), unseen (all of them), gone.
    Column("sight", word(), nullable=False, server_default="seen"),
    Index(None, "opened_run"),
    Index(None, "state", "due_at"),
)


# Written into the statements as it is here: SQLite compares texts to find a partial index.
ODD = findings.c.sight.in_([literal_column("'held'"), literal_column("'unseen'")])
_LISTED = findings.c.merged_into.is_(None)


def _listed_by(name: str, *first: Column[Any], only: ColumnElement[bool] = _LISTED) -> None:
    """An index that begins with what is filtered by and goes on in the order of lists.

    That is by risk, and the id ends it, for the cursor. What else lists are filtered by comes
    last, so that the table is read only for the rows of the page.
    """
    filters = [
        findings.c[name] for name in ("target_id", "severity", "kind", "scanners", "waived_until")
    ]
    Index(
        f"ix_findings_by_{name}",
        *(*first, findings.c.state, findings.c.risk.desc(), findings.c.first_seen, findings.c.id),
        *(column for column in filters if column not in first),
        sqlite_where=only,
        postgresql_where=only,
    )


_listed_by("state")
_listed_by("target", findings.c.target_id)
_listed_by("severity", findings.c.severity)
_listed_by("kind", findings.c.kind)
_listed_by("scanners", findings.c.scanners)
_listed_by("sight", findings.c.sight, only=and_(_LISTED, ODD))
_listed_by("waived", only=findings.c.waived_until.is_not(None))

# How many findings of each sort a target has; what is merged into another is not counted.
totals = Table(
    "totals",
    metadata,
    Column("target_id", Integer, ForeignKey("targets.id"), primary_key=True),
    Column("kind", word(), primary_key=True),
    Column("state", word(), primary_key=True),
    Column("severity", word(), primary_key=True),
    Column("scanners", Text, primary_key=True),
    Column("sight", word(), primary_key=True),
    Column("number", Integer, nullable=False),
    Index(None, "state", "severity", "number"),  # covers the totals of the whole store
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

# Pairs that a person has parted: they are not merged again.
partings = Table(
    "partings",
    metadata,
    Column("first", String(16), ForeignKey("findings.id"), primary_key=True),
    Column("second", String(16), ForeignKey("findings.id"), primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
