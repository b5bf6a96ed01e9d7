"""A page of findings out of a million: by risk, a cursor instead of an offset, and capped counts.

No database finds the next fifty rows of several filters in order by itself. So the filter that
lets the fewest rows through is found out from `totals`, and the page is put together from one
stream for each of its values and states: each stream is a range of an index that is in the order
of the list, and is read no further than the page is long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from compline.model import State
from compline.store.filters import Condition, Facets, FindingFilter, facets, rest
from compline.store.schema import findings, heads, totals
from compline.store.schema.findings import ODD

_STREAMS = 64
"""So many index ranges are merged at most."""
_FEW = 10_000
"""So many rows are rather collected and sorted than looked for along a list of all."""
_Plain = Callable[[ColumnElement[Any]], ColumnElement[Any]]
_ODD = ("held", "unseen")
_ALL = true()
_ORDER = (findings.c.risk.desc(), findings.c.first_seen, findings.c.id)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many; exact up to the limit that was asked for."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        """`9,999` or `10,000+`."""
        return f"{self.number:,}{'+' if self.more else ''}"


def page(connection: Connection, which: FindingFilter, limit: int, after: Any | None) -> list[str]:
    """Ids of the next findings in the order of the list.

    Args:
        connection: a reading transaction.
        which: the filter.
        limit: how many at most.
        after: risk, first_seen and id of the finding that the page before ended with.
    """
    chosen = facets(connection, which)
    if chosen.nothing:
        return []
    streams = [
        stream.order_by(*_ORDER).limit(limit)
        for source in _sources(connection, which, chosen)
        for stream in _behind(source, after)
    ]
    if not streams:
        return []
    if len(streams) == 1:
        return list(connection.scalars(streams[0].with_only_columns(findings.c.id)))
    merged = union_all(*(select(stream.subquery()) for stream in streams)).subquery()
    query = select(merged.c.id).order_by(merged.c.risk.desc(), merged.c.first_seen, merged.c.id)
    return list(connection.scalars(query.limit(limit)))


def count(connection: Connection, which: FindingFilter, limit: int) -> Counted:
    """How many findings the filter lets through; what is beyond the limit is not counted."""
    chosen = facets(connection, which)
    if chosen.nothing:
        return Counted(0)
    if not rest(which):
        number = connection.scalar(
            select(func.coalesce(func.sum(totals.c.number), 0)).where(*chosen.conditions(totals.c))
        )
        number = int(number or 0)
        return Counted(min(number, limit), number > limit)
    number = 0
    for source in _sources(connection, which, chosen):
        # In the order of lists, so that the same index is read as for a page.
        ordered = source.with_only_columns(findings.c.id).order_by(*_ORDER)
        some = ordered.limit(limit + 1 - number).subquery()
        number += connection.scalar(select(func.count()).select_from(some)) or 0
        if number > limit:
            return Counted(limit, more=True)
    return Counted(number)


def _sources(connection: Connection, which: FindingFilter, chosen: Facets) -> Iterator[Select[Any]]:
    """What the filter lets through as disjoint queries, each a range of one index."""
    plain = _plain if connection.dialect.name == "sqlite" else _as_it_is
    few = _few(connection, which, chosen)
    if few is not None:
        yield _query(plain, few, chosen.states, chosen.wanted, plain(findings.c.state), which)
        return
    if which.conditions == (Condition.WAIVED,):
        # The one index that is also in order and not only of what is listed.
        listed = plain(findings.c.merged_into)
        for state in chosen.states:
            yield _query(plain, _ALL, (state,), chosen.wanted, findings.c.state, which, listed)
        return
    if which.conditions == (Condition.STALE,):
        late = _late(connection, which, chosen)
        if len(late) <= _STREAMS:
            yield from _stale(plain, which, chosen, late)
            return
    sizes, fitting = _sizes(connection, chosen, list(chosen.wanted))
    if not fitting:
        return
    # With more values the list of all is filtered as it is walked.
    possible = [one for one in sizes if len(chosen.wanted[one]) * len(chosen.states) <= _STREAMS]
    name = min(possible, key=lambda one: sizes[one], default=None)
    filters = {other: allowed for other, allowed in chosen.wanted.items() if other != name}
    for value, state in product(chosen.wanted[name] if name else ("",), chosen.states):
        start = _ALL if name is None else findings.c[name] == value
        if name == "sight":
            start = and_(start, ODD)
        yield _query(plain, start, (state,), filters, findings.c.state, which)


def _late(connection: Connection, which: FindingFilter, chosen: Facets) -> Sequence[int]:
    """Targets that a scanner has not looked at since the limit; more than few are cut off."""
    late = select(heads.c.target_id).where(heads.c.completed_at < which.stale_since).distinct()
    if "target_id" in chosen.wanted:
        late = late.where(heads.c.target_id.in_(chosen.wanted["target_id"]))
    return connection.scalars(late.limit(_STREAMS + 1)).all()


def _stale(
    plain: _Plain, which: FindingFilter, chosen: Facets, late: Sequence[int]
) -> Iterator[Select[Any]]:
    """What is stale lies in such a target, or else in a gap, or is held."""
    filters = {name: allowed for name, allowed in chosen.wanted.items() if name != "target_id"}
    for value, state in product(late, chosen.states):
        start = findings.c.target_id == value
        yield _query(plain, start, (state,), filters, findings.c.state, which)
    for sight, state in product(_ODD, chosen.states):
        elsewhere = plain(findings.c.target_id).not_in(late)
        start = and_(findings.c.sight == sight, ODD, elsewhere)
        yield _query(plain, start, (state,), chosen.wanted, findings.c.state, which)


def _query(
    plain: _Plain,
    start: ColumnElement[bool],
    states: Sequence[str],
    filters: Mapping[str, Sequence[Any]],
    state: ColumnElement[Any],
    which: FindingFilter,
    merged: ColumnElement[Any] = findings.c.merged_into,
) -> Select[Any]:
    """One range, filtered: what it starts with is for the index, the rest is not."""
    return select(findings.c.id, findings.c.risk, findings.c.first_seen).where(
        merged.is_(None),
        start,
        state == states[0] if len(states) == 1 else state.in_(states),
        *(plain(findings.c[name]).in_(allowed) for name, allowed in filters.items()),
        *rest(which),
    )


def _few(
    connection: Connection, which: FindingFilter, chosen: Facets
) -> ColumnElement[bool] | None:
    """A condition that lets so few rows through that they are collected and sorted."""
    if which.ids:
        return findings.c.id.in_(which.ids)
    starts = []
    if which.since_run is not None:
        starts.append(findings.c.opened_run >= which.since_run)
    if which.conditions == (Condition.OVERDUE,):
        late = findings.c.due_at <= which.now
        starts.append(and_(findings.c.state == State.OPEN.value, late))
    for start in starts:
        some = select(findings.c.id).where(start).limit(_FEW + 1).subquery()
        if (connection.scalar(select(func.count()).select_from(some)) or 0) <= _FEW:
            return start
    for name, values in chosen.wanted.items():
        if len(values) * len(chosen.states) > _STREAMS and name != "sight":
            sizes, _ = _sizes(connection, chosen, [name])
            if sizes[name] <= _FEW:
                return findings.c[name].in_(values)
    return None


def _sizes(
    connection: Connection, chosen: Facets, names: Sequence[str]
) -> tuple[dict[str, int], int]:
    """How many findings each of these facets lets through by itself, and all facets together."""
    if not names:
        return {}, 1
    sums = [_sum(totals.c[name].in_(chosen.wanted[name])) for name in names]
    query = select(_sum(and_(*chosen.conditions(totals.c))), *sums)
    fitting, *sizes = connection.execute(query.where(totals.c.state.in_(chosen.states))).one()
    return {name: int(size) for name, size in zip(names, sizes, strict=True)}, int(fitting)


def _sum(where: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((where, totals.c.number), else_=0)), 0)


def _behind(source: Select[Any], after: Any | None) -> Iterator[Select[Any]]:
    """What of it comes after the cursor: the same risk, then lower ones; each is a range."""
    if after is None:
        yield source
        return
    place = tuple_(findings.c.first_seen, findings.c.id)
    there = tuple_(literal(after.first_seen, findings.c.first_seen.type), literal(after.id))
    yield source.where(findings.c.risk == after.risk, place > there)
    yield source.where(findings.c.risk < after.risk)


def _plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column so that SQLite, which has no statistics, does not look for it in an index."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


def _as_it_is(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """PostgreSQL has statistics."""
    return column
