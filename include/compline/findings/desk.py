"""The matcher's desk: what is not matched yet on both sides, and the ways to match more of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from compline.findings.change import TreeChange
from compline.findings.known import KnownWitness
from compline.findings.places import Expected, align, position_of
from compline.findings.renames import RuleRenames
from compline.model import Observation, Place


@dataclass(frozen=True, slots=True)
class Matching:
    """What became of both sides; every witness and every observation is in it once."""

    pairs: tuple[tuple[KnownWitness, Observation], ...]
    fresh: tuple[Observation, ...]
    missing: tuple[KnownWitness, ...]


KeyOf = Callable[[Observation, str], Hashable | None]
Pick = Callable[[list[int], list[int]], Iterable[tuple[int, int]]]


class Desk:
    """Both sides by index; each is matched at most once."""

    def __init__(
        self,
        known: Sequence[KnownWitness],
        observations: Sequence[Observation],
        change: TreeChange,
        renames: RuleRenames,
    ) -> None:
        spoken = {(item.scanner, item.rule) for item in observations}
        self._known = known
        self._said = [renames.current(witness.observation, spoken) for witness in known]
        """What the witnesses were known to say, under their rules' names of now."""
        self._found = observations
        self._expected = Expected(change)
        self._inside = (
            {(self._expected.path(item.place), item.place.symbol) for item in self._said},
            {(item.place.path, item.place.symbol) for item in observations},
        )
        """(path, symbol) of the definitions that hold something, before and now."""
        self._left_known = dict.fromkeys(range(len(known)))
        self._left_found = dict.fromkeys(range(len(observations)))
        self._pairs: list[tuple[int, int]] = []

    @property
    def open(self) -> bool:
        """Whether anything can still be matched."""
        return bool(self._left_known and self._left_found)

    def stage(
        self,
        key: KeyOf,
        pick: Pick,
        among: Callable[[KnownWitness], bool] | None = None,
        *,
        renamed: bool = False,
    ) -> None:
        """Matches within buckets of equal key.

        Args:
            key: of an observation at a path (a witness's after the renames); None keeps out.
            pick: which of a bucket's witnesses and observations belong together, as pairs.
            among: which witnesses take part; None for all.
            renamed: only what can have come from a definition that is gone into one that is new.
        """
        if not self.open:
            return
        buckets: dict[Hashable, list[int]] = defaultdict(list)
        for index in self._left_known:
            if among is not None and not among(self._known[index]):
                continue
            if renamed and not self._vanished(index):
                continue
            observation = self._said[index]
            value = key(observation, self._expected.path(observation.place))
            if value is not None:
                buckets[value].append(index)
        if not buckets:
            return
        partners: dict[Hashable, list[int]] = defaultdict(list)
        for index in self._left_found:
            if renamed and not self._appeared(index):
                continue
            observation = self._found[index]
            value = key(observation, observation.place.path)
            if value is not None and value in buckets:
                partners[value].append(index)
        for value, found in partners.items():
            for pair in pick(buckets[value], found):
                self._pairs.append(pair)
                del self._left_known[pair[0]]
                del self._left_found[pair[1]]

    def by_line(self, known: list[int], found: list[int]) -> list[tuple[int, int]]:
        """Those whose kept line is where an observation is now."""
        wanted: dict[int, list[int]] = defaultdict(list)
        for index in known:
            position, kept = self._where(index, found[0])
            if kept:
                wanted[position].append(index)
        there: dict[int, list[int]] = defaultdict(list)
        for index in found:
            there[position_of(self._found[index].place)].append(index)
        pairs: list[tuple[int, int]] = []
        for position, items in wanted.items():
            # Several on one line: by column, which only orders them.
            items.sort(key=lambda index: self._said[index].place.column or 0)
            there[position].sort(key=lambda index: self._found[index].place.column or 0)
            pairs.extend(zip(items, there[position], strict=False))
        return pairs

    def by_hunk(self, known: list[int], found: list[int]) -> list[tuple[int, int]]:
        """Those whose lines one block of the diff has turned into each other, as many as before."""
        old: dict[int, list[int]] = defaultdict(list)
        blob = self._said[known[0]].place.blob
        for index in known:
            place = self._said[index].place
            hunk = self._expected.hunk(place, self._found[found[0]].place.blob)
            # One that a gap has covered since may stand at an older content.
            if hunk is not None and place.blob == blob:
                old[hunk].append(index)
        if not old:
            return []
        new: dict[int, list[int]] = defaultdict(list)
        for index in found:
            place = self._found[index].place
            hunk = self._expected.hunk_of(blob, place)
            if hunk is not None:
                new[hunk].append(index)
        return [
            pair
            for hunk, items in old.items()
            if len(items) == len(new[hunk])
            for pair in zip(self._ordered(items), self._ordered_found(new[hunk]), strict=True)
        ]

    def by_position(self, known: list[int], found: list[int]) -> list[tuple[int, int]]:
        """As many as can be: first by kept line, then in order, each near where it should be."""
        pairs = self.by_line(known, found)
        rest, others = _left(known, found, pairs)
        # Where none came and none went their order says more than the blocks of a diff, which may
        # show one statement as written anew and its twin as moved up.
        if rest and others and len(rest) != len(others):
            pairs += self.by_hunk(rest, others)
            rest, others = _left(known, found, pairs)
        pairs += self._aligned(rest, others)
        return self._untangled(pairs)

    def by_hunk_or_alone(self, known: list[int], found: list[int]) -> list[tuple[int, int]]:
        """By kept line and by block; what then remains if one definition got another name."""
        pairs = self.by_line(known, found)
        rest, others = _left(known, found, pairs)
        if rest and others:
            pairs += self.by_hunk(rest, others)
            rest, others = _left(known, found, pairs)
        rest = [index for index in rest if self._vanished(index)]
        others = [index for index in others if self._appeared(index)]
        if (
            len({self._said[index].place.symbol for index in rest}) == 1
            and len({self._found[index].place.symbol for index in others}) == 1
        ):
            pairs += self._aligned(rest, others)
        return pairs

    def _vanished(self, known: int) -> bool:
        """Whether nothing is said any more of the definition that it was in."""
        place = self._said[known].place
        return (self._expected.path(place), place.symbol) not in self._inside[1]

    def _appeared(self, found: int) -> bool:
        """Whether nothing was known of the definition that it is in."""
        place = self._found[found].place
        return (place.path, place.symbol) not in self._inside[0]

    def _aligned(self, known: list[int], found: list[int]) -> list[tuple[int, int]]:
        if not known or not found:
            return []
        rest = sorted(
            (
                self._where(index, found[0])[0],
                # A removed block has no lines in the new content: its own order tells.
                _order(self._said[index].place),
                index,
            )
            for index in known
        )
        others = sorted((*_order(self._found[index].place), index) for index in found)
        return [
            (rest[left][2], others[right][2])
            for left, right in align([item[0] for item in rest], [item[0] for item in others])
        ]

    def _untangled(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Equal statements that touch keep their order: to pass each other would do nothing.

        They may have exchanged their layouts, and then the kept lines say otherwise.
        """
        if len(pairs) < 2:
            return pairs
        pairs = sorted(pairs, key=lambda pair: _order(self._said[pair[0]].place))
        runs: list[list[tuple[int, int]]] = []
        for pair in pairs:
            place = self._said[pair[0]].place
            if runs and _touch(self._said[runs[-1][-1][0]].place, place):
                runs[-1].append(pair)
            else:
                runs.append([pair])
        for run in runs:
            found = self._ordered_found([pair[1] for pair in run])
            places = [self._found[index].place for index in found]
            if all(map(_touch, places, places[1:])):
                run[:] = zip((pair[0] for pair in run), found, strict=True)
        return [pair for run in runs for pair in run]

    def _ordered(self, known: list[int]) -> list[int]:
        return sorted(known, key=lambda index: _order(self._said[index].place))

    def _ordered_found(self, found: list[int]) -> list[int]:
        return sorted(found, key=lambda index: _order(self._found[index].place))

    def found(self) -> Sequence[Observation]:
        """What is said now."""
        return self._found

    def observations(self) -> Iterator[Observation]:
        """All of both sides."""
        yield from self._said
        yield from self._found

    def versions(self) -> list[str]:
        """The fingerprint versions of the observations left, best first; last none at all."""
        seen: dict[str, None] = {}
        for index in self._left_found:
            for version, _ in self._found[index].fingerprints:
                seen.setdefault(version)
        return [*seen, ""]

    def result(self) -> Matching:
        """The outcome, in the order of the input."""
        return Matching(
            tuple((self._known[left], self._found[right]) for left, right in sorted(self._pairs)),
            tuple(self._found[index] for index in self._left_found),
            tuple(self._known[index] for index in self._left_known),
        )

    def _where(self, known: int, found: int) -> tuple[int, bool]:
        # All of a bucket's observations are in one path, and so in one blob.
        return self._expected.line(self._said[known].place, self._found[found].place.blob)


def _left(
    known: list[int], found: list[int], pairs: list[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """What the pairs leave of both."""
    taken_known = {pair[0] for pair in pairs}
    taken_found = {pair[1] for pair in pairs}
    return (
        [index for index in known if index not in taken_known],
        [index for index in found if index not in taken_found],
    )


def _touch(upper: Place, lower: Place) -> bool:
    """Whether nothing can be between them: the one ends on the line before the other, or on it."""
    if upper.line is None or lower.line is None or upper.cell != lower.cell:
        return False
    return lower.line <= max(upper.line, upper.end_line or 0) + 1


def _order(place: Place) -> tuple[int, int]:
    return position_of(place), place.column or 0
