"""What a run of MLflow says of its data: every data set's name, and the store that each lies in.

Format: `inputs.dataset_inputs[].dataset` of `runs/get`, whose `source` is JSON with the place under
a key that depends on `source_type` (https://mlflow.org/docs/latest/ml/dataset/).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_PLACES = ("uri", "path", "url")


def of_inputs(inputs: Any) -> dict[str, str]:
    """`dataset`, the names joined as a card's are, and `places`, JSON of name to `scheme://store`;
    without what nothing is said of."""
    names: dict[str, None] = {}
    places: dict[str, str] = {}
    for one in inputs or ():
        said = one.get("dataset") or {}
        name = str(said.get("name") or "")
        if name:
            names[name] = None
            if place := _place(str(said.get("source") or "")):
                places[name] = place
    found = {"dataset": ", ".join(names)} if names else {}
    return {**found, "places": json.dumps(places)} if places else found


def places_of(origin: Mapping[str, str]) -> Mapping[str, str]:
    """Data set to place, as `of_inputs` wrote it down."""
    found: Mapping[str, str] = json.loads(origin.get("places", "{}"))
    return found


def _place(source: str) -> str:
    try:
        said = json.loads(source)
        text = next((str(said[key]) for key in _PLACES if said.get(key)), "")
        parts = urlsplit(text)
    except (ValueError, AttributeError, RecursionError):
        return ""
    # What stands behind the store may be a signed address.
    user, at, host = parts.netloc.rpartition("@")
    netloc = parts.netloc if at and ":" not in user else host
    return f"{parts.scheme}://{netloc}" if parts.scheme and netloc else ""
