"""One finding's life: what happened, who saw it, what proves it, who accepted it, who was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compline.findings.comparison import Happening, step
from compline.findings.graph import Reached
from compline.findings.regressions import in_words
from compline.pipeline.graph import reach_of, reached_json
from compline.pipeline.proof import Proof, prove
from compline.pipeline.session import Session
from compline.store.findings import EventView, FindingView, finding_events, get_finding
from compline.store.history import told_of, waiting_of
from compline.store.outbox import DeliveryView, deliveries_about
from compline.store.waiver_views import HoldView, WaiverView, get_waiver, list_waivers
from compline.store.worse import RegressionView


@dataclass(frozen=True)
class Accepted:
    """A waiver that has to do with the finding."""

    view: WaiverView
    hold: HoldView | None
    """What it holds, or held; None if it never was in force for the finding."""


@dataclass(frozen=True)
class Life:
    """Everything that is known of one finding."""

    asked: str
    """The id that was given; another than the finding's where that was merged."""
    finding: FindingView
    why: str
    """Why it is open or resolved, in one sentence."""
    events: tuple[EventView, ...]
    proofs: tuple[Proof, ...]
    waivers: tuple[Accepted, ...]
    regressions: tuple[RegressionView, ...]
    deliveries: tuple[DeliveryView, ...]
    waiting: int
    """Messages that wait for a digest or for the end of quiet hours."""
    reaches: tuple[Reached, ...]
    """What depends on the finding's target."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "asked": self.asked,
            "finding": self.finding.as_json(),
            "why": self.why,
            "events": [
                {
                    "at": event.at.isoformat(),
                    "run": event.run,
                    "kind": event.kind,
                    "data": dict(event.data),
                }
                for event in self.events
            ],
            "witnesses": [proof.as_json() for proof in self.proofs],
            "waivers": [_waiver_json(one) for one in self.waivers],
            "regressions": [
                {
                    "at": one.at.isoformat(),
                    "run": one.run,
                    "kind": one.regression.kind.value,
                    "detail": one.regression.detail,
                    "cause": one.regression.cause.as_json(),
                    "routed": one.routed,
                }
                for one in self.regressions
            ],
            "deliveries": [
                {
                    "id": note.id,
                    "channel": note.channel,
                    "event": note.event,
                    "state": note.state,
                    "created_at": note.created_at.isoformat(),
                    "delivered_at": note.delivered_at.isoformat() if note.delivered_at else None,
                    "error": note.error,
                }
                for note in self.deliveries
            ],
            "waiting": self.waiting,
            "reaches": [reached_json(one) for one in self.reaches],
        }


def explain(session: Session, name: str) -> Life:
    """The life of a finding, or of the one that it was merged into.

    Raises:
        StoreError: there is no such finding.
        EvidenceUnavailable: the locker cannot be reached.
    """
    store = session.store
    finding = get_finding(store, name)
    events = finding_events(store, finding.id)
    if finding.id != name:
        events = (*finding_events(store, name), *events)
    regressions = told_of(store, finding.id)
    return Life(
        asked=name,
        finding=finding,
        why=_why(finding, events, regressions),
        events=tuple(sorted(events, key=lambda event: event.at)),
        proofs=prove(session, finding.id),
        waivers=tuple(_accepted(session, finding.id)),
        regressions=regressions,
        deliveries=tuple(reversed(deliveries_about(store, finding.id))),
        waiting=waiting_of(store, finding.id),
        reaches=reach_of(session, finding.target),
    )


def told(event: EventView) -> str:
    """An event in words."""
    return step(Happening("", event.run, event.kind, event.data))


def _why(
    finding: FindingView, events: tuple[EventView, ...], regressions: tuple[RegressionView, ...]
) -> str:
    kinds = ("resolved",) if finding.state.value == "resolved" else ("opened", "reopened")
    last = next((event for event in reversed(events) if event.kind in kinds), None)
    if last is None:
        return f"it is {finding.state.value}; the event of that was let go by retention"
    data: Mapping[str, Any] = last.data
    by = data.get("scanner") or ", ".join(data.get("scanners") or ())
    parts = [f"{last.kind} in run {last.run}"]
    if by:
        parts.append(f"by {by}")
    if data.get("revision"):
        parts.append(f"at {data['revision']}")
    sentence = f"{' '.join(parts)}: {_cause(str(data.get('cause') or ''))}"
    commit = next(
        (
            one.regression.cause.commit
            for one in regressions
            if one.run == last.run and one.regression.cause.commit
        ),
        None,
    )
    if commit is not None:
        sentence += f", commit {commit.id[:12]} of {commit.author} on {commit.at:%Y-%m-%d}"
    return sentence


def _cause(text: str) -> str:
    known = {
        "": "the cause was not recorded",
        "first look": "it was there at the scanner's first look",
        "unexplained": "nothing known to Compline changed",
        "suppressed": "an inline comment that the configuration honours",
    }
    if text in known:
        return known[text]
    parts = text.split("+")
    if set(parts) <= {"code", "rules", "advisories", "settings"}:
        return f"{in_words(parts)} changed"
    return text.replace("-", " ")


def _accepted(session: Session, finding: str) -> list[Accepted]:
    found = []
    for view in list_waivers(session.store, finding=finding):
        _, holds = get_waiver(session.store, view.waiver.id)
        hold = next((one for one in holds if one.finding == finding), None)
        found.append(Accepted(view, hold))
    return found


def _waiver_json(one: Accepted) -> dict[str, Any]:
    waiver, hold = one.view.waiver, one.hold
    return {
        "id": waiver.id,
        "state": waiver.state.value,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "approver": waiver.approver,
        "expires_at": waiver.expires_at.isoformat(),
        "since": hold.since.isoformat() if hold else None,
        "voided_at": hold.voided_at.isoformat() if hold and hold.voided_at else None,
        "void": hold.void.value if hold and hold.void else "",
    }
