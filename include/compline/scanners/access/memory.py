"""What the scanner keeps of one target between two looks: habits, events, and how far it has read.

It is one value, kept with the record of the look that made it; so downloads are never counted
twice, nor lost, whenever a scan is killed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date

from pydantic import TypeAdapter, ValidationError

from compline.scanners.access.activity import Activity
from compline.scanners.access.habits import Cell, Habits
from compline.scanners.access.judge import Event
from compline.scanners.access.marks import Mark, Marks

_FORMAT = 1


@dataclass
class Memory:
    """All that is kept of one target."""

    reading: str
    """Digest of the settings by which lines become downloads; under others habits mean nothing."""
    habits: Habits = field(default_factory=Habits)
    events: dict[tuple[str, str, str, date], Event] = field(default_factory=dict)
    """By rule, principal, model and day."""
    marks: Marks = field(default_factory=Marks)
    activity: Activity = field(default_factory=Activity)

    def note(self, events: list[Event]) -> None:
        """Keeps what was out of habit; the same day's event is replaced by what is known now."""
        for event in events:
            self.events[event.rule, event.principal, event.model, event.day] = event

    def forget(self, habits_before: date, events_before: date, files_before: date) -> None:
        """Drops what is too old."""
        self.habits.forget(habits_before)
        self.events = {key: one for key, one in self.events.items() if one.day >= events_before}
        self.marks.forget(files_before)


_marks: TypeAdapter[list[Mark]] = TypeAdapter(list[Mark])
_events: TypeAdapter[list[Event]] = TypeAdapter(list[Event])
_days: TypeAdapter[list[tuple[str, str, date, list[tuple[date, Cell]]]]] = TypeAdapter(
    list[tuple[str, str, date, list[tuple[date, Cell]]]]
)
_activity: TypeAdapter[Activity] = TypeAdapter(Activity)


def to_bytes(memory: Memory) -> bytes:
    """As the store keeps it."""
    habits = memory.habits
    pairs = [
        (*pair, habits.first[pair], sorted(days.items()))
        for pair, days in sorted(habits.pairs.items())
    ]
    body = {
        "format": _FORMAT,
        "reading": memory.reading,
        "began": habits.began.isoformat() if habits.began else None,
        "ended": habits.ended.isoformat() if habits.ended else None,
        "models": {model: day.isoformat() for model, day in sorted(habits.models.items())},
        "pairs": _days.dump_python(pairs, mode="json", exclude_defaults=True),
        "events": _events.dump_python(list(memory.events.values()), mode="json"),
        "marks": _marks.dump_python(memory.marks.all(), mode="json", exclude_defaults=True),
        "activity": _activity.dump_python(memory.activity, mode="json"),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def from_bytes(value: bytes | None, reading: str) -> tuple[Memory, bool]:
    """What was kept, and whether it could be used; else there is only what was out of habit.

    Args:
        value: of `to_bytes`; None at the first look.
        reading: see `Memory.reading`.
    """
    if value is None:
        return Memory(reading), True
    try:
        body = json.loads(value)
        if body["format"] != _FORMAT:
            return Memory(reading), False
        memory = Memory(reading)
        memory.note(_events.validate_python(body["events"]))
        if body["reading"] != reading:
            return memory, False
        habits = memory.habits
        for principal, model, first, days in _days.validate_python(body["pairs"]):
            habits.pairs[principal, model] = dict(days)
            habits.first[principal, model] = first
        habits.models = {model: date.fromisoformat(day) for model, day in body["models"].items()}
        for day in (body["began"], body["ended"]):
            if day is not None:
                habits.day(date.fromisoformat(day))
        memory.marks = Marks(_marks.validate_python(body["marks"]))
        if "activity" in body:  # it was not kept at first: then it begins with this look
            memory.activity = _activity.validate_python(body["activity"])
    except (ValueError, KeyError, TypeError, ValidationError):
        return Memory(reading), False
    return memory, True
