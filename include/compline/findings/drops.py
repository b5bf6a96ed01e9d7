"""The hold of law 1: a scanner that loses most findings of a target is not believed at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from compline.findings.change import TreeChange
from compline.findings.desk import Matching
from compline.findings.known import Head, KnownWitness
from compline.model import Gap, Look, Place, ScanKey


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """From when on a drop is held."""

    share: float = 0.5
    """Of the target's findings of one scanner, lost."""
    at_least: int = 5
    changed_below: float = 0.1
    """Share of the input (0 to 1) under which a change explains no such drop."""


class Gaps:
    """A look's gaps, found by path."""

    def __init__(self, gaps: Iterable[Gap]) -> None:
        self._by_path: dict[str, list[Gap]] = defaultdict(list)
        for gap in gaps:
            self._by_path[gap.path].append(gap)

    def cover(self, path: str, subject: str) -> bool:
        """Whether any gap covers the place."""
        if not self._by_path:
            return False
        parts = path.split("/")
        folders = ("/".join(parts[:depth]) + "/" for depth in range(1, len(parts) + 1))
        return any(
            gap.covers(path, subject)
            for key in ("", path, *folders)
            for gap in self._by_path.get(key, ())
        )


def changed_share(look: Look, head: Head | None, change: TreeChange | None) -> float:
    """How much of the look's input differs from the last completed look's, 0 to 1.

    What the scanner says of its own input counts first: of a dependency scanner that is the set
    of requirements, not the tree.
    """
    if look.changed < 1.0:
        return look.changed
    if head is not None and look.revision and look.revision == head.revision:
        return 0.0
    return 1.0 if change is None else change.changed


def same_method(left: ScanKey | None, right: ScanKey | None) -> bool:
    """Whether both looks read alike; other advisories are no other method."""
    if left is None or right is None:
        return left is right
    return (left.tool, left.adapter, left.rules, left.options) == (
        right.tool,
        right.adapter,
        right.rules,
        right.options,
    )


def unexplained(lost: Iterable[KnownWitness], change: TreeChange | None) -> list[KnownWitness]:
    """Of the lost witnesses those whose file was neither modified nor removed."""
    if change is None:
        return list(lost)
    modified = {old for old, new in change.line_maps if old != new}

    def touched(place: Place) -> bool:
        return place.path in change.removed or (bool(place.blob) and place.blob in modified)

    return [witness for witness in lost if not touched(witness.observation.place)]


def is_drop(
    lost: Iterable[KnownWitness], matching: Matching, changed: float, limits: HoldLimits
) -> bool:
    """Whether the loss is large and the change is little."""
    gone = {witness.finding for witness in lost}
    shown = {witness.finding for witness, _ in matching.pairs} - gone
    return (
        len(gone) >= limits.at_least
        and len(gone) >= limits.share * (len(gone) + len(shown))
        and changed < limits.changed_below
    )


def released(look: Look, head: Head, lost: int) -> bool:
    """Whether a drop that is held already is confirmed: a fresh scan that is as poor again."""
    return bool(head.held_lost) and look.fresh and lost >= head.held_lost
