"""Holds two accounts of one look side by side. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace

from compline.model import FindingKind, Observation, Place

_MOST = 5
"""Differences that are told one by one."""

By = Callable[[Observation], Hashable]


def differences(
    said: Iterable[Observation], again: Iterable[Observation], by: By
) -> tuple[str, ...]:
    """What one account has and the other has not, in words; empty where they say the same.

    Args:
        said: the account that is to be confirmed.
        again: the other.
        by: what of a statement counts.
    """
    left, right = list(said), list(again)
    before, now = Counter(map(by, left)), Counter(map(by, right))
    lost, more = before - now, now - before
    told = [f"not there again: {name}" for name in _named(left, lost, by)]
    told += [f"only there again: {name}" for name in _named(right, more, by)]
    if len(told) > _MOST:
        told = [*told[:_MOST], f"and {len(told) - _MOST} more"]
    return tuple(told)


def whole(observation: Observation) -> Hashable:
    """Everything."""
    return observation


def bare(observation: Observation) -> Hashable:
    """What a report says by itself: without what was read from the sources beside it.

    That is code (fingerprints, symbols, blobs), comments, hashes of secrets, and for packages the
    lines of the manifests that pin them.
    """
    place = observation.place
    kept = Place(path=place.path, line=place.line, end_line=place.end_line)
    subject = observation.subject
    if observation.kind is FindingKind.SECRET:
        subject = ""
    elif observation.kind is FindingKind.DEPENDENCY:
        kept = Place()
    return replace(
        observation,
        place=kept,
        subject=subject,
        fingerprints=(),
        suppression="",
        details=(),
    )


def _named(observations: list[Observation], counts: Counter[Hashable], by: By) -> list[str]:
    found = []
    left = counts.copy()
    for observation in observations:
        key = by(observation)
        if left[key] > 0:
            left[key] -= 1
            place = observation.place
            where = f"{place.path}:{place.line}" if place.line else place.path
            found.append(f"{observation.rule} {observation.subject or where}")
    return found
