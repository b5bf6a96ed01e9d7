"""A message as data: what the outbox keeps until a channel words it in its own manner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from compline.findings.graph import Reach
from compline.findings.regressions import Cause, Regression, in_words
from compline.model import RegressionKind, Severity

LISTED = 10
"""Entries that a message lists, the worst first; the others are counted."""


class Event(StrEnum):
    """What a message says of its subject."""

    OPENED = "opened"
    UPDATED = "updated"
    """Something more in a thread that is open."""
    REMINDER = "reminder"
    RESOLVED = "resolved"
    TEST = "test"


class Form(StrEnum):
    """How many things a message is about."""

    SINGLE = "single"
    FLOOD = "flood"
    """More than could be told one by one."""
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is told; texts are as the scanned repository had them."""

    event: Event
    kind: str
    about: str
    """A finding's id, `target/scanner`, ..."""
    target: str
    scanner: str
    severity: str
    """Empty where it has none."""
    title: str
    detail: str = ""
    why: str = ""
    """What changed and who did it; of a resolution what became of it."""
    owners: tuple[str, ...] = ()
    since: str = ""
    """ISO date from which on it has been open, in reminders."""
    reach: Reach = field(default_factory=Reach)
    """What depends on the target."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one delivery says."""

    organisation: str
    form: Form
    event: Event
    rule: str
    title: str
    """The same in all messages of a thread."""
    entries: tuple[Entry, ...]
    """The worst, at most `LISTED`."""
    total: int = 1
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """`severity`, `event`, `target` to value to number."""
    closes: tuple[str, ...] = ()
    """First deliveries of threads that end with this message."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Message:
        """Reads what `as_json` gave; what an earlier version has left is worded by itself."""
        if "entries" not in value:
            entry = Entry(Event.OPENED, "", "", "", "", "", str(value.get("body", "")))
            return cls("", Form.SINGLE, Event.OPENED, "", str(value.get("subject", "")), (entry,))
        entries = tuple(
            Entry(
                **{
                    **one,
                    "event": Event(one["event"]),
                    "owners": tuple(one["owners"]),
                    "reach": _reach(one.get("reach")),
                }
            )
            for one in value["entries"]
        )
        return cls(
            value["organisation"],
            Form(value["form"]),
            Event(value["event"]),
            value["rule"],
            value["title"],
            entries,
            value["total"],
            value["counts"],
            tuple(value["closes"]),
        )


def _reach(value: Mapping[str, Any] | None) -> Reach:
    """What an earlier version has left does not say it."""
    return Reach(tuple(value["foremost"]), value["total"]) if value else Reach()


def why(cause: Cause) -> str:
    """`code changed: 1a2b3c4d5e6f by Name <address>, 2026-01-01`; empty where nothing is known."""
    parts = []
    if cause.changed:
        parts.append(f"{in_words(cause.changed)} changed")
    if cause.commit is not None:
        commit = cause.commit
        parts.append(f"{commit.id[:12]} by {commit.author}, {commit.at:%Y-%m-%d}")
    return ": ".join(parts)


def title_of(regression: Regression) -> str:
    """What the thread of one subject is called."""
    graded = regression.severity is not None and regression.kind is not RegressionKind.BASELINE
    severity = f"{regression.severity}: " if graded else ""
    if not regression.target or regression.target in regression.title:
        about = "" if regression.target else f" ({regression.subject})"
        return f"{severity}{regression.title}{about}"
    return f"{severity}{regression.target}: {regression.title} ({regression.subject})"


def ungraded(title: str) -> str:
    """A thread's title without the severity in front, for where that is told beside it."""
    severity, _, rest = title.partition(": ")
    return rest if severity in frozenset(Severity) else title


def worst_first(entries: Sequence[Entry]) -> list[Entry]:
    """By severity; what has none stands between medium and high, what is resolved comes last."""

    def place(entry: Entry) -> tuple[bool, float, str, str]:
        rank = Severity(entry.severity).rank if entry.severity else 2.5
        return entry.event is Event.RESOLVED, -rank, entry.target, entry.about

    return sorted(entries, key=place)


def counts_of(entries: Sequence[Entry]) -> dict[str, dict[str, int]]:
    """How many by severity (the gravest first), event and target."""
    by_severity = Counter(entry.severity or "other" for entry in entries)
    graded = [*sorted(Severity, key=lambda one: -one.rank), "other"]
    return {
        "severity": {str(one): by_severity[one] for one in graded if by_severity[one]},
        "event": dict(Counter(entry.event.value for entry in entries)),
        "target": dict(Counter(entry.target for entry in entries).most_common()),
    }
