"""Runs: one row per execution of the pipeline, found again by its key when a task is retried."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from compline.model import RunResult
from compline.store.errors import StoreError
from compline.store.handle import Store
from compline.store.rows import in_chunks
from compline.store.schema import runs

_RECENT = 100
"""Runs that are looked through for a mark; a night's run always has it."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One execution of the pipeline."""

    id: int
    kind: str
    """The schedule's name, `adhoc` or `cli`."""
    key: str
    """What the caller names the run by; empty if it never asks again."""
    started: datetime
    finished: datetime | None
    result: RunResult | None
    """None while it runs, and for ever if it was killed."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


def start_run(
    store: Store,
    kind: str,
    now: datetime,
    *,
    key: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> int:
    """The number of a new run, or of the run that has this key already."""
    values = {
        "kind": kind,
        "key": key or None,
        "parameters": dict(parameters or {}),
        "started": now,
        "summary": {},
    }
    try:
        with store.writing() as connection:
            known = _find(connection, key)
            if known is not None:
                return known
            made = connection.execute(insert(runs).values(values).returning(runs.c.id))
            return int(made.scalar_one())
    except IntegrityError:
        # Another process has started the same run between our look and our insert.
        with store.reading() as connection:
            known = _find(connection, key)
        if known is None:
            raise
        return known


def finish_run(
    store: Store,
    run: int,
    result: RunResult,
    now: datetime,
    summary: Mapping[str, Any] | None = None,
) -> None:
    """Gives the run its result; a retried task may say it again.

    Raises:
        StoreError: there is no such run.
    """
    with store.writing() as connection:
        done = connection.execute(
            update(runs)
            .where(runs.c.id == run)
            .values(finished=now, result=result.value, summary=dict(summary or {}))
        )
    if not done.rowcount:
        raise _unknown(run)


def get_run(store: Store, run: int) -> RunView:
    """The run of that number.

    Raises:
        StoreError: there is none.
    """
    with store.reading() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run)).first()
    if row is None:
        raise _unknown(run)
    return _view(row)


def list_runs(store: Store, limit: int = 20, kind: str | None = None) -> tuple[RunView, ...]:
    """The newest runs first."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(runs.c.kind == kind)
    with store.reading() as connection:
        return tuple(_view(row) for row in connection.execute(query))


def latest_run(store: Store, kind: str | None = None) -> RunView | None:
    """The newest run, finished or not."""
    found = list_runs(store, 1, kind)
    return found[0] if found else None


def previous_run(store: Store, run: int) -> RunView | None:
    """The last finished run of the same kind before this one."""
    this = get_run(store, run)
    query = (
        select(runs)
        .where(runs.c.id < run, runs.c.kind == this.kind, runs.c.finished.is_not(None))
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    with store.reading() as connection:
        row = connection.execute(query).first()
    return None if row is None else _view(row)


def last_mark(store: Store, name: str) -> Any:
    """What the newest run whose summary has this key keeps there; None where none has."""
    query = select(runs.c.summary).order_by(runs.c.id.desc()).limit(_RECENT)
    with store.reading() as connection:
        for summary in connection.scalars(query):
            if name in summary:
                return summary[name]
    return None


def runs_with(store: Store, numbers: Collection[int], name: str) -> set[int]:
    """Those of the runs whose parameters have this key, and not as false."""
    with store.reading() as connection:
        return {
            row.id
            for chunk in in_chunks(sorted(numbers))
            for row in connection.execute(
                select(runs.c.id, runs.c.parameters).where(runs.c.id.in_(chunk))
            )
            if row.parameters.get(name)
        }


def _find(connection: Connection, key: str) -> int | None:
    return connection.scalar(select(runs.c.id).where(runs.c.key == key)) if key else None


def _unknown(run: int) -> StoreError:
    return StoreError(f"there is no run {run}: `compline coverage` shows the latest")


def _view(row: Row[Any]) -> RunView:
    return RunView(
        row.id,
        row.kind,
        row.key or "",
        row.started,
        row.finished,
        None if row.result is None else RunResult(row.result),
        row.parameters,
        row.summary,
    )
