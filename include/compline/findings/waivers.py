"""Accepted risks, as values: what a waiver selects, how long it may last, when it is void.

A waiver is about one finding, or about whatever matches its selector (a rule somewhere). It is in
force for a finding from a moment on, with the finding's severity and code of that moment; when the
severity rises, or the code changes its meaning, it is void for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from compline.findings.known import SUBJECT_KINDS
from compline.model import Observation, Severity


class Source(StrEnum):
    """Where a waiver is written."""

    CLI = "cli"
    FILE = "file"
    """The reviewed waivers.yaml."""
    INLINE = "inline"
    """A comment or an ignore file in the scanned repository."""


class WaiverState(StrEnum):
    """Whether a waiver counts; only an active one does."""

    PENDING = "pending"
    """Another person has to approve it."""
    ACTIVE = "active"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Void(StrEnum):
    """Why a waiver is no longer in force for a finding."""

    SEVERITY = "severity"
    CODE = "code"
    SELECTOR = "selector"
    """What it selects does not fit the finding any more."""
    COMMENT = "comment"
    """The comment in the code is gone."""


VOIDED: Mapping[Void, str] = {
    Void.SEVERITY: "its severity rose",
    Void.CODE: "its code changed",
    Void.SELECTOR: "the waiver does not select it any more",
    Void.COMMENT: "the comment that asked for it is gone",
}


@dataclass(frozen=True, slots=True)
class Selector:
    """Which findings, by globs (`*` matches `/` too); an empty part matches all."""

    rules: tuple[str, ...] = ()
    """Of rule ids, and of every alias of an advisory."""
    scanners: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """The target's, each value a glob."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, without what is empty; the inverse of `from_json`."""
        parts = asdict(self)
        return {
            name: dict(value) if isinstance(value, Mapping) else list(value)
            for name, value in parts.items()
            if value
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Selector:
        """Reads what `as_json` gave."""
        lists = {name: tuple(value.get(name, ())) for name in _LISTS}
        return cls(labels=dict(value.get("labels", {})), **lists)

    def fits_target(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether anything in the target can match."""
        return _any(self.targets, (name,)) and all(
            label in labels and fnmatchcase(labels[label], pattern)
            for label, pattern in self.labels.items()
        )

    def fits(self, observations: Sequence[Observation]) -> bool:
        """Whether it matches all that is said of a finding: each tool, each place.

        What another tool says of the same defect, or what lies at another place, is waived only
        if the selector fits that too. The target is not looked at.
        """
        return bool(observations) and all(
            _any(self.rules, (item.rule, *item.aliases))
            and _any(self.scanners, (item.scanner,))
            and _any(self.paths, (item.place.path,))
            for item in observations
        )


_LISTS = ("rules", "scanners", "targets", "paths")


@dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted risk."""

    id: str
    source: Source
    state: WaiverState
    reason: str
    owner: str
    """Who answers for the risk."""
    created_at: datetime
    expires_at: datetime
    finding: str = ""
    """Of one finding; empty: of what the selector matches."""
    selector: Selector = field(default_factory=Selector)
    requester: str = ""
    approver: str = ""
    key: str = ""
    """What a file's entry or a comment is found again by."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """Where it is written: path, line, commit, author."""

    def counts(self, at: datetime) -> bool:
        """Whether it is in force at that time at all."""
        return self.state is WaiverState.ACTIVE and self.expires_at > at


@dataclass(frozen=True, slots=True)
class Waived:
    """A waiver's hold on one finding, with what the finding was like when it began."""

    waiver: str
    finding: str
    rank: int
    """The severity's; a higher one voids it."""
    code: tuple[tuple[str, str], ...] = ()
    """The newest fingerprint of each witness; when none of them is left it is void. Empty where
    the finding has no code of its own."""
    void: Void | None = None


@dataclass(frozen=True, slots=True)
class WaiverPolicy:
    """Who may accept a risk, and for how long."""

    longest_days: Mapping[Severity, int] = field(default_factory=dict)
    """A severity that is not named may be waived for as long as one likes."""
    second_person: frozenset[Severity] = frozenset()

    def too_long(self, waiver: Waiver, severity: Severity) -> bool:
        """Whether it lasts longer than a finding of this severity may be waived for."""
        most = self.longest_days.get(severity)
        return most is not None and waiver.expires_at > waiver.created_at + timedelta(days=most)

    def lacks_approval(self, waiver: Waiver, severity: Severity) -> bool:
        """Whether another person than the requester must still approve it."""
        return severity in self.second_person and waiver.approver in ("", waiver.requester)

    def allows(self, waiver: Waiver, severity: Severity) -> bool:
        """Whether the waiver may be in force for a finding of this severity."""
        return not (self.too_long(waiver, severity) or self.lacks_approval(waiver, severity))


def begin(waiver: str, finding: str, rank: int, observations: Iterable[Observation]) -> Waived:
    """The waiver's hold on a finding as it is now."""
    return Waived(waiver, finding, rank, code_of(observations))


def code_of(observations: Iterable[Observation]) -> tuple[tuple[str, str], ...]:
    """The newest fingerprint of each statement about code."""
    return tuple(
        sorted(
            {
                item.fingerprints[0]
                for item in observations
                if item.kind not in SUBJECT_KINDS and item.fingerprints
            }
        )
    )


def void_of(
    held: Waived, waiver: Waiver, rank: int, observations: Sequence[Observation]
) -> Void | None:
    """Why the hold is over for a finding as it is now; None while it stands.

    A selector's waiver accepts whatever code its rule meets there, so other code does not void it;
    the same code as a new finding would open waived. A hold that was over because of the selector
    or the comment stands again when they fit again; others are over for good.
    """
    if held.void in (Void.SEVERITY, Void.CODE):
        return held.void
    if rank > held.rank:
        return Void.SEVERITY
    if not waiver.finding:
        return None if waiver.selector.fits(observations) else Void.SELECTOR
    now = {pair for item in observations for pair in item.fingerprints}
    if held.code and now.isdisjoint(held.code):
        return Void.CODE
    if waiver.source is Source.INLINE and not suppressed(observations):
        return Void.COMMENT
    return None


def suppressed(observations: Sequence[Observation]) -> bool:
    """Whether comments in the code ask to ignore everything that is said of a finding."""
    return bool(observations) and all(item.suppression for item in observations)


def _any(patterns: Sequence[str], words: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(word, glob) for glob in patterns for word in words)
