"""Between rows and the values of `compline.findings`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row

from compline.codec import load_observation
from compline.findings.known import (
    SUBJECT_KINDS,
    Head,
    KnownFinding,
    KnownWitness,
    WitnessState,
)
from compline.model import (
    Confidence,
    FindingKind,
    Observation,
    Place,
    ScanKey,
    Severity,
    State,
)

_T = TypeVar("_T")
_INDEXED = 500
"""Characters; each takes at most four bytes."""


def clean(text: str) -> str:
    """Text that every database takes: PostgreSQL refuses NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def index_key(text: str) -> str:
    """The text, or its digest where it is too long for an index of PostgreSQL (2,704 bytes)."""
    if len(text) <= _INDEXED:
        return clean(text)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def recall_keys(observation: Observation) -> tuple[str, ...]:
    """What a gone witness may be found again by; the first is what is stored with a witness."""
    fingerprints = tuple(value for _, value in observation.fingerprints)
    if observation.kind in SUBJECT_KINDS and observation.subject:
        return (index_key(observation.subject), *map(index_key, fingerprints))
    if fingerprints:
        return tuple(map(index_key, fingerprints))
    return (index_key(f"{observation.rule}@{observation.place.path}"),)


def brief(text: str) -> Observation:
    """Of a stored observation what waivers look at, five times as fast as the whole."""
    value = json.loads(text)
    return Observation(
        value["scanner"],
        value["rule"],
        FindingKind(value["kind"]),
        Severity(value["severity"]),
        Confidence(value["confidence"]),
        value["title"],
        Place(value["place"].get("path", "")),
        fingerprints=tuple((name, code) for name, code in value.get("fingerprints", ())),
        aliases=tuple(value.get("aliases", ())),
    )


def known_witness(row: Any) -> KnownWitness:
    """A row of `witnesses`."""
    return KnownWitness(
        row.id,
        row.finding_id,
        WitnessState(row.state),
        load_observation(row.observation),
        row.last_seen,
    )


def known_findings(rows: Iterable[Row[Any]]) -> dict[str, KnownFinding]:
    """Rows of `findings`, by id."""
    return {
        row.id: KnownFinding(
            row.id,
            FindingKind(row.kind),
            State(row.state),
            Severity(row.severity),
            Confidence(row.confidence),
            row.title,
            row.first_seen,
            row.opened_at,
            row.risk,
            row.due_at,
        )
        for row in rows
    }


def head(row: Row[Any]) -> Head:
    """A row of `heads` joined with its `scan_keys`."""
    return Head(
        row.outcome,
        row.looked_at,
        row.completed_at,
        row.revision,
        scan_key(row),
        row.held_lost,
        row.stale_advisories,
    )


def scan_key(row: Row[Any]) -> ScanKey | None:
    """The parts of a joined `scan_keys` row; None where the join found none."""
    if row.tool is None:
        return None
    return ScanKey(row.tool, row.adapter, row.rules, row.options, row.advisories)


def in_chunks(items: Sequence[_T], size: int = 5_000) -> Iterator[Sequence[_T]]:
    """Slices small enough for one statement's parameters."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
