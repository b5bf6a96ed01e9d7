"""How targets stand at their last completed looks: for checks that judge several together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from compline.model import State
from compline.store.filters import FindingFilter
from compline.store.findings import list_findings
from compline.store.handle import Store
from compline.store.looks import last_looks


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
    gaps: int
    defects: tuple[Defect, ...]


def standing(store: Store, names: Sequence[str], scanner: str) -> dict[str, Standing]:
    """The standing of the listed ones among the named targets."""
    looks = last_looks(store)
    found = {}
    for name in names:
        look = looks.get((name, scanner))
        if look is None:
            continue
        which = FindingFilter(targets=(name,), states=(State.OPEN,), scanners=(scanner,))
        found[name] = Standing(
            None if look.held else look.completed_at,
            look.outcome,
            look.gaps,
            tuple(
                Defect(one.rule, one.path, one.cwe, one.title)
                for one in list_findings(store, which)
            ),
        )
    return found
