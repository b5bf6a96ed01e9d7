"""What a store's look did not see, or was never told, and so leaves of a hop unknown. Pure.

A gap counts where a rule of the store's suite that bears on the aspect could have found something
in it: certificates that nobody saw say nothing of who may read a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from compline.model import Gap
from compline.scanners.expectations.columns import asked_of
from compline.scanners.expectations.suite import PLACEHOLDER, Expectation
from compline.scanners.pipelines.agreements import StoreEntry
from compline.scanners.pipelines.concerns import Hop, bears_on, concerns
from compline.store.standing import Standing

_ALWAYS = frozenset({("gcs", "rest")})
"""(kind, aspect) that no rule asks about, since the provider lets nobody change it."""


def doubt(aspect: str, hop: Hop, entry: StoreEntry, known: Standing) -> str:
    """Why finding nothing does not mean that all is in order; empty if it does.

    Args:
        aspect: as for `concerns.breaking`.
        hop: as declared.
        entry: the store's.
        known: how the store stands.
    """
    store = hop["store"]
    suite = entry.columns if aspect == "content" else entry.suite
    bearing = [one for one in suite if bears_on(aspect, one.id, one.cwe)]
    for gap in known.gaps:
        if _hides(gap, bearing, hop):
            where = gap.path or "all of it"
            return f"the last look at {store} did not see {where}: {gap.detail or gap.reason.value}"
    if not bearing and (entry.kind, aspect) not in _ALWAYS:
        return f"no rule of the suite of {store} asks about it"
    told = asked_of(known.memory) if any(one.optional for one in bearing) else {}
    if bearing and all(one.optional and one.id not in told for one in bearing):
        columns = sorted({column for one in bearing for column in _columns(one)})
        return f"the file of {store} has no column {' or '.join(columns)}"
    if aspect == "access" and any(one.subject.startswith("policy/") for one in known.defects):
        return f"the policy of {store} does not declare who may reach it, so nobody can be too many"
    return ""


def _hides(gap: Gap, bearing: Sequence[Expectation], hop: Hop) -> bool:
    place = gap.path.rstrip("/")
    inside = gap.path.endswith("/") and f"{hop['resource']}/".startswith(place.partition("/")[2])
    if not (inside or "/" not in place or concerns(place, hop)):
        return False
    return not place or any(_may_be_in(place, one) for one in bearing)


def _may_be_in(place: str, expectation: Expectation) -> bool:
    """Whether the expectation looks at something in this place, as far as its names tell."""
    return all(
        wanted is None or wanted == there
        for wanted, there in zip(_parts(expectation), place.split("/"), strict=False)
    )


def _parts(expectation: Expectation) -> Iterator[str | None]:
    """The parts of the resource that it names; None for whatever only a row tells."""
    for part in expectation.resource.split("/"):
        match = PLACEHOLDER.fullmatch(part)
        known: Any = expectation.row_condition.get(match[1]) if match else part
        if match and isinstance(known, str):
            yield from known.split("/")
        else:
            yield known if isinstance(known, str) and not PLACEHOLDER.search(known) else None


def _columns(expectation: Expectation) -> frozenset[str]:
    return frozenset(expectation.row_condition) or expectation.asked_columns
