"""What a declared flow says of the asset graph: stores, datasets and the DAG between them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from compline.model import Link


def links_of(
    name: str, flow: Mapping[str, Any], stores: Collection[str], dag: str, repository: str
) -> tuple[Link, ...]:
    """Links from what is read to the pipeline's DAG, and from there to what is written.

    Args:
        name: of the pipeline.
        flow: as declared.
        stores: names of the listed data stores; of others nothing is said.
        dag: id of its DAG; empty: the pipeline stands for it.
        repository: the listed one that its files lie in; empty: none.
    """
    runs = f"dag/{dag}" if dag else f"pipeline/{name}"
    found = dict.fromkeys([Link(f"pipeline/{name}", runs, "runs as")] if dag else [])
    if repository:
        found[Link(f"repository/{repository}", runs, "defines")] = None
    for hop in flow["hops"]:
        dataset = f"dataset/{hop['dataset']}"
        if hop["store"] in stores:
            found[Link(f"data_store/{hop['store']}", dataset, "holds")] = None
        if hop["direction"] == "read":
            found[Link(dataset, runs, "is used by")] = None
        else:
            found[Link(runs, dataset, "writes")] = None
    return tuple(found)
