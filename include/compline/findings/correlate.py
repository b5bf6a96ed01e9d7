"""Which statements are about one defect: groups of witnesses and new observations.

Packages, secrets, licences and resources are grouped by what they are about, whatever place and
scanner. Spans of code are one defect when different scanners put them on overlapping places of
one file under CWEs of one family; a scanner that speaks twice of a place means two defects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass

from compline.findings.aliases import AliasGroups
from compline.findings.cwe import families
from compline.findings.known import SUBJECT_KINDS
from compline.model import FindingKind, Observation, Place

_NEIGHBOURS = 64
"""How many earlier spans of a file one is compared with: a bound for hostile input, far above
what tools report around one line."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One statement that stands: a present witness or a new observation."""

    observation: Observation
    finding: str = ""
    """The finding that it belongs to already; empty for a new observation."""


def correlate(
    sightings: Sequence[Sighting], parted: Collection[tuple[str, str]] = ()
) -> tuple[tuple[int, ...], ...]:
    """Groups the sightings by index; each is in one group.

    What belongs to one finding already stays together: a finding never splits.

    Args:
        sightings: everything that stands.
        parted: pairs of findings that a person has told apart: they come into no common group.
    """
    groups = _Groups(sightings, parted)
    known: dict[str, int] = {}
    for index, sighting in enumerate(sightings):
        if sighting.finding:
            groups.join(known.setdefault(sighting.finding, index), index)
    aliases = AliasGroups(
        sighting.observation
        for sighting in sightings
        if sighting.observation.kind is FindingKind.DEPENDENCY
    )
    # Of findings that were parted under one name, a new statement goes to the one that says the
    # very same already.
    for names in (AliasGroups(), aliases) if parted else (aliases,):
        subjects: dict[Hashable, list[int]] = defaultdict(list)
        for index, sighting in enumerate(sightings):
            key = _subject_key(sighting.observation, names)
            if key is not None and not any(groups.join(one, index) for one in subjects[key]):
                subjects[key].append(index)
    for _, left, right in sorted(_overlaps(sightings)):
        if groups.scanners(left).isdisjoint(groups.scanners(right)):
            groups.join(left, right)
    return groups.all()


class _Groups:
    """Disjoint sets of indexes, with the scanners whose spans are in each."""

    def __init__(self, sightings: Sequence[Sighting], parted: Collection[tuple[str, str]]) -> None:
        self._parents = list(range(len(sightings)))
        self._scanners = [{sighting.observation.scanner} for sighting in sightings]
        self._apart: dict[str, set[str]] = defaultdict(set)
        for first, second in parted:
            self._apart[first].add(second)
            self._apart[second].add(first)
        self._findings = [{sighting.finding} & self._apart.keys() for sighting in sightings]
        """Of each set those that were parted from others."""

    def join(self, left: int, right: int) -> bool:
        """Makes them one; False where that would join what a person has parted."""
        left, right = self._root(left), self._root(right)
        if left != right:
            left, right = min(left, right), max(left, right)
            if any(self._apart[name] & self._findings[right] for name in self._findings[left]):
                return False
            self._parents[right] = left
            self._scanners[left] |= self._scanners[right]
            self._findings[left] |= self._findings[right]
        return True

    def scanners(self, index: int) -> set[str]:
        return self._scanners[self._root(index)]

    def all(self) -> tuple[tuple[int, ...], ...]:
        members: dict[int, list[int]] = defaultdict(list)
        for index in range(len(self._parents)):
            members[self._root(index)].append(index)
        return tuple(tuple(items) for items in members.values())

    def _root(self, index: int) -> int:
        parents = self._parents
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index


def _subject_key(observation: Observation, aliases: AliasGroups) -> Hashable | None:
    """What the statement is about, without place and scanner; None for spans."""
    kind = observation.kind
    if kind not in SUBJECT_KINDS:
        return None
    if kind is FindingKind.DEPENDENCY:
        return (kind, observation.subject, aliases.of(observation))
    if kind is FindingKind.SECRET:
        return (kind, observation.subject)
    return (kind, observation.subject, observation.rule)


def _overlaps(
    sightings: Sequence[Sighting],
) -> Iterator[tuple[tuple[int, int, int], int, int]]:
    """Pairs of spans of different scanners that can be one defect, with how badly they fit."""
    files: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for index, sighting in enumerate(sightings):
        place = sighting.observation.place
        if sighting.observation.kind not in SUBJECT_KINDS and place.line is not None:
            files[place.path, place.cell].append(index)
    for members in files.values():
        if len({sightings[index].observation.scanner for index in members}) < 2:
            continue
        members.sort(key=lambda index: (_span(sightings[index].observation.place), index))
        earlier: list[int] = []
        for index in members:
            observation = sightings[index].observation
            start = observation.place.line or 0
            earlier = [
                item for item in earlier if _span(sightings[item].observation.place)[1] >= start
            ][-_NEIGHBOURS:]
            for item in earlier:
                other = sightings[item].observation
                if other.scanner != observation.scanner and _one_defect(other, observation):
                    yield _misfit(other, observation), item, index
            earlier.append(index)


def _span(place: Place) -> tuple[int, int]:
    first = place.line or 0
    return first, max(first, place.end_line or first)


def _one_defect(left: Observation, right: Observation) -> bool:
    return not _side_by_side(left.place, right.place) and bool(
        families(left.cwe) & families(right.cwe)
    )


def _side_by_side(left: Place, right: Place) -> bool:
    """Whether both are on one and the same line without touching each other."""
    if _span(left) != _span(right) or _span(left)[0] != _span(left)[1]:
        return False
    if None in (left.column, left.end_column, right.column, right.end_column):
        return False
    return (left.end_column or 0) < (right.column or 0) or (right.end_column or 0) < (
        left.column or 0
    )


def _misfit(left: Observation, right: Observation) -> tuple[int, int, int]:
    """0s for the same statement from the same column on; greater is worse."""
    code = set(left.fingerprints) & set(right.fingerprints)
    starts = abs((left.place.line or 0) - (right.place.line or 0))
    columns = abs((left.place.column or 0) - (right.place.column or 0))
    return (0 if code else 1, starts, columns)
