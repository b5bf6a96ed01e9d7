"""Links between assets: who saw them, or that the configuration declares them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from compline.findings.graph import Graph
from compline.model import Completed, Link, Look, TargetKind
from compline.store.handle import Store
from compline.store.rows import in_chunks
from compline.store.schema import links, targets

DECLARED = "declared"
"""In place of a scanner, for links of the configuration."""
_CALLED = TargetKind.ENDPOINT.value


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link, and who says so."""

    link: Link
    scanner: str
    """`declared` for those of the configuration."""
    target: str
    """Where it was seen; empty for those of the configuration."""
    first_seen: datetime


def list_links(store: Store) -> tuple[LinkRow, ...]:
    """Every link, by its assets."""
    query = (
        select(links, targets.c.name)
        .outerjoin(targets, targets.c.id == links.c.target_id)
        .order_by(links.c.source, links.c.destination, links.c.how, links.c.id)
    )
    with store.reading() as connection:
        return tuple(
            LinkRow(_link(row), row.scanner, row.name or "", row.first_seen)
            for row in connection.execute(query)
        )


def declare_links(store: Store, declared: Sequence[Link], now: datetime) -> None:
    """Makes the configuration's links exactly these."""
    query = select(links).where(links.c.target_id.is_(None), links.c.scanner == DECLARED)
    with store.reading() as connection:
        if {_link(row) for row in connection.execute(query)} == set(declared):
            return  # nobody else's writing waits for this
    with store.writing() as connection:
        _replace(connection, None, DECLARED, declared, now)


def write_links(connection: Connection, target: int, looks: Iterable[Look], now: datetime) -> None:
    """What completed looks have seen, in the record's transaction.

    A look that could not see all of them (a gap over everything, or over `asset/`) takes none away.
    """
    for look in looks:
        if isinstance(look.outcome, Completed):
            whole = not any(gap.covers("asset/") for gap in look.outcome.gaps)
            _replace(connection, target, look.scanner, look.outcome.links, now, remove=whole)


def refresh_reach(store: Store, label: str) -> None:
    """Writes down, for every target, that label of all that depends on it.

    An endpoint without the label counts as `endpoint`, for itself too: somebody can call it.

    Args:
        store: where.
        label: the one that tells exposure.
    """
    with store.reading() as connection:
        graph = Graph(_link(row) for row in connection.execute(select(links)))
        rows = connection.execute(
            select(
                targets.c.id,
                targets.c.kind,
                targets.c.name,
                targets.c.labels,
                targets.c.reaches,
            )
        ).all()
    labelled: dict[str, list[str]] = {}
    for row in rows:
        value = row.labels.get(label) or (_CALLED if row.kind == _CALLED else "")
        if value:
            labelled.setdefault(value, []).append(f"{row.kind}/{row.name}")
    reaching = {value: graph.reaching(assets) for value, assets in sorted(labelled.items())}
    if _CALLED in reaching:
        reaching[_CALLED] |= frozenset(labelled[_CALLED])
    changed = {}
    for row in rows:
        asset = f"{row.kind}/{row.name}"
        now = [value for value, assets in reaching.items() if asset in assets]
        if now != row.reaches:
            changed[row.id] = now
    if changed:  # else nobody else's writing waits for this
        with store.writing() as connection:
            for number, now in changed.items():
                statement = update(targets).where(targets.c.id == number).values(reaches=now)
                connection.execute(statement)


def forget_links(connection: Connection, target: int) -> None:
    """Takes away what was seen in a target that is gone."""
    connection.execute(delete(links).where(links.c.target_id == target))


def _replace(
    connection: Connection,
    target: int | None,
    scanner: str,
    wanted: Sequence[Link],
    now: datetime,
    *,
    remove: bool = True,
) -> None:
    own = links.c.target_id.is_(None) if target is None else links.c.target_id == target
    known = {
        _link(row): row.id
        for row in connection.execute(select(links).where(own, links.c.scanner == scanner))
    }
    kept = set(wanted)
    gone = [number for link, number in known.items() if link not in kept] if remove else []
    for chunk in in_chunks(gone):
        connection.execute(delete(links).where(links.c.id.in_(chunk)))
    new = [link for link in dict.fromkeys(wanted) if link not in known]
    if new:
        connection.execute(
            insert(links),
            [
                {
                    "target_id": target,
                    "scanner": scanner,
                    "source": link.source,
                    "destination": link.destination,
                    "how": link.how,
                    "first_seen": now,
                }
                for link in new
            ],
        )


def _link(row: object) -> Link:
    return Link(row.source, row.destination, row.how)  # type: ignore[attr-defined]
