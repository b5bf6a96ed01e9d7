"""The page of assets: what depends on what, and how many open findings reach it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from compline.findings.graph import Graph, Reached
from compline.store.assets import open_by_asset
from compline.store.engine import Store
from compline.store.links import list_links

MOST = 500
"""Rows of a table; `compline graph` shows all."""


def all_assets(store: Store) -> dict[str, Any]:
    """Values of the page with every link, the assets with the most open findings first."""
    rows = list_links(store)
    findings = open_by_asset(store, datetime.now(UTC))
    rows = tuple(sorted(rows, key=lambda row: -(findings.get(row.link.source) or 0)))
    return {
        "rows": rows[:MOST],
        "left_out": max(0, len(rows) - MOST),
        "findings": findings,
    }


def one_asset(store: Store, asset: str) -> dict[str, Any] | None:
    """Values of the page of one asset, or target by its bare name; None: nothing is known of it."""
    graph = Graph(row.link for row in list_links(store))
    findings = open_by_asset(store, datetime.now(UTC))
    if asset not in findings:
        asset = next((one for one in findings if one.partition("/")[2] == asset), asset)
    reaches, comes_from = graph.reach(asset), graph.origin(asset)
    if asset not in findings and not reaches and not comes_from:
        return None
    return {
        "asset": asset,
        "findings": findings,
        "tables": [
            (title, [(one.asset, _way(one)) for one in found[:MOST]], max(0, len(found) - MOST))
            for title, found in (("Reaches", reaches), ("Comes from", comes_from))
        ],
    }


def _way(one: Reached) -> str:
    """The steps in words."""
    path = one.path
    return ", ".join([path[0].source, *(f"{link.how} {link.destination}" for link in path)])
