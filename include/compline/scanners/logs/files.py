"""Which files a target's names and patterns mean, and how they are opened."""

from __future__ import annotations

import glob
import gzip
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from compline.model import Gap, GapReason
from compline.scanners.logs.log import Log, Unreadable
from compline.scanners.services import escaped

_PACKED = b"\x1f\x8b"
_UNKNOWN_PACKING = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd", b"PK\x03\x04": "zip"}


def files_of(
    patterns: Iterable[str], newest: int, base: Path | None = None
) -> tuple[list[Log], list[Gap]]:
    """The files, the last written to first, and what is left out.

    A name that is no pattern must be there; a pattern may match nothing. Symbolic links are
    followed if they lead to a file; each file counts once, whatever it is called.

    Args:
        patterns: names, or patterns as `glob` takes them.
        newest: files at most.
        base: folder that names are told from.
    """
    seen: dict[tuple[int, int], tuple[float, Log]] = {}
    gaps: list[Gap] = []
    for pattern in patterns:
        # Path.glob takes no absolute patterns, and hides folders that may not be listed as well.
        matched = sorted(glob.glob(pattern, recursive=True, include_hidden=True))  # noqa: PTH207
        if not matched and not glob.has_magic(pattern):
            gaps.append(Gap(GapReason.MISSING_OBJECT, escaped(pattern), "is not there"))
        if glob.has_magic(pattern):
            gaps += _closed_folders(pattern)
        for name in matched:
            path = Path(name)
            shown = escaped(str(path.relative_to(base)) if base else str(path))
            try:
                status = path.stat()
            except OSError as error:
                gaps.append(Gap(GapReason.FORBIDDEN, shown, error.strerror or "cannot be read"))
                continue
            if stat.S_ISREG(status.st_mode):
                log = Log(
                    shown,
                    f"inode:{status.st_dev}:{status.st_ino}",
                    f"{status.st_size}:{status.st_mtime_ns}",
                    partial(_opened, path, shown, status.st_ino),
                    status.st_mtime,
                )
                seen.setdefault((status.st_dev, status.st_ino), (-status.st_mtime, log))
    logs = [log for _, log in sorted(seen.values(), key=lambda one: (one[0], one[1].shown))]
    if len(logs) > newest:
        left = len(logs) - newest
        gaps.append(Gap(GapReason.TOO_MANY, "", f"more than {newest} files", count=left))
    return logs[:newest], gaps


@contextmanager
def _opened(path: Path, shown: str, inode: int) -> Iterator[BinaryIO]:
    """The file's lines, unpacked if it is packed; raises `Unreadable`."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_ino != inode:
                raise Unreadable(Gap(GapReason.TRUNCATED, shown, "was rotated while we looked"))
            start = file.read(6)
            file.seek(0)
            for magic, name in _UNKNOWN_PACKING.items():
                if start.startswith(magic):
                    raise Unreadable(Gap(GapReason.UNSUPPORTED, shown, f"packed with {name}"))
            if start.startswith(_PACKED):
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Unreadable(
            Gap(GapReason.TRUNCATED, shown, "gzip that is damaged or breaks off")
        ) from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise Unreadable(Gap(GapReason.FORBIDDEN, shown, reason)) from None


def _closed_folders(pattern: str) -> list[Gap]:
    """Folders that a pattern leads into and that are not there or may not be listed.

    `glob` passes over them in silence.
    """
    parts = Path(pattern).parts
    depth = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    folder = Path(*parts[:depth])
    most = None if "**" in parts else len(parts) - depth - 1
    gaps = []

    def closed(error: OSError) -> None:
        gone = isinstance(error, FileNotFoundError | NotADirectoryError)
        reason = GapReason.MISSING_OBJECT if gone else GapReason.FORBIDDEN
        detail = "is not there" if gone else "may not be listed"
        gaps.append(Gap(reason, f"{escaped(str(error.filename)).rstrip('/')}/", detail))

    for place, folders, _files in os.walk(folder, onerror=closed):
        if most is not None and len(Path(place).relative_to(folder).parts) >= most:
            folders.clear()
    return gaps
