"""A lock between the processes and threads of one host that dies with whoever holds it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compline.source.errors import SourceError

_LONGEST_PAUSE = 0.25
"""Seconds between two tries."""


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[int]:
    """Holds the lock file at `path`, waiting at most `seconds`; yields its descriptor.

    The kernel frees it when the last holder of the descriptor ends, however it ends. A child that
    inherits the descriptor therefore keeps the lock if it outlives its parent, and nobody writes
    beside it.

    Raises:
        SourceError: somebody else held it all that time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _acquire(descriptor, path, seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        try:
            yield descriptor
        finally:
            # Said aloud: a fork of this process may hold a copy of the descriptor.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    pause = 0.005
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace")
                raise SourceError(
                    f"{path.parent} has been in use by process {holder} for {seconds:g} s: "
                    "let that run end, or end it"
                ) from None
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        else:
            return
