"""What a model's provenance says of the asset graph: data and repository of each version. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from compline.model import Link
from compline.scanners.lineage.known import KnownAssets
from compline.scanners.models.artifacts import Model
from compline.scanners.models.mlflow.run_data import places_of


def links_of(
    models: tuple[Model, ...],
    origins: Mapping[tuple[str, str], Mapping[str, str]],
    known: KnownAssets,
    holder: str = "",
) -> tuple[Link, ...]:
    """Links to versions from what they come from, and from the version in production to its model.

    Args:
        models: with what production serves.
        origins: by model and version; `dataset` and their `places`, `base`, and `repository` or
            `source` as an address.
        known: the listed targets; of a repository that is not listed nothing is said.
        holder: the target that holds them, as an asset: what is wrong there reaches what
            production serves.
    """
    found: dict[Link, None] = {}
    served = {(each.name, each.served) for each in models}
    for (model, version), origin in sorted(origins.items()):
        asset = "/".join(filter(None, ("model", model, version)))
        places = places_of(origin)
        for dataset in filter(None, origin.get("dataset", "").split(", ")):
            found[Link(f"dataset/{dataset}", asset, "trained")] = None
            if store := known.store(dataset) or known.store(places.get(dataset, "")):
                found[Link(store, f"dataset/{dataset}", "holds")] = None
        for base in filter(None, origin.get("base", "").split(", ")):
            found[Link(f"model/{base}", asset, "is the base of")] = None
        for key in ("repository", "source"):
            # A run's source may have a folder of the repository behind a `#`.
            address = origin.get(key, "").partition("#")[0]
            if address and (repository := known.repository(address)):
                found[Link(repository, asset, "made")] = None
                break
        if holder and (model, version) in served:
            found[Link(holder, asset, "holds")] = None
        if version and (model, version) in served:
            found[Link(asset, f"model/{model}", "is served as")] = None
    return tuple(found)
