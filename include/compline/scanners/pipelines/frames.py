"""Holds a declared data flow against how its stores stand, and its DAG's connections. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import Inventory, frame_of
from compline.scanners.pipelines.agreements import StoreEntry, declarations
from compline.scanners.pipelines.concerns import breaking
from compline.scanners.pipelines.connected import COLUMNS, Used, connection_rows
from compline.scanners.pipelines.doubts import doubt
from compline.store.standing import Defect, Standing

_HOPS = ("hop", "dataset", "store", "aspect", "holds", "because", "looked_at")
_DECLARED = ("hop", "store", "resource", "what", "holds", "because")
_SOURCES = ("what", "place", "revision", "sha256", "asked")


@dataclass(frozen=True)
class Told:
    """Everything that is known when a flow is judged."""

    flow: Mapping[str, Any]
    """`hops` and `connections`, as declared."""
    stores: Mapping[str, StoreEntry]
    """The listed stores by name."""
    standings: Mapping[str, Standing]
    """How they stand by `data-expectations`; one that is not there has not been looked at."""
    now: datetime
    stale_hours: int
    """An older look says nothing."""
    contents: Mapping[str, Standing] = field(default_factory=dict)
    """How those stand by `column-content` that were looked into."""
    used: Used | None = None
    """What the DAG's source and its Airflow tell; None where there is neither."""
    elsewhere: Sequence[str] = ()
    """Patterns of connections that Airflow's own list does not hold."""
    sources: Sequence[Mapping[str, str]] = ()
    """The files that were read."""


def inventory_of(told: Told) -> Inventory:
    """The frames: `hops` by aspect, `declarations`, `connections`, and the `sources` of it all."""
    hops: list[dict[str, Any]] = []
    declared: list[dict[str, Any]] = []
    gaps: list[Gap] = []
    for name, hop in _by_name(told.flow["hops"]):
        entry = told.stores.get(hop["store"])
        known = told.standings.get(hop["store"])
        rows, unsaid = declarations(name, hop, entry, known.defects if known else ())
        declared += rows
        gaps += unsaid
        for aspect in ("transit", "rest", "access"):
            _judge(told, name, hop, aspect, known, hops, gaps)
        looked_into = told.contents.get(hop["store"])
        if looked_into is not None and looked_into.outcome != "skipped":
            _judge(told, name, hop, "content", looked_into, hops, gaps)
    connections, unseen = connection_rows(told.flow, told.used, told.elsewhere)
    frames = {
        "hops": frame_of(_HOPS, hops),
        "declarations": frame_of(_DECLARED, declared),
        "connections": frame_of(COLUMNS, connections),
        "sources": frame_of(_SOURCES, told.sources),
    }
    return Inventory(frames, gaps=(*gaps, *unseen))


def _by_name(hops: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Hops by what they are called; the resource is named where it tells two apart."""
    names = [f"{hop['direction']} {hop['dataset']} {hop['store']}" for hop in hops]
    twice = {name for name, count in Counter(names).items() if count > 1}
    for name, hop in zip(names, hops, strict=True):
        yield (f"{name} {hop['resource']}".rstrip() if name in twice else name), hop


def _judge(
    told: Told,
    name: str,
    hop: Mapping[str, Any],
    aspect: str,
    known: Standing | None,
    hops: list[dict[str, Any]],
    gaps: list[Gap],
) -> None:
    """One aspect of one hop: a row, or a gap where nobody knows."""
    entry = told.stores.get(hop["store"])
    unknown = _unknown(entry, known, told.now - timedelta(hours=told.stale_hours))
    because: list[Defect] = []
    if entry is not None and known is not None and not unknown:
        because = breaking(aspect, entry.kind, hop, known.defects)
        if not because:
            unknown = doubt(aspect, hop, entry, known)
    if unknown or known is None or known.looked_at is None:
        gaps.append(Gap(GapReason.NOT_REPORTED, f"hop/{name}/{aspect}", unknown))
        return
    hops.append(
        {
            "hop": name,
            "dataset": hop["dataset"],
            "store": hop["store"],
            "aspect": aspect,
            "holds": not because,
            "because": _named(because),
            "looked_at": known.looked_at.isoformat(timespec="seconds"),
        }
    )


def _unknown(entry: StoreEntry | None, known: Standing | None, since: datetime) -> str:
    """Why nothing can be said of the store; empty if something can."""
    if entry is None:
        return "it is no data store that is listed under targets"
    if known is not None and known.outcome == "skipped":
        return f"a store of the kind {entry.kind} has no settings or grants that could be asked"
    if known is None or known.looked_at is None:
        return "it has no completed look yet, or a drop is held"
    if known.looked_at < since:
        return f"its last completed look is of {known.looked_at.isoformat(timespec='seconds')}"
    return ""


def _named(defects: Iterable[Defect]) -> str:
    return "; ".join(sorted({f"{one.rule} {one.subject}" for one in defects}))
