"""What an alert says in words, in the manner of its channel."""

from __future__ import annotations

from collections.abc import Mapping

from compline.alerts.escape import Escape
from compline.alerts.messages import Entry, Event, Form, Message

_SUBJECT = 150
_TARGETS = 5
"""Targets that a summary names with their numbers."""
_REACHED = 3
"""Assets that a message names of those that a target reaches."""


def subject_line(message: Message, escape: Escape) -> str:
    """One line, the same for every message of a thread."""
    organisation = f"[Compline {escape(message.organisation, 60)}] "
    return f"{organisation}{escape(message.title, _SUBJECT)}"


def body(message: Message, escape: Escape, most: int = 8_000) -> str:
    """The text; where it would be longer than the channel takes, fewer entries are listed."""
    if message.form is Form.SINGLE:
        return "\n\n".join(_whole(entry, escape) for entry in message.entries)[:most]
    for listed in range(len(message.entries), -1, -1):
        text = _summary(message, escape, listed)
        if len(text) <= most:
            return text
    return text[:most]


def _summary(message: Message, escape: Escape, listed: int) -> str:
    severities = _numbers(message.counts["severity"])
    events = message.counts["event"]
    targets = list(message.counts["target"].items())
    named = {escape(name, 80) or "all": number for name, number in targets[:_TARGETS]}
    others = f" and {len(targets) - _TARGETS} more" if len(targets) > _TARGETS else ""
    lines = [
        f"{message.total} in all: {severities}",
        *([f"of these {_numbers(events)}"] if set(events) != {Event.OPENED.value} else []),
        f"targets: {_numbers(named)}{others}",
        "",
        *(_line(entry, escape) for entry in message.entries[:listed]),
    ]
    if message.total > listed:
        lines.append(f"... and {message.total - listed} more: compline findings --state open")
    return "\n".join(lines)


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _line(entry: Entry, escape: Escape) -> str:
    severity = f" [{entry.severity}]" if entry.severity else ""
    where = f" {escape(entry.target, 80)}:" if entry.target not in entry.title else ""
    ending = f" ({escape(entry.why, 120)})" if entry.event is Event.RESOLVED and entry.why else ""
    reached = entry.reach.words(1, lambda name: escape(name, 60))
    reach = f", reaches {reached}" if reached else ""
    return (
        f"- {_word(entry)}{severity}{where} {escape(entry.title, 160)}"
        f" [{escape(entry.about, 100)}]{ending}{reach}"
    )


def _whole(entry: Entry, escape: Escape) -> str:
    severity = f", {entry.severity}" if entry.severity else ""
    facts = [
        ("target", entry.target),
        ("scanner", entry.scanner),
        ("subject", entry.about if entry.about != entry.target else ""),
        ("open since", entry.since),
        ("what became of it" if entry.event is Event.RESOLVED else "why", entry.why),
        ("owners", ", ".join(entry.owners)),
    ]
    reached = entry.reach.words(_REACHED, lambda name: escape(name, 60))
    return "\n".join(
        [
            f"{_word(entry)}{severity}: {escape(entry.title, 300)}",
            # Of a finding the detail may be the beginning of why.
            *([escape(entry.detail, 600)] if not entry.why.startswith(entry.detail) else []),
            *(f"{name}: {escape(value, 200)}" for name, value in facts if value),
            *([f"reaches: {reached}"] if reached else []),
        ]
    )


def _word(entry: Entry) -> str:
    kind = entry.kind.replace("-", " ") or "alert"
    if entry.event is Event.REMINDER:
        return f"reminder, {kind}"
    return "well again" if entry.event is Event.RESOLVED else kind
