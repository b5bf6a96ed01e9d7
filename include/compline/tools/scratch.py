"""A directory on disk for one run of a tool, removed afterwards, by the next one if need be."""

from __future__ import annotations

import fcntl
import functools
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "compline-tool-"
_SETTLED = 60.0
"""Seconds after which a directory without a lock can only be one whose owner was killed."""
_logger = logging.getLogger(__name__)


@contextmanager
def scratch() -> Iterator[Path]:
    """Yields a directory with `tmp`, `tmp/home` and `shm`: on disk, since memory is limited.

    It is locked for as long as it is in use. What the killed have left is removed on the way,
    once per process.
    """
    _sweep(tempfile.gettempdir())
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (directory / "tmp" / "home").mkdir(parents=True)
        (directory / "shm").mkdir()
        yield directory
    finally:
        os.close(lock)
        remove(directory)


@functools.cache
def _sweep(place: str) -> None:
    for directory in Path(place).glob(f"{_PREFIX}*"):
        try:
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # Gone meanwhile, or somebody else's.
        try:
            data = os.fstat(lock)
            if data.st_uid != os.geteuid() or time.time() - data.st_mtime < _SETTLED:
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(directory)
        except BlockingIOError:
            continue  # In use.
        finally:
            os.close(lock)


def remove(directory: Path) -> None:
    """Removes what a tool has left, whatever permissions it gave it; warns if it cannot."""
    shutil.rmtree(directory, onerror=_open_and_retry)


def _open_and_retry(_remove: Callable[[str], object], name: str, _error: object) -> None:
    """Nobody else is in there any more, so that looking before acting is safe."""
    path = Path(name)
    try:
        for directory in (path.parent, path):
            if directory.is_dir() and not directory.is_symlink():
                directory.chmod(0o700)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        # The tool's answer is good all the same.
        _logger.warning("temporary files of a tool were left in %s: %s", path, error.strerror)
