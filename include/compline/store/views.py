"""A finding as people, exports and pages see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from compline.findings.known import WitnessState
from compline.model import Confidence, FindingKind, Observation, Package, Place, Severity, State


@dataclass(frozen=True, slots=True)
class LocationView:
    """One place of a finding; each resolves by itself."""

    path: str
    line: int | None
    end_line: int | None
    cell: int | None
    symbol: str


@dataclass(frozen=True, slots=True)
class WitnessView:
    """What one scanner keeps seeing."""

    scanner: str
    rule: str
    state: str
    """`seen`, `unseen` (in a gap), `held`, `gone`."""
    fingerprint: str
    """The newest, as `version:value`; of what has a subject, that. Evidence, not an identity."""
    path: str
    line: int | None
    end_line: int | None
    column: int | None
    end_column: int | None
    cell: int | None
    symbol: str
    severity: Severity
    confidence: Confidence
    title: str
    aliases: tuple[str, ...]
    """Every id that its advisory was known by."""
    version: str
    fixed_version: str
    suppression: str
    """The inline comment that asks to ignore it; recorded whether it is honoured or not."""
    details: Mapping[str, str]
    first_seen: datetime
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class FindingView:
    """One defect with everything that is known of it."""

    id: str
    target: str
    kind: FindingKind
    state: State
    conditions: tuple[str, ...]
    """Several at once, see `store.filters.Condition`; those that depend on the time only where it
    was given (`AsOf`)."""
    severity: Severity
    confidence: Confidence
    title: str
    rule: str
    path: str
    line: int | None
    package: str
    """`pypi:jinja2`; empty where it is about no package."""
    version: str
    fixed_version: str
    aliases: tuple[str, ...]
    cwe: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime | None
    revision: str
    """Where it was last seen; of a resolved one where it was first seen."""
    resolved_at: datetime | None
    cause: str
    """Why it was resolved."""
    locations: tuple[LocationView, ...]
    witnesses: tuple[WitnessView, ...]
    risk: int = 0
    """Orders lists, see `findings.risk`."""
    due_at: datetime | None = None
    """When its remediation deadline ends; None: never."""
    waived_until: datetime | None = None
    """When the last of the waivers in force ends; None: it is not waived."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, as `compline findings --format json` prints them."""
        values: dict[str, Any] = _plain(asdict(self))
        return values


@dataclass(frozen=True, slots=True)
class Sighted:
    """A witness's row, with what its scanner's last look adds."""

    state: WitnessState
    observation: Observation
    first_seen: datetime
    last_seen: datetime | None
    revision: str
    """Of its scanner's last completed look."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """The time at which findings are looked at; some conditions depend on it."""

    now: datetime
    stale_since: datetime
    """What nobody has looked at since then is stale."""


def finding_view(
    row: Any, target: str, sighted: Sequence[Sighted], as_of: AsOf | None = None
) -> FindingView:
    """A row of `findings` with its witnesses, the eldest first."""
    present = [item for item in sighted if item.state is not WitnessState.GONE]
    shown = present or list(sighted)
    lead = max(shown, key=lambda item: _grave(item.observation), default=None)
    observation = lead.observation if lead else None
    place = observation.place if observation else Place()
    package = _package(shown)
    return FindingView(
        id=row.id,
        target=target,
        kind=FindingKind(row.kind),
        state=State(row.state),
        conditions=_conditions(row, present, as_of),
        severity=Severity(row.severity),
        confidence=Confidence(row.confidence),
        title=row.title,
        rule=observation.rule if observation else "",
        path=place.path,
        line=place.line,
        package=f"{package.ecosystem}:{package.name}" if package else "",
        version=package.version if package else "",
        fixed_version=package.fixed_version if package else "",
        aliases=_joined(item.observation.aliases for item in shown),
        cwe=_joined(item.observation.cwe for item in shown),
        first_seen=row.first_seen,
        last_seen=max((item.last_seen for item in sighted if item.last_seen), default=None),
        revision=lead.revision if lead and present else row.first_revision,
        resolved_at=row.resolved_at,
        cause=row.cause,
        locations=tuple(dict.fromkeys(_location(item.observation.place) for item in shown)),
        witnesses=tuple(_witness(item) for item in sighted),
        risk=row.risk,
        due_at=row.due_at if row.state == State.OPEN.value else None,
        waived_until=row.waived_until,
    )


def _grave(observation: Observation) -> tuple[bool, int, int]:
    known = observation.severity is not Severity.UNKNOWN
    return known, observation.severity.rank, observation.confidence.rank


def _conditions(row: Any, present: Sequence[Sighted], as_of: AsOf | None) -> tuple[str, ...]:
    states = {item.state for item in present}
    conditions = []
    waived = row.waived_until is not None and (as_of is None or row.waived_until > as_of.now)
    if waived and present:
        conditions.append("waived")
    if as_of is not None and present:
        seen = [item.last_seen for item in present if item.last_seen]
        if not seen or max(seen) < as_of.stale_since:
            conditions.append("stale")
    if WitnessState.HELD in states:
        conditions.append("held")
    if states == {WitnessState.UNSEEN}:
        conditions.append("unseen")
    if as_of is not None and present and not waived and row.due_at and row.due_at <= as_of.now:
        conditions.append("overdue")
    return tuple(conditions)


def _package(shown: Sequence[Sighted]) -> Package | None:
    """Of several statements about one package, one that knows a fixed version."""
    packages = [item.observation.package for item in shown if item.observation.package]
    return max(packages, key=lambda item: bool(item.fixed_version), default=None)


def _joined(groups: Any) -> tuple[str, ...]:
    return tuple(sorted({item for group in groups for item in group}))


def _location(place: Place) -> LocationView:
    return LocationView(place.path, place.line, place.end_line, place.cell, place.symbol)


def _witness(item: Sighted) -> WitnessView:
    observation, place = item.observation, item.observation.place
    newest = next((f"{name}:{value}" for name, value in observation.fingerprints), "")
    return WitnessView(
        scanner=observation.scanner,
        rule=observation.rule,
        state=item.state.value,
        fingerprint=newest or observation.subject,
        path=place.path,
        line=place.line,
        end_line=place.end_line,
        column=place.column,
        end_column=place.end_column,
        cell=place.cell,
        symbol=place.symbol,
        severity=observation.severity,
        confidence=observation.confidence,
        title=observation.title,
        aliases=observation.aliases,
        version=observation.package.version if observation.package else "",
        fixed_version=observation.package.fixed_version if observation.package else "",
        suppression=observation.suppression,
        details=dict(observation.details),
        first_seen=item.first_seen,
        last_seen=item.last_seen,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
