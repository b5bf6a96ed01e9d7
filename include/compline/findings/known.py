"""What the store remembers, as values: the pure half's picture of findings and witnesses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from compline.model import Confidence, FindingKind, Observation, ScanKey, Severity, State

SUBJECT_KINDS = frozenset(
    {
        FindingKind.DEPENDENCY,
        FindingKind.SECRET,
        FindingKind.LICENSE,
        FindingKind.ACCESS,
        FindingKind.MODEL,
    }
)
"""Kinds whose identity is in the subject; the others are spans of text."""


class WitnessState(StrEnum):
    """Whether its scanner still sees it; all but `gone` keep a finding open."""

    SEEN = "seen"
    UNSEEN = "unseen"
    """Its place lies in a gap of the last completed look."""
    HELD = "held"
    """Lost by a look that is not believed yet."""
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class KnownWitness:
    """What one scanner keeps seeing of a finding."""

    id: int
    finding: str
    state: WitnessState
    observation: Observation
    """Its latest statement."""
    last_seen: datetime | None = None
    """When it was last seen, once it is not any more."""

    @property
    def present(self) -> bool:
        """Whether it keeps its finding open."""
        return self.state is not WitnessState.GONE


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """One defect as recorded."""

    id: str
    kind: FindingKind
    state: State
    severity: Severity
    confidence: Confidence
    title: str
    first_seen: datetime
    opened_at: datetime | None = None
    """When it opened, or last reopened; what deadlines run from."""
    risk: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of one scanner's looks at one target before this one."""

    outcome: str
    """Of the newest recorded look: `completed`, `skipped`, `failed`."""
    looked_at: datetime
    completed_at: datetime | None = None
    """Of the newest completed look that was not held; None before the first."""
    revision: str = ""
    """What that one looked at."""
    scan_key: ScanKey | None = None
    held_lost: int = 0
    """How many findings a held look has lost; 0 while nothing is held."""
    stale_advisories: bool = False
