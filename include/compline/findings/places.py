"""Telling equal things apart by where they are: positions carried over by the line map."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from compline.findings.change import LineMap, TreeChange
from compline.model import Place

# A notebook's cells are put one behind the other; no cell has this many lines.
_CELL = 1_000_000


class Expected:
    """Where the lines of known places should be now."""

    def __init__(self, change: TreeChange) -> None:
        self._change = change

    def path(self, place: Place) -> str:
        """The place's path after the renames."""
        return self._change.renames.get(place.path, place.path)

    def line(self, old: Place, new_blob: str) -> tuple[int, bool]:
        """The place's position in the new content, and whether its line was kept as it is."""
        position = position_of(old)
        if old.blob and old.blob == new_blob:
            return position, True
        line_map = self._map(old, new_blob)
        if line_map is None or old.line is None:
            return position, False
        kept = line_map.new_line(old.line)
        return (_inside(line_map, old.line), False) if kept is None else (kept, True)

    def hunk(self, old: Place, new_blob: str) -> int | None:
        """The index of the hunk that changed the known place's first line."""
        line_map = self._map(old, new_blob)
        return None if line_map is None or old.line is None else line_map.old_hunk(old.line)

    def hunk_of(self, old_blob: str, new: Place) -> int | None:
        """The index of the hunk that wrote the found place's first line."""
        line_map = self._change.line_maps.get((old_blob, new.blob))
        if line_map is None or new.cell is not None or new.line is None:
            return None
        return line_map.new_hunk(new.line)

    def _map(self, old: Place, new_blob: str) -> LineMap | None:
        if old.cell is not None or old.line is None:
            return None
        return self._change.line_maps.get((old.blob, new_blob))


def position_of(place: Place) -> int:
    """The place's line as a number that grows through the file."""
    return (place.cell or 0) * _CELL + (place.line or 0)


def align(expected: Sequence[int], found: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of indexes of two ascending sequences: as many as can be, in order, each near by.

    Nothing is counted from the top: with fewer known than found, each takes the nearest that
    leaves enough for those behind it.
    """
    if len(expected) > len(found):
        return [(known, new) for new, known in align(found, expected)]
    pairs = []
    least = 0
    for index, position in enumerate(expected):
        most = len(found) - (len(expected) - index)
        choice = min(max(bisect_left(found, position, least), least), most)
        if choice > least and abs(found[choice - 1] - position) <= abs(found[choice] - position):
            choice -= 1
        pairs.append((index, choice))
        least = choice + 1
    return pairs


def _inside(line_map: LineMap, line: int) -> int:
    """About where a changed line went: as deep into its hunk's new lines as it was in the old."""
    index = bisect_right(line_map.hunks, line, key=lambda hunk: hunk.old_start) - 1
    hunk = line_map.hunks[max(index, 0)]
    return hunk.new_start + min(line - hunk.old_start, max(hunk.new_count - 1, 0))
