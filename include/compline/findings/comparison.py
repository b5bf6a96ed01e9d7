"""The difference of two runs, worked out from events: what opened, what resolved, what changed.

Pure. Each difference is put down to what brought it about: the code, the rules (and tools and
options), the advisories, or something else (the configuration of a service, a person's decision).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compline.findings.decision import EventKind
from compline.findings.regressions import in_words
from compline.model import Severity

CAUSES = ("code", "rules", "advisories", "other")
"""What a difference is split into; one may have several."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of one finding."""

    finding: str
    run: int
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What is told of a finding beside its difference."""

    target: str
    title: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Basis:
    """What a scanner's look at a target stood on."""

    revision: str = ""
    method: str = ""
    """Tool, adapter, rules and options in one digest."""
    advisories: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one finding between two runs."""

    finding: str
    what: str
    """`opened`, `resolved` or `changed`."""
    causes: tuple[str, ...]
    """Of `CAUSES`."""
    about: About
    steps: tuple[str, ...] = ()
    """What happened on the way, in words, in order."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What of a look's basis differs between two runs."""

    target: str
    scanner: str
    causes: tuple[str, ...]
    before: Basis | None
    after: Basis | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side."""

    differences: tuple[Difference, ...] = ()
    moved: tuple[Moved, ...] = ()

    def of(self, what: str, cause: str = "") -> tuple[Difference, ...]:
        """The differences of one sort, of one cause if that is given."""
        return tuple(
            one
            for one in self.differences
            if one.what == what and (not cause or cause in one.causes)
        )


def compare(
    events: Iterable[Happening],
    about: Mapping[str, About],
    before: Mapping[tuple[str, str], Basis],
    after: Mapping[tuple[str, str], Basis],
    *,
    since: int,
) -> Comparison:
    """What lies between the end of one run and the end of a later one.

    Args:
        events: of every finding that something happened to in between: all of its events up to
            the later run, the oldest first.
        about: those findings.
        before: what looks stood on at the earlier run, by target and scanner.
        after: the same at the later run.
        since: the number of the earlier run; events of later ones are in between.
    """
    by_finding: defaultdict[str, list[Happening]] = defaultdict(list)
    for event in events:
        by_finding[event.finding].append(event)
    moved = _moved(before, after)
    by_target: defaultdict[str, set[str]] = defaultdict(set)
    for one in moved:
        by_target[one.target].update(one.causes)
    differences: list[Difference] = []
    for finding, happened in by_finding.items():
        known = about[finding]
        found = _difference(finding, happened, known, since, by_target[known.target])
        if found is not None:
            differences.append(found)
    order = {"opened": 0, "changed": 1, "resolved": 2}
    return Comparison(
        tuple(
            sorted(
                differences,
                key=lambda one: (order[one.what], -one.about.severity.rank, one.finding),
            )
        ),
        moved,
    )


def causes_of(text: str) -> tuple[str, ...]:
    """An event's cause (`code+rules`) as those that differences are split into."""
    found = {
        part if part in CAUSES else "other" for part in text.split("+") if part and part != "none"
    }
    return tuple(cause for cause in CAUSES if cause in found)


@dataclass(slots=True)
class _Life:
    """A finding as its events leave it."""

    open: bool = False
    merged: bool = False
    causes: list[str] = field(default_factory=list)

    def take(self, event: Happening) -> None:
        if event.kind in (EventKind.OPENED, EventKind.REOPENED):
            self.open = True
        elif event.kind == EventKind.RESOLVED:
            self.open = False
        elif event.kind == EventKind.MERGED and "into" in event.data:
            self.merged = True
        elif event.kind == EventKind.PARTED:
            self.merged = False


def _difference(
    finding: str,
    happened: Sequence[Happening],
    about: About,
    since: int,
    of_target: Iterable[str],
) -> Difference | None:
    life = _Life()
    for event in happened:
        if event.run <= since:
            life.take(event)
    was_open, was_merged = life.open, life.merged
    between = [event for event in happened if event.run > since]
    for event in between:
        life.take(event)
    if not between or (was_merged and life.merged):
        return None
    kinds: tuple[EventKind, ...] = ()
    if life.open and not was_open:
        what, kinds = "opened", (EventKind.OPENED, EventKind.REOPENED)
    elif was_open and not life.open:
        what, kinds = "resolved", (EventKind.RESOLVED,)
    elif life.open:
        what = "changed"
    else:
        what, kinds = "changed", (EventKind.RESOLVED,)  # it came and went
    told = [str(event.data.get("cause") or "") for event in between if event.kind in kinds]
    causes = causes_of(told[-1]) if told and told[-1] else ()
    if not causes:
        # Events that carry no cause of their own stand for what differs of the target's looks.
        found = set(of_target)
        causes = tuple(cause for cause in CAUSES if cause in found) or ("other",)
    return Difference(finding, what, causes, about, tuple(map(step, between)))


def step(event: Happening) -> str:
    """An event in words."""
    data = event.data
    said = {
        EventKind.SEVERITY: f"severity from {data.get('from')} to {data.get('to')}",
        EventKind.MOVED: f"moved from {data.get('from')} to {data.get('to')}",
        EventKind.MERGED: f"merged into {data['into']}"
        if "into" in data
        else f"took in {data.get('from')}",
        EventKind.WITNESS_ADDED: f"also seen by {data.get('scanner')}",
        EventKind.WITNESS_GONE: f"no longer seen by {data.get('scanner')}",
        EventKind.HELD: f"held: a drop of {data.get('scanner')} is not believed",
        EventKind.PARTED: "parted from what it was merged with",
    }.get(EventKind(event.kind), event.kind)
    cause = str(data.get("cause") or "")
    return f"{said} in run {event.run}" + (f" ({in_words(cause.split('+'))})" if cause else "")


def _moved(
    before: Mapping[tuple[str, str], Basis], after: Mapping[tuple[str, str], Basis]
) -> tuple[Moved, ...]:
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        causes = []
        if old is None or new is None:
            causes.append("other")
        else:
            if old.revision != new.revision:
                causes.append("code")
            if old.method != new.method:
                causes.append("rules")
            if old.advisories != new.advisories:
                causes.append("advisories")
            if old.outcome != new.outcome:
                causes.append("other")
        if causes:
            found.append(Moved(*key, tuple(causes), old, new))
    return tuple(found)
