"""What a sample of a column says of it: counts and a judgement, never a value. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from compline.scanners.stores.content.detectors import (
    PERSONAL,
    SECRETS,
    Detector,
    looks_hashed,
    looks_like_a_token,
    opaque_bytes,
)

NEARLY_ALL = 0.98
"""Share of a column's values that must have the declared form: real columns hold a few odd ones."""
MOST = 0.5
"""Share of the candidates that must have right check digits: of arbitrary numbers a tenth has."""
FEWEST = 3
"""Fewer hits are an accident."""
_ENOUGH = 1024
"""Bytes from which the entropy of what is random comes near to 8 bits."""


@dataclass(frozen=True)
class Sighting:
    """So many values of a column look like something."""

    kind: str
    hits: int


@dataclass(frozen=True)
class Judgement:
    """Whether a column is what it is declared as."""

    fits: bool
    why: str
    """What it looks like instead, without a value."""


def sightings(values: Sequence[str], least_share: float) -> Iterator[Sighting]:
    """The sorts of personal data in the sample, and secrets; one secret is one too many.

    Args:
        values: the sample, without those that are missing.
        least_share: of the values, from 0 to 1.
    """
    for kind, detector in PERSONAL.items():
        candidates = [value for value in values if detector.candidate(value)]
        hits = sum(map(detector.holds, candidates))
        enough = hits >= max(FEWEST, least_share * len(values))
        if enough and (not detector.chance or hits >= MOST * len(candidates)):
            yield Sighting(kind, hits)
    for kind, detector in SECRETS.items():
        hits = _hits(values, detector)
        if hits:
            yield Sighting(kind, hits)


def judge(declared: str, values: Sequence[str]) -> Judgement:
    """Whether the sample looks like what the column is declared as.

    Args:
        declared: `encrypted`, `hashed` or `pseudonymised`; anything else fits always.
        values: the sample, without those that are missing; not empty.
    """
    return {"encrypted": _encrypted, "hashed": _hashed, "pseudonymised": _pseudonymised}.get(
        declared, lambda _values: Judgement(True, "")
    )(values)


def distinct_share(values: Sequence[str]) -> float:
    """Share of different values; a hash of what few people can have is easily guessed."""
    return len(set(values)) / len(values)


def entropy(parts: Iterable[bytes]) -> float:
    """Bits per byte (0 to 8) of all of them together."""
    counts = Counter(byte for part in parts for byte in part)
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values()) if total else 0.0


def _encrypted(values: Sequence[str]) -> Judgement:
    raw = [part for part in map(opaque_bytes, values) if part is not None]
    if len(raw) < NEARLY_ALL * len(values):
        return Judgement(False, f"{len(values) - len(raw)} of {len(values)} values can be read")
    size = sum(map(len, raw))
    # Random bytes come to 8 bits; ciphers written as text and small samples to less.
    least = 7.0 if size >= _ENOUGH else 0.8 * math.log2(max(2, min(size, 256)))
    written = all(part.isascii() for part in raw)
    if entropy(raw) < (4.5 if written else least):
        return Judgement(False, "it is too regular for ciphertext")
    return Judgement(True, "")


def _hashed(values: Sequence[str]) -> Judgement:
    right = sum(map(looks_hashed, values))
    if right < NEARLY_ALL * len(values):
        return Judgement(False, f"{len(values) - right} of {len(values)} values are no digests")
    return Judgement(True, "")


def _pseudonymised(values: Sequence[str]) -> Judgement:
    for sighting in sightings(values, 0.02):
        return Judgement(False, f"{sighting.hits} of {len(values)} look like {sighting.kind}")
    right = sum(map(looks_like_a_token, values))
    if right < NEARLY_ALL * len(values):
        return Judgement(False, f"{len(values) - right} of {len(values)} values are no identifiers")
    return Judgement(True, "")


def _hits(values: Sequence[str], detector: Detector) -> int:
    return sum(detector.candidate(value) and detector.holds(value) for value in values)
