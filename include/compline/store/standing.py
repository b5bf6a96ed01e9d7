"""How targets stand at their last completed looks: for checks that judge several together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from compline.codec import load_gaps
from compline.model import Gap, State
from compline.store.filters import FindingFilter
from compline.store.findings import list_findings
from compline.store.handle import Store
from compline.store.looks import last_looks
from compline.store.memories import read_memory
from compline.store.schema import gap_sets, heads, targets


@dataclass(frozen=True, slots=True)
class Defect:
    """An open finding, as far as others build on it."""

    rule: str
    subject: str
    """The resource that it is about."""
    cwe: tuple[str, ...]
    title: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One scanner's last completed look at a target, and what is open of it."""

    looked_at: datetime | None
    """None: it has never been looked at, or a drop is held."""
    outcome: str
    """Of the newest look: `completed`, `skipped`, `failed`, or empty."""
    gaps: tuple[Gap, ...]
    """What that look could not see."""
    defects: tuple[Defect, ...]
    memory: bytes | None = None
    """What the scanner remembers of it (`Look.memory`)."""


def standing(store: Store, names: Sequence[str], scanner: str) -> dict[str, Standing]:
    """The standing of the listed ones among the named targets."""
    looks, gaps = last_looks(store), _gaps(store, names, scanner)
    found = {}
    for name in names:
        look = looks.get((name, scanner))
        if look is None:
            continue
        which = FindingFilter(targets=(name,), states=(State.OPEN,), scanners=(scanner,))
        found[name] = Standing(
            None if look.held else look.completed_at,
            look.outcome,
            gaps.get(name, ()),
            tuple(
                Defect(one.rule, one.path, one.cwe, one.title)
                for one in list_findings(store, which)
            ),
            read_memory(store, name, scanner),
        )
    return found


def _gaps(store: Store, names: Sequence[str], scanner: str) -> dict[str, tuple[Gap, ...]]:
    """By target those of the last completed look; targets without any are not there."""
    query = (
        select(targets.c.name, gap_sets.c.body)
        .join(heads, heads.c.target_id == targets.c.id)
        .join(gap_sets, gap_sets.c.digest == heads.c.gap_set)
        .where(targets.c.state == "listed", heads.c.scanner == scanner)
    )
    with store.reading() as connection:
        return {
            row.name: load_gaps(row.body) for row in connection.execute(query) if row.name in names
        }
