"""A directory for one scan, gone afterwards, even if the process that made it was killed."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "lock"
_UNLOCKED = ".new-"
_LOCKED = "scan-"


@contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """An empty directory below `parent`; what killed scans left there is cleared first.

    Whoever uses one holds a lock in it, which ends with its process: so what is left over is
    told from what another process is using, on whatever machine that shares the disk.

    Raises:
        OSError: the disk refuses.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for other in parent.glob(f"{_LOCKED}*"):
        _clear_if_left(other)
    made = Path(tempfile.mkdtemp(prefix=_UNLOCKED, dir=parent))
    with (made / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now may others find it.
        made = made.rename(parent / made.name.replace(_UNLOCKED, _LOCKED, 1))
        try:
            directory = made / "files"
            directory.mkdir()
            yield directory
        finally:
            shutil.rmtree(made)


def _clear_if_left(directory: Path) -> None:
    try:
        with (directory / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
    except OSError:
        return  # in use, or cleared by another just now
