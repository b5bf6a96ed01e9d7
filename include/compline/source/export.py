"""Writes blobs as plain files below a directory; no link, hook or filter of a tree takes effect."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from compline.model import Gap, GapReason
from compline.source.entry import Entry
from compline.source.errors import SourceError
from compline.source.gaps import Gaps
from compline.source.objects import ObjectReader

_TRAVERSING = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|\0")


def export_files(
    reader: ObjectReader, destination: Path, entries: Iterable[Entry]
) -> tuple[Gap, ...]:
    """Writes the entries' contents, 0644 or 0755, into `destination`, which is made if need be.

    Gives the gaps: missing objects, and names that the file system takes for one and the same.

    Raises:
        SourceError: the disk refuses, or a link is in the way.
        ValueError: an entry's path leads out of the destination; a tree's own never does.
    """
    places: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if _TRAVERSING.search(entry.path):
            raise ValueError(f"a path that leads elsewhere: {entry.path!a}")
        places[entry.oid].append(entry)
    gaps = Gaps()
    try:
        destination.mkdir(parents=True, exist_ok=True)
        made: set[str] = set()
        for item in reader.read(places):
            for entry in places[item.oid]:
                if item.kind != "blob" or item.content is None:
                    gaps.add(GapReason.MISSING_OBJECT, entry.path, f"blob {entry.oid}")
                    continue
                _make_parents(destination, entry.path, made)
                if not _write(destination / entry.path, item.content, entry.executable):
                    gaps.add(GapReason.BAD_NAME, entry.path, "a file of this name is there already")
    except OSError as error:
        raise SourceError(f"cannot write to {error.filename}: {error.strerror}") from error
    return gaps.result()


def _make_parents(destination: Path, path: str, made: set[str]) -> None:
    """Makes the directories one by one, each a real one."""
    parent = path.rpartition("/")[0]
    if parent in made or not parent:
        return
    _make_parents(destination, parent, made)
    directory = destination / parent
    try:
        directory.mkdir(mode=0o755)
    except FileExistsError:
        if directory.is_symlink() or not directory.is_dir():
            raise SourceError(
                f"{directory} is in the way: export into an empty directory"
            ) from None
    made.add(parent)


def _write(path: Path, content: bytes, executable: bool) -> bool:
    """Whether it was written; not where anything has that name, a dangling link included."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        # Whatever the umask says: tools run as another user inside their sandbox.
        os.fchmod(descriptor, 0o755 if executable else 0o644)
    return True
