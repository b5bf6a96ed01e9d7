"""What the lifecycle decides: values that the store writes, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from compline.findings.acceptance import WaiverChanges
from compline.findings.facts import FactChange
from compline.findings.known import WitnessState
from compline.findings.regressions import Regression
from compline.model import Confidence, FindingKind, Observation, Severity, State


class EventKind(StrEnum):
    """What can happen to a finding; events are only ever added."""

    OPENED = "opened"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    SEVERITY = "severity"
    MOVED = "moved"
    """To another path; lines come and go without an event."""
    WITNESS_ADDED = "witness-added"
    WITNESS_GONE = "witness-gone"
    MERGED = "merged"
    PARTED = "parted"
    """Two that were one by mistake are two again."""
    HELD = "held"


@dataclass(frozen=True, slots=True)
class NewFinding:
    """A defect seen for the first time; its id is given here and never again."""

    id: str
    kind: FindingKind
    severity: Severity
    confidence: Confidence
    title: str
    revision: str
    risk: int = 0
    """See `findings.risk`."""
    due_at: datetime | None = None
    """When its remediation deadline ends; None: never."""


@dataclass(frozen=True, slots=True)
class FindingChange:
    """What a known finding is from now on."""

    id: str
    state: State
    severity: Severity
    confidence: Confidence
    title: str
    reopened: bool = False
    cause: str = ""
    """Why it was resolved; empty while it is open."""


@dataclass(frozen=True, slots=True)
class NewWitness:
    """A statement that no known witness made before."""

    finding: str
    observation: Observation
    revision: str


@dataclass(frozen=True, slots=True)
class WitnessChange:
    """What a known witness is from now on."""

    id: int
    state: WitnessState
    observation: Observation | None
    """Its new statement; None if that stays."""
    last_seen: datetime | None
    was: WitnessState
    """Its state before."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a finding."""

    finding: str
    kind: EventKind
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Hold:
    """A drop that is not believed yet."""

    scanner: str
    lost: int
    """Findings that nothing in the change explains and that the look does not show."""
    shown: int


@dataclass(frozen=True, slots=True)
class Urgency:
    """How pressing a known finding is from now on."""

    finding: str
    risk: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything that one target's looks change."""

    opened: tuple[NewFinding, ...] = ()
    findings: tuple[FindingChange, ...] = ()
    merged: tuple[tuple[str, str], ...] = ()
    """(younger, older) pairs of ids that turned out to be one."""
    added: tuple[NewWitness, ...] = ()
    witnesses: tuple[WitnessChange, ...] = ()
    events: tuple[Event, ...] = ()
    regressions: tuple[Regression, ...] = ()
    holds: tuple[Hold, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    waivers: WaiverChanges = field(default_factory=WaiverChanges)
    facts: tuple[FactChange, ...] = ()
