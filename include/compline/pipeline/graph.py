"""The organisation's assets: what depends on what, and which findings reach what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from compline.findings.graph import Graph, Reach, Reached, ReachOf, in_short
from compline.model import Link
from compline.pipeline.request import BadRequest
from compline.pipeline.session import Session
from compline.store.assets import open_by_asset
from compline.store.links import LinkRow, list_links
from compline.store.targets import list_targets


@dataclass(frozen=True)
class Assets:
    """All that is linked, with what is known of the targets among it."""

    graph: Graph
    rows: tuple[LinkRow, ...]
    findings: Mapping[str, int | None]
    """Open findings by asset; targets only. None: nobody could ever look."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "assets": [
                {"asset": name, "open_findings": self.findings.get(name)}
                for name in self.graph.assets
            ],
            "links": [
                {**_plain(row.link), "said_by": row.scanner, "seen_in": row.target}
                for row in self.rows
            ],
        }


@dataclass(frozen=True)
class Neighbourhood:
    """One asset: what it reaches, and what it depends on."""

    asset: str
    reaches: tuple[Reached, ...]
    comes_from: tuple[Reached, ...]
    findings: Mapping[str, int | None]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "asset": self.asset,
            "open_findings": self.findings.get(self.asset),
            "reaches": [reached_json(one) for one in self.reaches],
            "comes_from": [reached_json(one) for one in self.comes_from],
        }


def assets(session: Session) -> Assets:
    """The whole graph."""
    rows = list_links(session.store)
    return Assets(
        Graph(row.link for row in rows), rows, open_by_asset(session.store, session.now())
    )


def neighbourhood(session: Session, asset: str) -> Neighbourhood:
    """What one asset reaches and depends on; a target may be given by its bare name.

    Raises:
        BadRequest: no such asset is linked, nor is a target of that name listed.
    """
    whole = assets(session)
    known = {row.name: f"{row.kind.value}/{row.name}" for row in list_targets(session.store)}
    name = known.get(asset, asset)
    if name not in whole.graph.assets and name not in known.values():
        raise BadRequest(f"nothing is known of {asset!r}; see `compline graph` for what there is")
    graph = whole.graph
    return Neighbourhood(name, graph.reach(name), graph.origin(name), whole.findings)


def reach_of(session: Session, target: str) -> tuple[Reached, ...]:
    """What depends on a target, the nearest first."""
    for row in list_targets(session.store, adhoc=True):
        if row.name == target:
            graph = Graph(one.link for one in list_links(session.store))
            return graph.reach(f"{row.kind.value}/{row.name}")
    return ()


def reach_by_target(session: Session) -> ReachOf:
    """Gives what the target of a name reaches, in short, by the graph as it is now."""
    known = {
        row.name: f"{row.kind.value}/{row.name}" for row in list_targets(session.store, adhoc=True)
    }
    graph = Graph(row.link for row in list_links(session.store))

    @cache
    def reach(target: str) -> Reach:
        return in_short(graph.reach(known[target])) if target in known else Reach()

    return reach


def reached_json(one: Reached) -> dict[str, Any]:
    """Plain values of a way."""
    return {"asset": one.asset, "path": [_plain(link) for link in one.path]}


def _plain(link: Link) -> dict[str, str]:
    return {"from": link.source, "to": link.destination, "how": link.how}
