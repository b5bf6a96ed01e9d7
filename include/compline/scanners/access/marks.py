"""How far each file was read, known by its content: whatever rotations and packing do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from compline.scanners.logs import growth
from compline.scanners.logs.growth import Known


@dataclass(frozen=True)
class Mark:
    """How far one file was read."""

    key: str
    """By which it was known when it was last seen."""
    known: Known
    seen: date
    """When it was last seen."""


class Marks:
    """The marks of one target."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self._by_head: dict[tuple[int, str], list[Mark]] = {}
        self._by_key: dict[str, Mark] = {}
        for mark in marks:
            self._add(mark)

    def all(self) -> list[Mark]:
        """Every mark, in an order that depends on them alone."""
        every = [mark for marks in self._by_head.values() for mark in marks]
        return sorted(every, key=lambda mark: (mark.key, mark.known.offset, mark.known.tail))

    def unchanged(self, key: str, stamp: str) -> Mark | None:
        """The mark of a file to which nothing was written since it was read to its end."""
        mark = self._by_key.get(key)
        return mark if mark is not None and stamp and mark.known.stamp == stamp else None

    def of(self, file: BinaryIO, head: bytes) -> Mark | None:
        """The mark of this content, whatever file had it; the one that is furthest."""
        sizes = sorted({size for size, _ in self._by_head if 0 < size <= len(head)})
        fitting = [
            mark
            for size in sizes
            for mark in self._by_head.get((size, growth.head_digest(head, size)), ())
            if growth.is_same(file, mark.known)
        ]
        return max(fitting, key=lambda mark: mark.known.offset, default=None)

    def put(self, mark: Mark, instead: Mark | None) -> None:
        """Adds a mark; the one that it goes on from stays if it was another file's.

        That one may be seen again: a packed copy beside the log.
        """
        if instead is not None and instead.key == mark.key:
            self._by_head[_head(instead)].remove(instead)
        self._add(mark)

    def forget(self, before: date) -> None:
        """Drops those of files that have not been there since that day."""
        for head, marks in list(self._by_head.items()):
            self._by_head[head] = [mark for mark in marks if mark.seen >= before]
            if not self._by_head[head]:
                del self._by_head[head]
        self._by_key = {key: one for key, one in self._by_key.items() if one.seen >= before}

    def _add(self, mark: Mark) -> None:
        same = self._by_head.setdefault(_head(mark), [])
        if mark not in same:
            same.append(mark)
        before = self._by_key.get(mark.key)
        if before is None or before.seen <= mark.seen:
            self._by_key[mark.key] = mark


def _head(mark: Mark) -> tuple[int, str]:
    return mark.known.head_size, mark.known.head
