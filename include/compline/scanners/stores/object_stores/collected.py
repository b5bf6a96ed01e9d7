"""What the configuration of an object store says of its buckets."""

from __future__ import annotations

from compline.scanners.expectations.collector import Asked
from compline.scanners.stores.object_stores.facts import classes_of


def names_of(asked: Asked) -> list[str]:
    """The buckets to look at; empty means all that there are."""
    return list(dict.fromkeys(str(one["name"]) for one in _buckets(asked)))


def declared_classes(asked: Asked) -> dict[str, tuple[str, ...]]:
    """By bucket, what the configuration says that it holds."""
    return {str(one["name"]): classes_of(one.get("classification")) for one in _buckets(asked)}


def _buckets(asked: Asked) -> list[dict[str, object]]:
    return list(asked.target.settings.get("buckets") or ())
