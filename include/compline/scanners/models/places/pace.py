"""The hard end of what object stores are asked: no answer may drip for ever.

Their libraries bound each read of a socket, and a store that sends a byte now and then never keeps
one waiting for so long. So each call is given up when its time is over, whatever came by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from compline.model import GapReason
from compline.scanners.expectations.deadline import within
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.models.artifacts import CannotList, Readable, Unreadable

SETTING = "scanners.model-guard.seconds"
SLOWEST = 1 << 19
"""Bytes a second; a file that comes slower is given up."""

_Answer = TypeVar("_Answer")


def not_listed(seconds: float) -> str:
    """What a gap says of a version for which so many seconds were not enough."""
    return f"not listed within {seconds:g} s ({SETTING})"


class Clock:
    """The time that a place has for one listing, or for one file."""

    def __init__(self, seconds: float) -> None:
        """`seconds` from now."""
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def ask(self, ask: Callable[[], _Answer]) -> _Answer:
        """What is asked, if it comes in time.

        Raises:
            CannotList: it does not.
            Exception: whatever `ask` raises.
        """
        try:
            return within(max(0.0, self._end - time.monotonic()), SETTING, ask)
        except CannotCollect:
            raise CannotList(
                f"it was still answering after {self.seconds:.0f} s, slowly or without end "
                f"({SETTING})"
            ) from None


class Paced:
    """A file's stream that is given up where it comes too slowly."""

    def __init__(self, stream: Readable, size: int, seconds: float) -> None:
        """`seconds` come on top of what `size` bytes take at the slowest."""
        self._stream = stream
        self._clock = Clock(seconds + size / SLOWEST)
        self._left = False

    def read(self, size: int, /) -> bytes:
        """As `Readable` says."""
        try:
            return self._clock.ask(lambda: self._stream.read(size))
        except CannotList as error:
            self._left = True
            raise Unreadable(GapReason.TRUNCATED, str(error)) from None

    def close(self) -> None:
        """Lets go of it; one that is still being read cannot be closed without waiting for it."""
        close = getattr(self._stream, "close", None)
        if close is not None and not self._left:
            close()
