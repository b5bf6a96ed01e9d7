"""Airflow's assets as links: which DAG writes what data, and which one uses it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compline.model import Gap, GapReason, Link
from compline.scanners.airflow.asking import Answers
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.lineage.known import KnownAssets

_USES = ("scheduled_dags", "consuming_tasks")


def links_of(answers: Answers, known: KnownAssets) -> tuple[tuple[Link, ...], tuple[Gap, ...]]:
    """What the deployment's assets say (`AssetResponse` of Airflow's API v2).

    Returns:
        The links, each once, and the gap where the account may not see assets.

    Raises:
        CannotCollect: an asset is shaped otherwise.
    """
    if "assets" in answers.unseen:
        return (), (Gap(GapReason.FORBIDDEN, "asset/", answers.unseen["assets"]),)
    try:
        found = {
            link for asset in answers.parts.get("assets") or () for link in _links(asset, known)
        }
    except (KeyError, TypeError, AttributeError):
        raise CannotCollect("api/v2/assets is not shaped as Airflow's assets") from None
    return tuple(sorted(found, key=lambda one: (one.source, one.destination))), ()


def _links(asset: Mapping[str, Any], known: KnownAssets) -> Iterator[Link]:
    name = f"dataset/{asset['name']}"
    store = known.store(str(asset["uri"]))
    if store:
        yield Link(store, name, "holds")
    for task in asset["producing_tasks"]:
        yield Link(f"dag/{task['dag_id']}", name, "writes")
    for field in _USES:
        for one in asset[field]:
            yield Link(name, f"dag/{one['dag_id']}", "is used by")
