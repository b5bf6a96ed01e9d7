"""What a shard holds: targets with the scanners that have to look at them, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from compline.model import Target


@dataclass(frozen=True)
class Work:
    """One target with the scanners that have to look at it."""

    target: Target
    asked: datetime
    """When its head was asked for; the order of looks is by this."""
    revision: str
    ref: str
    """Full name of the ref whose head the revision was; empty where there is none."""
    scanners: tuple[str, ...]
    fresh: tuple[str, ...] = ()
    """Those of the scanners that must not read caches (a held drop, or as requested)."""
    error: str = ""
    """Why the target could not be asked; every scanner's look is then Failed with it."""


_works: TypeAdapter[tuple[Work, ...]] = TypeAdapter(tuple[Work, ...])


def to_payload(work: Sequence[Work]) -> Mapping[str, Any]:
    """A shard as the store keeps it."""
    return {"work": _works.dump_python(tuple(work), mode="json")}


def from_payload(payload: Mapping[str, Any]) -> tuple[Work, ...]:
    """The inverse of `to_payload`."""
    return _works.validate_python(payload["work"])


def into_shards(work: Sequence[Work], most: int) -> list[list[Work]]:
    """Cuts work into the fewest shards of at most `most` targets, about equal in scans.

    Targets with the most scanners are dealt first, each to the shard with the least so far.
    """
    count = -(-len(work) // most)
    shards: list[list[Work]] = [[] for _ in range(count)]
    loads = [0] * count
    for item in sorted(work, key=lambda item: (-len(item.scanners), item.target.name)):
        least = min(
            (index for index in range(count) if len(shards[index]) < most),
            key=lambda index: (loads[index], index),
        )
        shards[least].append(item)
        loads[least] += max(1, len(item.scanners))
    return shards
