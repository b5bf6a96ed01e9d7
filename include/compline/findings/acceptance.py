"""What a record does to waivers: which begin to be in force, and which are void from now on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from compline.findings.history import History
from compline.findings.waivers import (
    Source,
    Void,
    Waived,
    Waiver,
    WaiverPolicy,
    WaiverState,
    begin,
    code_of,
    suppressed,
    void_of,
)
from compline.model import Observation, Severity, digest_of

_UNLIMITED = timedelta(days=365)
"""How long a comment counts for severities whose waivers have no longest time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An open finding as it is after the looks."""

    finding: str
    severity: Severity
    observations: tuple[Observation, ...]
    """What its present witnesses say."""


@dataclass(frozen=True, slots=True)
class Acceptances:
    """The waivers that matter for one target."""

    selecting: tuple[Waiver, ...] = ()
    """Active ones whose selector fits the target."""
    holding: Mapping[str, Waiver] = field(default_factory=dict)
    """By id, all that hold, or held, a finding of the target."""
    holds: Mapping[str, tuple[Waived, ...]] = field(default_factory=dict)
    """By finding."""


@dataclass(frozen=True, slots=True)
class WaiverChanges:
    """What becomes of waivers."""

    made: tuple[Waiver, ...] = ()
    """Out of comments in the code."""
    begun: tuple[Waived, ...] = ()
    """Holds that are new, or stand again."""
    voided: tuple[Waived, ...] = ()
    in_force: frozenset[str] = frozenset()
    """Of the findings that were judged those that are waived now."""
    lapsed: tuple[tuple[str, Void], ...] = ()
    """Findings that count again, and why."""


def judge(
    standing: Sequence[Standing],
    known: Acceptances,
    policy: WaiverPolicy,
    at: datetime,
    comments: Callable[[Standing], Waiver] | None,
) -> WaiverChanges:
    """What becomes of the waivers of these findings.

    Args:
        standing: the findings that are open and of which something has changed.
        known: the waivers that matter.
        policy: who may waive what for how long.
        at: the time of the look.
        comments: makes the waiver that comments in the code ask for; None where they are not
            honoured.
    """
    made: list[Waiver] = []
    begun: list[Waived] = []
    voided: list[Waived] = []
    lapsed: list[tuple[str, Void]] = []
    in_force: set[str] = set()
    for one in standing:
        rank, said = one.severity.rank, one.observations
        held_before = False
        waived = False
        why = Void.SELECTOR
        holds = known.holds.get(one.finding, ())
        for held in holds:
            waiver = known.holding[held.waiver]
            void = void_of(held, waiver, rank, said)
            held_before |= held.void is None and waiver.counts(at)
            waived |= void is None and waiver.counts(at)
            if void is not held.void:
                (begun if void is None else voided).append(replace(held, void=void))
                why = void or why
        there = {held.waiver for held in holds}
        for waiver in known.selecting:
            fits = waiver.id not in there and waiver.selector.fits(said)
            if fits and waiver.counts(at) and policy.allows(waiver, one.severity):
                begun.append(begin(waiver.id, one.finding, rank, said))
                waived = True
        if comments is not None and suppressed(said):
            key = comment_key(one)
            if all(known.holding[held.waiver].key != key for held in holds):
                waiver = comments(one)
                made.append(waiver)
                begun.append(begin(waiver.id, one.finding, rank, said))
                waived |= waiver.counts(at)
        if waived:
            in_force.add(one.finding)
        elif held_before:
            lapsed.append((one.finding, why))
    return WaiverChanges(
        tuple(made), tuple(begun), tuple(voided), frozenset(in_force), tuple(lapsed)
    )


def comment_waiver(
    standing: Standing,
    name: str,
    policy: WaiverPolicy,
    at: datetime,
    history: History,
) -> Waiver:
    """The waiver that comments in the code ask for, with who wrote the line.

    It lasts as long as the configuration allows at most, from when it was first seen, and may need
    another person's approval like any other.
    """
    first = standing.observations[0]
    place = first.place
    commit = history.get((place.path, place.line))
    origin = {"path": place.path, "line": place.line, "comment": first.suppression}
    if commit is not None:
        origin |= {"commit": commit.id, "author": commit.author, "at": commit.at.isoformat()}
    author = commit.author if commit else ""
    days = policy.longest_days.get(standing.severity)
    waits = standing.severity in policy.second_person
    where = place.path if place.line is None else f"{place.path}:{place.line}"
    return Waiver(
        id=name,
        source=Source.INLINE,
        state=WaiverState.PENDING if waits else WaiverState.ACTIVE,
        reason=f"{first.suppression} at {where}",
        owner=author or "the author of the line",
        requester=author,
        created_at=at,
        expires_at=at + (_UNLIMITED if days is None else timedelta(days=days)),
        finding=standing.finding,
        key=comment_key(standing),
        origin=origin,
    )


def comment_key(standing: Standing) -> str:
    """What a comment's waiver is known by: finding and code, so that other code asks anew."""
    return f"inline:{standing.finding}:{digest_of(code_of(standing.observations))[:16]}"
