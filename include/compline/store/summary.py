"""What lists need of a finding beyond its own words: who sees it and how well, and how many.

All of it is derived: `findings.scanners` and `findings.sight` from the witnesses, `totals` from
the findings. Whoever changes witnesses or findings calls `summarise` in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text

from compline.store.rows import in_chunks
from compline.store.schema import findings, totals

_OWN = (
    "FROM witnesses w WHERE w.finding_id = findings.id"
    " AND (w.state <> 'gone' OR findings.state = 'resolved') ORDER BY 1"
)
SCANNERS = {
    "sqlite": "coalesce((SELECT group_concat(scanner, ' ') FROM"
    f" (SELECT DISTINCT w.scanner {_OWN})), '')",
    "postgresql": "coalesce((SELECT string_agg(scanner, ' ') FROM"
    f" (SELECT DISTINCT w.scanner COLLATE \"C\" AS scanner {_OWN}) own), '')",
}
"""SQL by dialect, within a statement on findings: what the column must be."""
SIGHT = (
    "(SELECT CASE WHEN count(CASE WHEN w.state = 'held' THEN 1 END) > 0 THEN 'held'"
    " WHEN count(CASE WHEN w.state <> 'gone' THEN 1 END) = 0 THEN 'gone'"
    " WHEN count(CASE WHEN w.state = 'seen' THEN 1 END) = 0 THEN 'unseen' ELSE 'seen' END"
    " FROM witnesses w WHERE w.finding_id = findings.id)"
)
"""The same of the other column."""
_FACETS = [column for column in totals.columns if column.name != "number"]


def scanners_text(scanners: Collection[str]) -> str:
    """How a finding's row names its scanners."""
    return " ".join(sorted(set(scanners)))


def summarise(connection: Connection, target: int, changed: Collection[str]) -> None:
    """Brings rows and totals up to date after a change.

    Args:
        connection: a writing transaction that holds the target.
        target: its number.
        changed: ids of findings whose witnesses came, went or changed state, merged ones among
            them; may be empty where only findings were written.
    """
    statement = text(
        f"UPDATE findings SET scanners = {SCANNERS[connection.dialect.name]}, sight = {SIGHT}"
        " WHERE id IN :changed"
    ).bindparams(bindparam("changed", expanding=True))
    for chunk in in_chunks(sorted(changed)):
        connection.execute(statement, {"changed": chunk})
    count_totals(connection, target)


def count_totals(connection: Connection, target: int) -> None:
    """Counts one target's findings anew."""
    connection.execute(delete(totals).where(totals.c.target_id == target))
    facets = [findings.c[column.name] for column in _FACETS]
    counted = (
        select(*facets, func.count())
        .where(findings.c.target_id == target, findings.c.merged_into.is_(None))
        .group_by(*facets)
    )
    connection.execute(insert(totals).from_select([*_FACETS, totals.c.number], counted))
