"""What reaches what: assets and the links between them, followed to all that depend on one."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from compline.model import Link


@dataclass(frozen=True, slots=True)
class Reached:
    """An asset that depends on another, and why."""

    asset: str
    path: tuple[Link, ...]
    """The shortest way from the other to this one."""


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
        return _walk(asset, self._after, lambda link: link.destination)

    def origin(self, asset: str) -> tuple[Reached, ...]:
        """What it depends on; the nearest first. Paths lead from there to the asset."""
        found = _walk(asset, self._before, lambda link: link.source)
        return tuple(Reached(one.asset, tuple(reversed(one.path))) for one in found)


def _by(links: Iterable[Link], *, source: bool) -> dict[str, list[Link]]:
    found: defaultdict[str, list[Link]] = defaultdict(list)
    # Two sources may know the same: it counts once.
    for link in sorted(set(links), key=lambda one: (one.source, one.destination, one.how)):
        found[link.source if source else link.destination].append(link)
    return dict(found)


def _walk(
    start: str, links: Mapping[str, Sequence[Link]], step: Callable[[Link], str]
) -> tuple[Reached, ...]:
    """Breadth first; every asset once, by its shortest way."""
    ways: dict[str, tuple[Link, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for link in links.get(here, ()):
            there = step(link)
            if there not in ways:
                ways[there] = (*ways[here], link)
                waiting.append(there)
    del ways[start]
    order = sorted(ways.items(), key=lambda item: (len(item[1]), item[0]))
    return tuple(Reached(asset, path) for asset, path in order)
