"""What happened between two trees, as a value: the matcher gets it handed in and reads no git."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hunk:
    """One block of a diff without context, as in `@@ -old_start,old_count +new_start,new_count`.

    A count of 0 means pure insertion or deletion; its start is then the line before, as git
    writes it.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int


@dataclass(frozen=True, slots=True)
class LineMap:
    """Where the lines of an old blob are in a new one."""

    hunks: tuple[Hunk, ...] = ()
    """In order, not overlapping."""

    def new_line(self, old_line: int) -> int | None:
        """The line's place in the new blob; None if it was changed or removed."""
        index = bisect_right(self.hunks, old_line, key=_first_behind) - 1
        if index < 0:
            return old_line
        hunk = self.hunks[index]
        old_end = _first_behind(hunk) + hunk.old_count
        if old_line < old_end:
            return None
        new_end = hunk.new_start + hunk.new_count if hunk.new_count else hunk.new_start + 1
        return old_line - old_end + new_end

    def old_hunk(self, old_line: int) -> int | None:
        """The index of the hunk that changes or removes the line; None if it was kept."""
        index = bisect_right(self.hunks, old_line, key=_first_behind) - 1
        if index < 0 or old_line >= _first_behind(self.hunks[index]) + self.hunks[index].old_count:
            return None
        return index

    def new_hunk(self, new_line: int) -> int | None:
        """The index of the hunk that wrote the new line; None if it was there before."""
        index = bisect_right(self.hunks, new_line, key=lambda hunk: hunk.new_start) - 1
        if index < 0 or new_line >= self.hunks[index].new_start + self.hunks[index].new_count:
            return None
        return index


def _first_behind(hunk: Hunk) -> int:
    """The first old line that the hunk removes, or before which it only inserts."""
    return hunk.old_start if hunk.old_count else hunk.old_start + 1


@dataclass(frozen=True, slots=True)
class TreeChange:
    """The difference of two trees of one repository."""

    renames: Mapping[str, str] = field(default_factory=dict)
    """Old path to new path, for files that git sees as renamed."""
    line_maps: Mapping[tuple[str, str], LineMap] = field(default_factory=dict)
    """(old blob, new blob) to line map, for changed files that carry findings."""
    changed: float = 0.0
    """Share of the tree's files (0 to 1) added, removed or modified."""
    removed: frozenset[str] = frozenset()
    """Old paths that are gone and were not renamed."""
    touched: frozenset[str] = frozenset()
    """New paths whose content was added or modified."""
