"""What got worse against the last completed look, as values for alerts and for people.

The first completed look of a scanner at a target is the baseline: nothing in it is worse than
before, and one summary tells what there was. A new kind is a member of `RegressionKind` (in
`compline.kinds`, since rules in the configuration name them) and one function that says when it
happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from compline.findings.known import Head
from compline.model import Failed, Look, Severity, Skipped
from compline.model import RegressionKind as RegressionKind

STALE_ADVISORIES = "stale advisories"
"""How a look's warning about old advisory data begins."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Who changed a place last; an author's name comes from the repository: escape it."""

    id: str
    author: str
    """`Name <address>` as the commit has it."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something got worse, as far as it is known."""

    changed: tuple[str, ...] = ()
    """Of `code`, `settings` (of a service), `rules`, `advisories` what differs from the last
    completed look; empty where nothing known differs, or where only time has passed."""
    base: str = ""
    """The revision of the last completed look."""
    revision: str = ""
    """The revision looked at now."""
    commit: Commit | None = None
    """Who changed the place; None where the code did not change or the history does not reach."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, without what is empty; the inverse of `from_json`."""
        value: dict[str, Any] = {"changed": list(self.changed)} if self.changed else {}
        value |= {
            name: text for name, text in (("base", self.base), ("revision", self.revision)) if text
        }
        if self.commit is not None:
            value["commit"] = {
                "id": self.commit.id,
                "author": self.commit.author,
                "at": self.commit.at.isoformat(),
            }
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Cause:
        """Reads what `as_json` gave."""
        commit = value.get("commit")
        return cls(
            tuple(value.get("changed", ())),
            value.get("base", ""),
            value.get("revision", ""),
            Commit(commit["id"], commit["author"], datetime.fromisoformat(commit["at"]))
            if commit
            else None,
        )


_WORDS = {"settings": "what the service answers"}


def in_words(causes: Iterable[str]) -> str:
    """`code and rules`, as people read it: `settings` of a service are its own, not Compline's."""
    return " and ".join(_WORDS.get(one, one) for one in causes)


@dataclass(frozen=True, slots=True)
class Regression:
    """Something that got worse."""

    kind: RegressionKind
    target: str
    """Its name; empty where it is about the whole organisation (a waiver of many targets)."""
    scanner: str
    """Whose look has shown it, of a finding the one that saw it first; empty where none did."""
    subject: str
    """A finding's id, `target/scanner`, a target's name, or a waiver's id; one thread of alerts
    per subject."""
    severity: Severity | None
    """Of the finding; None where it is about coverage."""
    title: str
    detail: str
    """Why: what changed, or what is wrong with the mending command."""
    cause: Cause = field(default_factory=Cause)


def stale(look: Look) -> bool:
    """Whether the look used advisories older than the configured limit."""
    return any(warning.startswith(STALE_ADVISORIES) for warning in look.warnings)


def coverage_lost(
    look: Look, head: Head | None, *, witnesses: int, into_gaps: Sequence[str]
) -> Regression | None:
    """Whether something that was looked at before is not any more.

    Args:
        look: the new one.
        head: what is known of the looks before.
        witnesses: how many witnesses the scanner has in the target.
        into_gaps: paths of findings that a gap covers since this look.
    """
    if head is None or head.completed_at is None:
        return None  # there was nothing to lose yet
    if isinstance(look.outcome, Failed):
        if head.outcome == "failed" or look.outcome.canary_missed:
            return None  # told when it began, or as what it is
        title = f"{look.scanner} could not look at {look.target}"
        detail = look.outcome.error
    elif isinstance(look.outcome, Skipped):
        if head.outcome != "completed" or not witnesses:
            return None
        title = f"{look.scanner} skips {look.target}, where it has {witnesses} open findings"
        detail = look.outcome.reason
    elif into_gaps:
        places = ", ".join(sorted(set(into_gaps))[:3])
        title = f"{look.scanner} no longer covers {len(into_gaps)} findings of {look.target}"
        detail = f"gaps now cover {places}"
    else:
        return None
    return _of_coverage(RegressionKind.COVERAGE_LOST, look, title, detail)


def canary_missed(look: Look, head: Head | None) -> Regression | None:
    """Whether a scanner that could be trusted does not report a planted defect any more."""
    if not (isinstance(look.outcome, Failed) and look.outcome.canary_missed):
        return None
    if head is not None and head.outcome == "failed":
        return None  # told when it began
    title = f"{look.scanner} does not report a planted defect, so it is not trusted"
    return _of_coverage(RegressionKind.CANARY_MISSED, look, title, look.outcome.error)


