"""Two findings that were taken for one, told apart again: what each of them is then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compline.findings.decision import Decision, Event, EventKind, FindingChange
from compline.findings.known import KnownFinding
from compline.findings.settlement import lead_of, severity_of
from compline.model import Observation, State

CAUSE = "parted"
"""Of a finding that only the other one's witnesses had kept open."""


@dataclass(frozen=True, slots=True)
class Half:
    """One of both, with what its own present witnesses say."""

    finding: KnownFinding
    members: Sequence[Observation]


def part(younger: Half, older: Half, by: str) -> Decision:
    """What becomes of both; nobody is alerted, since nothing got worse.

    Args:
        younger: the one that had been merged, as it was recorded.
        older: the one that it was merged into.
        by: who tells them apart.
    """
    names = (
        (younger, {"from": older.finding.id, "by": by}),
        (older, {"gave": younger.finding.id, "by": by}),
    )
    changes: list[FindingChange] = []
    events: list[Event] = []
    for half, data in names:
        events.append(Event(half.finding.id, EventKind.PARTED, data))
        change = _restated(half)
        if change is None:
            continue
        changes.append(change)
        if change.reopened:
            events.append(Event(change.id, EventKind.REOPENED, {"cause": CAUSE}))
        elif change.state is not half.finding.state:
            events.append(Event(change.id, EventKind.RESOLVED, {"cause": CAUSE}))
    return Decision(findings=tuple(changes), events=tuple(events))


def _restated(half: Half) -> FindingChange | None:
    """The finding as its own witnesses have it; None where that is what is recorded."""
    known, members = half.finding, half.members
    if not members:
        if known.state is State.RESOLVED:
            return None
        return FindingChange(
            known.id, State.RESOLVED, known.severity, known.confidence, known.title, cause=CAUSE
        )
    severity = severity_of(members)
    confidence = max((item.confidence for item in members), key=lambda item: item.rank)
    title = lead_of(members).title
    reopened = known.state is State.RESOLVED
    if not reopened and (severity, confidence, title) == (
        known.severity,
        known.confidence,
        known.title,
    ):
        return None
    return FindingChange(known.id, State.OPEN, severity, confidence, title, reopened)
