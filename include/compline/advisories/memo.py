"""Facts about files that are dear to compute (digests, dates), kept as long as the files stand."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from compline.model import digest_of


class StatMemo:
    """Remembers in one JSON file what was computed of which files.

    The files are known by name, size, and time of change in nanoseconds; whoever rewrites one in
    place with the same size and time gets the old answer.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(
        self, files: Sequence[Path], extra: str, compute: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        """What was computed of these files, computed now if they have changed since.

        Args:
            files: those that the facts depend on; they must exist.
            extra: whatever else they depend on, the version of the computation for one.
            compute: gives the facts.
        """
        seen = [(str(file), stat.st_size, stat.st_mtime_ns) for file, stat in _stats(files)]
        key = digest_of([extra, seen])
        known = self._read()
        if key not in known:
            known[key] = compute()
            self._write(dict(list(known.items())[-64:]))
        return known[key]

    def _read(self) -> dict[str, dict[str, str]]:
        # Losing the memo costs time only, so a broken one is as good as none.
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(self._file.read_bytes())
            if isinstance(known, dict):
                return known
        return {}

    def _write(self, known: dict[str, dict[str, str]]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self._file.parent, prefix=".memo-")
        with os.fdopen(descriptor, "w") as file:
            json.dump(known, file)
        Path(temporary).replace(self._file)


def digest_of_files(files: Sequence[Path], base: Path) -> str:
    """SHA-256 over the names (from `base`) and contents of files."""
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        name = path.relative_to(base).as_posix() if path != base else path.name
        whole.update(f"{name}\0{content}\n".encode())
    return whole.hexdigest()


def _stats(files: Sequence[Path]) -> list[tuple[Path, os.stat_result]]:
    return [(file, file.stat()) for file in files]
