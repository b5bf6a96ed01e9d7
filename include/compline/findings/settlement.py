"""What its witnesses make of one finding: state, severity, events, and whether it got worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compline.findings.decision import Event, EventKind, FindingChange, NewFinding
from compline.findings.known import KnownFinding
from compline.findings.regressions import Regression, RegressionKind, in_words
from compline.findings.sights import Sight, cause_of, why
from compline.model import Observation, Severity, State


@dataclass(frozen=True, slots=True)
class Touch:
    """Something that a look has changed about one witness of the finding."""

    sight: Sight
    observation: Observation
    came: bool = False
    """It is new, or back after it was gone."""
    went: bool = False
    cause: str = ""
    """Why it went."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new finding with what is told about it."""

    finding: NewFinding
    events: tuple[Event, ...]
    regression: Regression | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A known finding with what is told about it."""

    change: FindingChange | None
    events: tuple[Event, ...]
    regression: Regression | None


def settle_new(finding: str, members: Sequence[Observation], touches: Sequence[Touch]) -> Opened:
    """A finding that opens with these statements."""
    first = touches[0]
    lead = lead_of(members)
    cause = why(first.sight.look, first.sight.head, first.observation)
    made = NewFinding(
        finding,
        lead.kind,
        severity_of(members),
        max((item.confidence for item in members), key=lambda item: item.rank),
        lead.title,
        first.sight.look.revision,
    )
    data = {
        "scanners": sorted({item.scanner for item in members}),
        "revision": made.revision,
        "severity": made.severity.value,
        "cause": cause,
    }
    # New to us is not new to the world: a scanner's first look only tells what there was.
    worse = next((touch for touch in touches if not touch.sight.baseline), None)
    regression = None
    if worse is not None:
        regression = _regression(
            RegressionKind.NEW, finding, worse, made.severity, made.title, cause
        )
    return Opened(made, (Event(finding, EventKind.OPENED, data),), regression)


def settle_known(
    known: KnownFinding,
    members: Sequence[Observation],
    touches: Sequence[Touch],
    merged: Sequence[KnownFinding] = (),
) -> Changed:
    """A finding after its witnesses came, went or said something else.

    Args:
        known: as recorded.
        members: what its present witnesses say; empty if none is left.
        touches: what has changed, in the order of the looks.
        merged: findings that turned out to be this one; what was known of them is no news.
    """
    if not members:
        return _resolved(known, touches)
    severity = severity_of(members)
    confidence = max((item.confidence for item in members), key=lambda item: item.rank)
    title = lead_of(members).title
    reopened = known.state is State.RESOLVED
    change = None
    if reopened or (severity, confidence, title) != (
        known.severity,
        known.confidence,
        known.title,
    ):
        change = FindingChange(known.id, State.OPEN, severity, confidence, title, reopened)
    events: list[Event] = []
    regression = None
    if reopened:
        touch = next(item for item in touches if item.came)
        cause = why(touch.sight.look, touch.sight.head, touch.observation)
        events.append(_event(known, EventKind.REOPENED, touch, cause))
        if not touch.sight.baseline and not any(one.state is State.OPEN for one in merged):
            regression = _regression(
                RegressionKind.REOPENED, known.id, touch, severity, title, cause
            )
    else:
        for touch in touches:
            if touch.came:
                events.append(_event(known, EventKind.WITNESS_ADDED, touch, ""))
            elif touch.went:
                events.append(_event(known, EventKind.WITNESS_GONE, touch, touch.cause))
    if severity is not known.severity:
        data = {"from": known.severity.value, "to": severity.value}
        events.append(Event(known.id, EventKind.SEVERITY, data))
        worse = next((touch for touch in touches if not touch.sight.baseline), None)
        before = max(one.severity.rank for one in (known, *merged))
        if not reopened and severity.rank > before and worse is not None:
            cause = why(worse.sight.look, worse.sight.head, worse.observation)
            regression = _regression(
                RegressionKind.SEVERITY_RAISED,
                known.id,
                worse,
                severity,
                title,
                cause,
                f"from {known.severity} to {severity}: ",
            )
    return Changed(change, tuple(events), regression)


def severity_of(members: Sequence[Observation]) -> Severity:
    """The gravest that anybody knows; unknown only if nobody knows one."""
    known = [item.severity for item in members if item.severity is not Severity.UNKNOWN]
    return max(known, key=lambda item: item.rank, default=Severity.UNKNOWN)


def _resolved(known: KnownFinding, touches: Sequence[Touch]) -> Changed:
    last = next((touch for touch in reversed(touches) if touch.went), None)
    if known.state is State.RESOLVED or last is None:
        return Changed(None, (), None)
    change = FindingChange(
        known.id, State.RESOLVED, known.severity, known.confidence, known.title, cause=last.cause
    )
    return Changed(change, (_event(known, EventKind.RESOLVED, last, last.cause),), None)


def _said(cause: str) -> str:
    if cause == "unexplained":
        return "nothing known to Compline changed"
    return f"{in_words(cause.split('+'))} changed"


def lead_of(members: Sequence[Observation]) -> Observation:
    """Who speaks for the finding: the surest of the gravest, the eldest among equals."""
    return max(members, key=lambda item: (item.severity.rank, item.confidence.rank))


def _event(known: KnownFinding, kind: EventKind, touch: Touch, cause: str) -> Event:
    data: dict[str, object] = {
        "scanner": touch.sight.look.scanner,
        "revision": touch.sight.look.revision,
        "path": touch.observation.place.path,
    }
    if cause:
        data["cause"] = cause
    return Event(known.id, kind, data)


def _regression(
    kind: RegressionKind,
    finding: str,
    touch: Touch,
    severity: Severity,
    title: str,
    cause: str,
    before: str = "",
) -> Regression:
    look = touch.sight.look
    detail = f"{before}{_said(cause)}"
    told = cause_of(touch.sight, touch.observation)
    return Regression(kind, look.target, look.scanner, finding, severity, title, detail, told)
