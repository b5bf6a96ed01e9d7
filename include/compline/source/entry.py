"""One file of a tree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file within the limits."""

    path: str
    """With `/`, relative to the root of the tree; printable."""
    oid: str
    """Object id of its blob."""
    executable: bool
    size: int
    """Bytes."""
