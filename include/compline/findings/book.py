"""The working copy of one target's witnesses while its looks are judged, settled at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from compline.findings.correlate import Sighting, correlate
from compline.findings.decision import Decision, Event, EventKind, NewWitness, WitnessChange
from compline.findings.known import SUBJECT_KINDS, KnownFinding, KnownWitness, WitnessState
from compline.findings.settlement import Touch, settle_known, settle_new
from compline.findings.sights import Sight
from compline.model import Observation, State


@dataclass(slots=True)
class _Entry:
    """A known witness and what has become of it."""

    known: KnownWitness
    finding: str
    state: WitnessState
    observation: Observation
    last_seen: datetime | None

    def change(self) -> WitnessChange | None:
        known = self.known
        moved = self.observation != known.observation
        if not moved and (self.state, self.last_seen) == (known.state, known.last_seen):
            return None
        observation = self.observation if moved else None
        return WitnessChange(known.id, self.state, observation, self.last_seen, known.state)


@dataclass(slots=True)
class _Fresh:
    """An observation that no witness of its scanner accounts for."""

    observation: Observation
    sight: Sight
    finding: str = ""


class Book:
    """Collects what happens to witnesses; `settle` turns it into what happens to findings."""

    def __init__(
        self,
        present: Sequence[KnownWitness],
        gone: Sequence[KnownWitness],
        findings: Mapping[str, KnownFinding],
        parted: Collection[tuple[str, str]] = (),
    ) -> None:
        self._entries = {
            item.id: _Entry(item, item.finding, item.state, item.observation, item.last_seen)
            for item in (*present, *gone)
        }
        self._findings = findings
        self._parted = parted
        self._fresh: list[_Fresh] = []
        self._touches: dict[str, list[Touch]] = defaultdict(list)
        self._events: list[Event] = []
        self._regroup = False

    def see(self, witness: KnownWitness, observation: Observation, sight: Sight) -> None:
        """The witness stands, with this statement."""
        entry = self._entries[witness.id]
        observation = _with_aliases(observation, entry.observation)
        if entry.state is WitnessState.SEEN and entry.observation == observation:
            return
        before, after = entry.observation, observation
        if (before.place, before.cwe, before.aliases) != (after.place, after.cwe, after.aliases):
            self._regroup = True
        if before.place.path != after.place.path:
            self._event(
                entry.finding, EventKind.MOVED, {"from": before.place.path, "to": after.place.path}
            )
        back = entry.state is WitnessState.GONE
        entry.state, entry.observation, entry.last_seen = WitnessState.SEEN, observation, None
        self._touches[entry.finding].append(Touch(sight, observation, came=back))

    def hide(self, witness: KnownWitness, path: str, sight: Sight) -> None:
        """The witness lies in a gap, perhaps under another path now."""
        entry = self._entries[witness.id]
        if entry.observation.place.path != path:
            place = replace(entry.observation.place, path=path)
            entry.observation = replace(entry.observation, place=place)
        if entry.state is WitnessState.SEEN:
            entry.state = WitnessState.UNSEEN
            entry.last_seen = sight.head.completed_at if sight.head else None

    def lose(self, witness: KnownWitness, state: WitnessState, cause: str, sight: Sight) -> None:
        """The witness is gone for that cause, or held."""
        entry = self._entries[witness.id]
        if entry.state is state:
            return
        if entry.state is WitnessState.SEEN:
            entry.last_seen = sight.head.completed_at if sight.head else None
        entry.state = state
        if state is WitnessState.HELD:
            self._event(entry.finding, EventKind.HELD, {"scanner": sight.look.scanner})
        else:
            self._touches[entry.finding].append(
                Touch(sight, entry.observation, went=True, cause=cause)
            )

    def add(self, observation: Observation, sight: Sight) -> None:
        """Something that was never seen before, or whose finding is to be found out."""
        self._fresh.append(_Fresh(observation, sight))

    def settle(self, new_id: Callable[[], str]) -> Decision:
        """What all of it means for the findings."""
        merged = self._group(new_id) if self._fresh or self._regroup else ()
        replaced = dict(merged)
        for younger, older in merged:
            self._touches[older].extend(self._touches.pop(younger, ()))
        for item in self._fresh:
            touch = Touch(item.sight, item.observation, came=True)
            self._touches[item.finding].append(touch)
        members: dict[str, list[Observation]] = defaultdict(list)
        if self._touches:
            for entry in self._entries.values():
                entry.finding = replaced.get(entry.finding, entry.finding)
                if entry.state is not WitnessState.GONE:
                    members[entry.finding].append(entry.observation)
        for item in self._fresh:
            members[item.finding].append(item.observation)
        opened, changes, regressions = [], [], []
        events = [
            replace(event, finding=replaced.get(event.finding, event.finding))
            for event in self._events
        ]
        for younger, older in merged:
            events.append(Event(younger, EventKind.MERGED, {"into": older}))
            events.append(Event(older, EventKind.MERGED, {"from": younger}))
        for finding, touches in self._touches.items():
            known = self._findings.get(finding)
            if known is None:
                first = settle_new(finding, members[finding], touches)
                opened.append(first.finding)
                events += first.events
                regressions.append(first.regression)
            else:
                joined = [self._findings[one] for one, into in merged if into == finding]
                later = settle_known(known, members[finding], touches, joined)
                changes.append(later.change)
                events += later.events
                regressions.append(later.regression)
        return Decision(
            opened=tuple(opened),
            findings=tuple(filter(None, changes)),
            merged=merged,
            added=tuple(
                NewWitness(item.finding, item.observation, item.sight.look.revision)
                for item in self._fresh
            ),
            witnesses=tuple(filter(None, (item.change() for item in self._entries.values()))),
            events=tuple(events),
            regressions=tuple(filter(None, regressions)),
        )

    def _group(self, new_id: Callable[[], str]) -> tuple[tuple[str, str], ...]:
        """Gives every new observation its finding; what turned out to be one is merged."""
        subjects = {
            item.observation.subject
            for item in self._fresh
            if item.observation.kind in SUBJECT_KINDS
        }
        entries = [
            entry
            for entry in self._entries.values()
            # Gone witnesses tell which resolved finding a package's advisory comes back to.
            if entry.state is not WitnessState.GONE
            or (entry.observation.kind in SUBJECT_KINDS and entry.observation.subject in subjects)
        ]
        sightings = [Sighting(entry.observation, entry.finding) for entry in entries]
        sightings += [Sighting(item.observation) for item in self._fresh]
        merged = []
        for group in correlate(sightings, self._parted):
            fresh = [self._fresh[index - len(entries)] for index in group if index >= len(entries)]
            ids = {sightings[index].finding for index in group} - {""}
            alive = {
                entries[index].finding
                for index in group
                if index < len(entries) and entries[index].state is not WitnessState.GONE
            }
            if not ids:
                survivor = new_id()
            elif alive:
                survivor = self._oldest(alive)
                merged += [(younger, survivor) for younger in sorted(alive - {survivor})]
            else:
                # One that was open until this look goes on; what was resolved long ago rests.
                lost = {name for name in ids if self._findings[name].state is State.OPEN}
                survivor = self._oldest(lost or ids)
            for item in fresh:
                item.finding = survivor
        return tuple(merged)

    def _oldest(self, ids: Iterable[str]) -> str:
        return min(ids, key=lambda name: (self._findings[name].first_seen, name))

    def _event(self, finding: str, kind: EventKind, data: Mapping[str, object]) -> None:
        self._events.append(Event(finding, kind, data))


def _with_aliases(now: Observation, before: Observation) -> Observation:
    """What once was known to be one advisory stays so, also where a source forgets a name."""
    aliases = {*now.aliases, *before.aliases}
    if len(aliases) == len(now.aliases):
        return now
    return replace(now, aliases=tuple(sorted(aliases)))
