"""What live checks tell of a service beside defects: the grants there are, a model's content."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from compline.store.columns import Moment, metadata, run_column, word

facts = Table(
    "facts",
    metadata,
    Column("target_id", Integer, ForeignKey("targets.id"), primary_key=True),
    Column("scanner", word(), primary_key=True),
    Column("tells", word(), primary_key=True),
    Column("key", Text, primary_key=True),  # the subject, or its digest where it is long
    Column("subject", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    run_column(),  # the run that saw it become what it is
    Column("since", Moment, nullable=False),
    Column("gone_at", Moment),  # nobody sees it any more; what it was is kept for a while
)
