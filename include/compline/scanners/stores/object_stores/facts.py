"""What every object store is turned into before it becomes frames; a bucket is a container too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

from compline.model import GapReason

Row = Mapping[str, Any]
_Told = TypeVar("_Told")

MOST_BUCKETS = 10_000
"""More are a gap."""

LISTED_PAGES = 5
"""Pages of one bucket's objects from which the sample is drawn, up to 1,000 objects each."""

SAMPLED = 10
"""Objects of one bucket that are looked at."""


@dataclass(frozen=True)
class Hidden:
    """Something that the store did not tell."""

    reason: GapReason
    why: str


@dataclass(frozen=True)
class Bucket:
    """One bucket: rows per aspect, and the aspects that were not told, wholly or in part.

    An aspect that is in neither is one that this sort of store does not have.
    """

    name: str
    classes: tuple[str, ...] = ()
    """What it holds (model, audit, personal, training, ...), sorted."""
    aspects: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    """By frame (see frames.py), without the columns that are common to all."""
    hidden: Mapping[str, Hidden] = field(default_factory=dict)
    """By frame; `""` is the whole bucket."""


@dataclass(frozen=True)
class Store:
    """One account's store."""

    endpoint: str
    """Scheme, host and port that were asked, without any credential."""
    buckets: Sequence[Bucket]
    keys: Sequence[Row] = ()
    """Keys of the customer's that buckets are encrypted with."""
    hidden_keys: Mapping[str, Hidden] = field(default_factory=dict)
    others: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    """Frames that only this sort of store has."""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of those."""
    hidden_places: Mapping[str, Hidden] = field(default_factory=dict)
    """Further gaps by place (`bucket/`, `account/...`)."""


def classes_of(value: object) -> tuple[str, ...]:
    """Classifications as a configuration, a tag or a label writes them, sorted and lower-case."""
    words = value if isinstance(value, list | tuple) else re.split(r"[\s,;+/]+", str(value or ""))
    return tuple(sorted({str(word).lower() for word in words if word}))


def sample(bucket: str, names: Iterable[str]) -> list[str]:
    """The objects to look at: the same ones every night, whatever comes or goes beside them."""
    ranked = sorted(names, key=lambda name: sha256(f"{bucket}\0{name}".encode()).digest())
    return sorted(ranked[:SAMPLED])


def at_most(
    found: dict[str, _Told], what: str, places: dict[str, tuple[str, str]]
) -> dict[str, _Told]:
    """The buckets that are looked at: all, or the first by name with a place for the others.

    Args:
        found: by name.
        what: the store's word for them.
        places: gets what is left out: place to (reason, why).
    """
    if len(found) <= MOST_BUCKETS:
        return found
    reason = f"more than {MOST_BUCKETS} {what}: list those that matter"
    places["bucket/"] = (GapReason.TOO_MANY.value, reason)
    return dict(sorted(found.items())[:MOST_BUCKETS])


def places_of(answers: Mapping[str, Any]) -> dict[str, Hidden]:
    """What `at_most` and its like left out, as answers carry it."""
    return {
        place: Hidden(GapReason(reason), str(why))
        for place, (reason, why) in answers.get("places", {}).items()
    }
