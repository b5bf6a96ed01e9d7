"""Parts a listed tree into the files that may be read and the gaps with their reasons."""

from __future__ import annotations

import stat

from compline.config.schema import Limits
from compline.model import GapReason
from compline.source.entry import Entry
from compline.source.gaps import Gaps
from compline.source.listing import RawEntry, RawListing
from compline.source.naming import BadName, checked_path, shown
from compline.source.objects import ObjectReader

_GITLINK = 0o160000
_LFS_HEADERS = (b"version https://git-lfs.github.com/spec/v", b"version https://hawser.github.com/")
_LFS_SIZES = range(100, 201)
"""Bytes. A pointer holds a version, a SHA-256 and a size, 120 to 150 bytes; with extensions, which
nobody uses, up to 1,024: those would be read as the small text files that they are."""


def part(
    listing: RawListing, limits: Limits, reader: ObjectReader
) -> tuple[tuple[Entry, ...], Gaps]:
    """The files sorted by path, and everything else.

    Raises:
        SourceError: git failed while blobs were looked at for LFS pointers.
    """
    gaps = listing.gaps
    files: dict[str, Entry] = {}
    for raw in listing.entries:
        if entry := _file(raw, limits, gaps):
            if entry.path in files:
                gaps.add(GapReason.BAD_NAME, entry.path, "the tree has this name twice")
            else:
                files[entry.path] = entry
    for path in _in_the_way(files):
        gaps.add(GapReason.BAD_NAME, path, "the tree has it as a file and as a directory")
        del files[path]
    for path in _pointers(files, reader):
        gaps.add(GapReason.LFS, path, "only a pointer to the content is in git")
        del files[path]
    for path in _over(files, limits.repository_mb << 20):
        gaps.add(
            GapReason.TOO_LARGE,
            path,
            f"the tree is larger than {limits.repository_mb} MB: its largest files are left out",
        )
        del files[path]
    return tuple(files[path] for path in sorted(files)), gaps


def _file(raw: RawEntry, limits: Limits, gaps: Gaps) -> Entry | None:
    if raw.mode == _GITLINK:
        gaps.add(GapReason.SUBMODULE, f"{shown(raw.path)}/", "another repository")
        return None
    if not stat.S_ISREG(raw.mode):
        reason = GapReason.SYMLINK if stat.S_ISLNK(raw.mode) else GapReason.UNSUPPORTED
        gaps.add(reason, shown(raw.path))
        return None
    try:
        path = checked_path(raw.path, limits)
    except BadName as bad:
        gaps.add(GapReason.BAD_NAME, bad.path, str(bad))
        return None
    if raw.size is None:
        gaps.add(GapReason.MISSING_OBJECT, path, f"blob {raw.oid}")
        return None
    if raw.size > limits.file_kb << 10:
        gaps.add(GapReason.TOO_LARGE, path, f"{raw.size} bytes")
        return None
    return Entry(path, raw.oid, bool(raw.mode & 0o100), raw.size)


def _in_the_way(files: dict[str, Entry]) -> list[str]:
    """Files whose path another file has as a directory; only a hand-made tree has them."""
    directories: set[str] = set()
    for path in files:
        while (slash := path.rfind("/")) > 0 and (path := path[:slash]) not in directories:
            directories.add(path)
    return sorted(directories & files.keys())


def _pointers(files: dict[str, Entry], reader: ObjectReader) -> list[str]:
    """Files of Git LFS, known by their content: .gitattributes is not ours to believe."""
    small = {entry.oid for entry in files.values() if entry.size in _LFS_SIZES}
    found = {
        item.oid
        for item in reader.read(sorted(small))
        if item.content and item.content.startswith(_LFS_HEADERS)
    }
    return [path for path, entry in files.items() if entry.oid in found]


def _over(files: dict[str, Entry], allowed: int) -> list[str]:
    """The largest files, until the others fit; which ones does not depend on their order."""
    total = sum(entry.size for entry in files.values())
    over = []
    for entry in sorted(files.values(), key=lambda entry: (-entry.size, entry.path)):
        if total <= allowed:
            break
        total -= entry.size
        over.append(entry.path)
    return over
