"""What reaches what: assets and the links between them, followed to all that depend on one."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compline.model import Link


@dataclass(frozen=True, slots=True)
class Reached:
    """An asset that depends on another, and why."""

    asset: str
    steps: int
    """Links on the shortest way."""
    _last: Mapping[str, Link] = field(repr=False, compare=False)
    """The last link of each asset's way: whole ways of a long chain would fill the memory."""
    _forward: bool = field(repr=False, compare=False)

    @property
    def path(self) -> tuple[Link, ...]:
        """The shortest way, from what is weak to what it reaches."""
        links, here = [], self.asset
        while here in self._last:
            link = self._last[here]
            links.append(link)
            here = link.source if self._forward else link.destination
        return tuple(reversed(links) if self._forward else links)


_ENOUGH = 2
_FOREMOST = 10
_KINDS = ("endpoint", "model", "image")
"""What people are told of first, in this order."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an asset reaches, in short."""

    foremost: tuple[str, ...] = ()
    """At most ten: endpoints first, then models, then images, then what is nearest."""
    total: int = 0

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {"reaches": list(self.foremost), "reaches_total": self.total}

    def words(self, most: int, shown: Callable[[str], str]) -> str:
        """`endpoint/scoring, model/fraud (+3)`; empty where nothing is reached.

        Args:
            most: assets that are named.
            shown: makes a name harmless where it is shown, and short: none may hide the others.
        """
        named = [shown(name) for name in self.foremost[:most]]
        more = f" (+{self.total - len(named)})" if self.total > len(named) else ""
        return ", ".join(named) + more


ReachOf = Callable[[str], Reach]
"""Gives what the target of a name reaches."""


def nothing(_target: str) -> Reach:
    """Where no graph is at hand."""
    return Reach()


def in_short(reached: Iterable[Reached]) -> Reach:
    """The weightiest of what is reached, and how many there are."""

    def weight(one: Reached) -> tuple[int, int, str]:
        kind = one.asset.partition("/")[0]
        return _KINDS.index(kind) if kind in _KINDS else len(_KINDS), one.steps, one.asset

    found = sorted(reached, key=weight)
    return Reach(tuple(one.asset for one in found[:_FOREMOST]), len(found))


class Graph:
    """The assets of an organisation; cycles are allowed, since people declare what they like."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._after: Mapping[str, list[Link]] = _by(links, source=True)
        self._before: Mapping[str, list[Link]] = _by(
            (link for found in self._after.values() for link in found), source=False
        )

    @property
    def assets(self) -> tuple[str, ...]:
        """Every asset that is linked, sorted."""
        return tuple(sorted({*self._after, *self._before}))

    @property
    def links(self) -> tuple[Link, ...]:
        """Every link once, sorted."""
        found = (link for links in self._after.values() for link in links)
        return tuple(sorted(found, key=lambda one: (one.source, one.destination, one.how)))

    def reach(self, asset: str) -> tuple[Reached, ...]:
        """What depends on it, directly or through others; the nearest first, then by name."""
        return _walk(asset, self._after, forward=True)

    def origin(self, asset: str) -> tuple[Reached, ...]:
        """What it depends on; the nearest first. Paths lead from there to the asset."""
        return _walk(asset, self._before, forward=False)

    def reaching(self, assets: Iterable[str]) -> frozenset[str]:
        """What reaches one of these assets that is not itself.

        One walk for all of them: each asset is gone through for two of them at most, since from
        two on there is one that is another.
        """
        found: defaultdict[str, set[str]] = defaultdict(set)
        waiting = deque((one, one) for one in dict.fromkeys(assets))
        while waiting:
            here, reached = waiting.popleft()
            for link in self._before.get(here, ()):
                known = found[link.source]
                if reached not in known and len(known) < _ENOUGH:
                    known.add(reached)
                    waiting.append((link.source, reached))
        return frozenset(asset for asset, known in found.items() if known - {asset})


def _by(links: Iterable[Link], *, source: bool) -> dict[str, list[Link]]:
    found: defaultdict[str, list[Link]] = defaultdict(list)
    # Two sources may know the same: it counts once.
    for link in sorted(set(links), key=lambda one: (one.source, one.destination, one.how)):
        found[link.source if source else link.destination].append(link)
    return dict(found)


def _walk(start: str, links: Mapping[str, Sequence[Link]], *, forward: bool) -> tuple[Reached, ...]:
    """Breadth first; every asset once, by its shortest way."""
    last: dict[str, Link] = {}
    steps = {start: 0}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for link in links.get(here, ()):
            there = link.destination if forward else link.source
            if there not in steps:
                steps[there] = steps[here] + 1
                last[there] = link
                waiting.append(there)
    del steps[start]
    order = sorted(steps.items(), key=lambda item: (item[1], item[0]))
    return tuple(Reached(asset, count, last, forward) for asset, count in order)
