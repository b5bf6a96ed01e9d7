"""The matcher's desk: what is not matched yet on both sides, and the ways to match more of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from compline.findings.change import TreeChange
from compline.findings.known import KnownWitness
from compline.findings.places import Expected, align, position_of
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
    ) -> None:
        self._known = known
        self._found = observations
        self._expected = Expected(change)
        self._left_known = dict.fromkeys(range(len(known)))
        self._left_found = dict.fromkeys(range(len(observations)))
        self._pairs: list[tuple[int, int]] = []

    @property
    def open(self) -> bool:
        """Whether anything can still be matched."""
        return bool(self._left_known and self._left_found)

    def stage(
        self, key: KeyOf, pick: Pick, among: Callable[[KnownWitness], bool] | None = None
    ) -> None:
        """Matches within buckets of equal key.

        Args:
            key: of an observation at a path (a witness's after the renames); None keeps out.
            pick: which of a bucket's witnesses and observations belong together, as pairs.
            among: which witnesses take part; None for all.
        """
        if not self.open:
            return
        buckets: dict[Hashable, list[int]] = defaultdict(list)
        for index in self._left_known:
            if among is not None and not among(self._known[index]):
                continue
            observation = self._known[index].observation
            value = key(observation, self._expected.path(observation.place))
            if value is not None:
                buckets[value].append(index)
        if not buckets:
            return
        partners: dict[Hashable, list[int]] = defaultdict(list)
        for index in self._left_found:
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
            items.sort(key=lambda index: self._known[index].observation.place.column or 0)
            there[position].sort(key=lambda index: self._found[index].place.column or 0)
            pairs.extend(zip(items, there[position], strict=False))
        return pairs

    def by_position(self, known: list[int], found: list[int]) -> list[tuple[int, int]]:
        """As many as can be: first by kept line, then in order, each near where it should be."""
        pairs = self.by_line(known, found)
        taken_known = {pair[0] for pair in pairs}
        taken_found = {pair[1] for pair in pairs}
        rest = sorted(
            (
                self._where(index, found[0])[0],
                # A removed block has no lines in the new content: its own order tells.
                _order(self._known[index].observation.place),
                index,
            )
            for index in known
            if index not in taken_known
        )
        others = sorted(
            (*_order(self._found[index].place), index)
            for index in found
            if index not in taken_found
        )
        for left, right in align([item[0] for item in rest], [item[0] for item in others]):
            pairs.append((rest[left][2], others[right][2]))
        return pairs

    def by_line_or_alone(self, known: list[int], found: list[int]) -> list[tuple[int, int]]:
        """By kept line; what then remains only if all of it went from one symbol to one other."""
        pairs = self.by_line(known, found)
        taken_known = {pair[0] for pair in pairs}
        taken_found = {pair[1] for pair in pairs}
        rest = [index for index in known if index not in taken_known]
        others = [index for index in found if index not in taken_found]
        if (
            len(rest) == len(others) > 0
            and len({self._known[index].observation.place.symbol for index in rest}) == 1
            and len({self._found[index].place.symbol for index in others}) == 1
        ):
            pairs.extend(self.by_position(rest, others))
        return pairs

    def found(self) -> Sequence[Observation]:
        """What is said now."""
        return self._found

    def observations(self) -> Iterator[Observation]:
        """All of both sides."""
        yield from (witness.observation for witness in self._known)
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
        return self._expected.line(
            self._known[known].observation.place, self._found[found].place.blob
        )


def _order(place: Place) -> tuple[int, int]:
    return position_of(place), place.column or 0
