"""Directories that hold one file each under its own name, used again for the next.

Tools go by names, and most models of a registry have the same. To make and to remove a directory
costs some disks far more than a small file does, so that thousands are not made for thousands.
"""

from __future__ import annotations

from pathlib import Path

from compline.scanners.models.names import file_name


class Slots:
    """The slots below one directory; of one thread."""

    def __init__(self, directory: Path) -> None:
        """Takes a directory in which nothing else is called by a number."""
        self._directory = directory
        self._free: list[str] = []
        self._made = 0

    def take(self, path: str) -> str:
        """A place for a file of this name: slot and name, below the directory.

        Raises:
            OSError: the disk refuses.
        """
        if not self._free:
            slot = f"{self._made:06}"
            (self._directory / slot).mkdir()
            self._made += 1
            self._free.append(slot)
        return f"{self._free.pop()}/{file_name(path)}"

    def path(self, name: str) -> Path:
        """Where the file lies."""
        return self._directory / name

    def clear(self, name: str) -> None:
        """Removes the file, if it is there, and frees its slot."""
        self.path(name).unlink(missing_ok=True)
        self._free.append(name.partition("/")[0])
