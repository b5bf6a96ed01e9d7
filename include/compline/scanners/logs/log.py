"""One log, wherever it is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

from compline.model import Gap


class Unreadable(Exception):
    """The log cannot be looked at; `gap` says why."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(gap.detail)
        self.gap = gap


@dataclass(frozen=True)
class Log:
    """One log that can be opened."""

    shown: str
    """Its name in findings."""
    key: str
    """What it is known by between two nights."""
    stamp: str
    """While this stays, nothing was written to it; empty where nothing tells."""
    open: Callable[[], AbstractContextManager[BinaryIO]]
    """Its lines, to be read and sought in; raises `Unreadable`."""
    written: float = 0.0
    """Seconds since 1970 at which it was last written to; 0 where nothing tells."""
