"""Regressions as recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from compline.findings.regressions import Cause, Regression
from compline.model import RegressionKind, Severity
from compline.store.handle import Store
from compline.store.schema import regressions, targets


@dataclass(frozen=True, slots=True)
class RegressionView:
    """A regression as recorded."""

    id: int
    run: int | None
    """None where no run has seen it: time has passed, or another DAG told it."""
    at: datetime
    routed: bool
    regression: Regression
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of its target, as they are now."""


def list_regressions(
    store: Store,
    *,
    run: int | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> tuple[RegressionView, ...]:
    """What got worse, the oldest first; of one run, since a moment, or the latest `limit`."""
    query = select_regressions().order_by(regressions.c.id.desc())
    if run is not None:
        query = query.where(regressions.c.run_id == run)
    if since is not None:
        query = query.where(regressions.c.at >= since)
    if limit is not None:
        query = query.limit(limit)
    with store.reading() as connection:
        return tuple(regression_view(row) for row in reversed(connection.execute(query).all()))


def read_regressions(connection: Connection, *, ids: Sequence[int]) -> list[RegressionView]:
    """Those of these numbers."""
    query = select_regressions().where(regressions.c.id.in_(ids))
    return [regression_view(row) for row in connection.execute(query)]


def select_regressions() -> Select[Any]:
    """Rows for `regression_view`."""
    return select(
        regressions, targets.c.name.label("target"), targets.c.labels.label("labels")
    ).outerjoin(targets, targets.c.id == regressions.c.target_id)


def regression_view(row: Any) -> RegressionView:
    """A row of `select_regressions`."""
    return RegressionView(
        row.id,
        row.run_id,
        row.at,
        row.routed,
        Regression(
            RegressionKind(row.kind),
            row.target or "",
            row.scanner,
            row.subject,
            Severity(row.severity) if row.severity else None,
            row.title,
            row.detail,
            Cause.from_json(row.cause),
        ),
        row.labels or {},
    )
