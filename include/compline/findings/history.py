"""Who changed which place last: read only where a decision tells it.

Reading a repository's history costs a process per file, and most records tell nothing new. So a
decision is first made without it; what it asked for is read, and the decision is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from compline.findings.regressions import Commit

Line = tuple[str, int | None]
"""(path, line from 1); without a line the file as a whole."""
History = Mapping[Line, Commit]
"""Who changed each place last, as far as the repository's history was read and reaches."""


class LazyHistory(Mapping[Line, Commit]):
    """A history that notes what it is asked for and does not know yet."""

    def __init__(self, reader: Callable[[frozenset[Line]], History]) -> None:
        """Args: reader: gives what can be known of some places; called by `read` alone."""
        self._reader = reader
        self._known: dict[Line, Commit] = {}
        self._read: set[Line] = set()
        self._wanted: set[Line] = set()

    def __getitem__(self, place: Line) -> Commit:
        if place not in self._read:
            self._wanted.add(place)
        return self._known[place]

    def __iter__(self) -> Iterator[Line]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def read(self) -> bool:
        """Reads what was asked for since the last time; False if that was nothing."""
        wanted = frozenset(self._wanted)
        if not wanted:
            return False
        self._known.update(self._reader(wanted))
        self._read |= wanted
        self._wanted.clear()
        return True