def advisories_stale(look: Look, head: Head | None) -> Regression | None:
    """Whether the look is the first with advisories beyond their age limit."""
    if head is None or head.completed_at is None or head.stale_advisories or not stale(look):
        return None
    detail = next(text for text in look.warnings if text.startswith(STALE_ADVISORIES))
    title = f"{look.scanner} looked at {look.target} with old advisories"
    return _of_coverage(RegressionKind.ADVISORIES_STALE, look, title, detail)


def drop_held(look: Look, head: Head | None, *, lost: int, shown: int) -> Regression | None:
    """The news that a drop is held; None when that was told before."""
    if head is not None and head.held_lost:
        return None
    title = f"{look.scanner} lost {lost} of {lost + shown} findings of {look.target}"
    detail = (
        "little of its input changed, so nothing was closed; a second, fresh scan that agrees "
        f"releases it, or `compline accept-drop {look.target} {look.scanner}`"
    )
    return _of_coverage(RegressionKind.DROP_HELD, look, title, detail)


def baseline(
    target: str, scanners: Sequence[str], severities: Mapping[Severity, int]
) -> Regression | None:
    """The one summary of what first looks at a target have found; None where that is nothing.

    Args:
        target: its name.
        scanners: those whose first completed look it was.
        severities: how many findings of each they have found, waived ones not counted.
    """
    order = sorted((item for item in severities if severities[item]), key=lambda item: -item.rank)
    if not order:
        return None
    total = sum(severities.values())
    counts = ", ".join(f"{severities[severity]} {severity.value}" for severity in order)
    return Regression(
        RegressionKind.BASELINE,
        target,
        scanners[0] if len(scanners) == 1 else "",
        f"{target}/baseline",
        order[0],
        f"first look at {target}: {total} finding{'' if total == 1 else 's'}",
        f"{counts}, looked at by {', '.join(scanners)}; from now on only what is worse is told",
    )


def waiver_voided(
    target: str, scanner: str, finding: str, severity: Severity, title: str, why: str
) -> Regression:
    """An accepted risk counts again, since the finding is not what was accepted."""
    detail = f"its waiver is void: {why}; look at it again, then `compline waive add` if need be"
    return Regression(
        RegressionKind.WAIVER_VOIDED, target, scanner, finding, severity, title, detail
    )


def waiver_expired(
    waiver: str, owner: str, finding: tuple[str, str, Severity, str] | None, count: int
) -> Regression:
    """An accepted risk counts again, since its time is over.

    Args:
        waiver: its id.
        owner: who answers for it.
        finding: (target, id, severity, title) where it was about one; else it was about many.
        count: how many open findings count again.
    """
    detail = f"the waiver {waiver} of {owner} is over; mend it, or `compline waive add` again"
    if finding is not None:
        target, name, severity, title = finding
        return Regression(RegressionKind.WAIVER_EXPIRED, target, "", name, severity, title, detail)
    title = f"a waiver is over: {count} finding{'' if count == 1 else 's'} count again"
    return Regression(RegressionKind.WAIVER_EXPIRED, "", "", waiver, None, title, detail)


def deadline_missed(
    target: str, finding: str, severity: Severity, title: str, due_at: datetime
) -> Regression:
    """A finding is open, and not waived, beyond its remediation deadline."""
    detail = f"it was to be resolved or waived by {due_at.date().isoformat()}"
    return Regression(RegressionKind.DEADLINE_MISSED, target, "", finding, severity, title, detail)


def target_vanished(target: str, findings: int) -> Regression:
    """A target is not listed any more."""
    title = f"{target} is no longer listed"
    detail = (
        f"its {findings} open finding{'' if findings == 1 else 's'} stay open until it is "
        "certain: list it again, or let `lifecycle.stale_days` pass"
    )
    return Regression(RegressionKind.TARGET_VANISHED, target, "", target, None, title, detail)


def target_stale(target: str, scanner: str, since: datetime | None) -> Regression:
    """Nobody has been able to look for longer than the configured limit.

    Args:
        target: its name.
        scanner: who could not look; empty where nobody ever tried.
        since: the last completed look; None where there was none.
    """
    when = f"since {since.date().isoformat()}" if since else "yet"
    subject = f"{target}/{scanner}" if scanner else target
    title = f"{f'{scanner} has not' if scanner else 'nobody has'} looked at {target} {when}"
    detail = "what is known of it is stale: see `compline coverage` for what is in the way"
    return Regression(RegressionKind.TARGET_STALE, target, scanner, subject, None, title, detail)


def _of_coverage(kind: RegressionKind, look: Look, title: str, detail: str) -> Regression:
    subject = f"{look.target}/{look.scanner}"
    return Regression(kind, look.target, look.scanner, subject, None, title, detail)
