"""Lists a tree with `git ls-tree`; where that gives up, or the tree is too big, entry by entry.

What comes out is raw: nothing here judges names or sizes, only the number of entries is bounded.
"""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

from compline.config.schema import Limits
from compline.model import GapReason
from compline.source.errors import SourceError
from compline.source.gaps import Gaps
from compline.source.git import Git
from compline.source.naming import shown
from compline.source.objects import ObjectReader, sizes_of
from compline.source.process import OutOfTime

_LONGEST_RECORD = 1 << 16
"""Bytes; a longer path comes only out of a tree that was made to hurt."""
_LARGEST_TREE = 1 << 26
"""Bytes of one tree object: about a million names in one directory."""


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry of a tree as git has it."""

    mode: int
    oid: str
    size: int | None
    """None where git could not say: the object is missing or damaged."""
    path: bytes


@dataclass(slots=True)
class RawListing:
    """All entries of a tree but directories, in the tree's order."""

    entries: list[RawEntry] = field(default_factory=list)
    gaps: Gaps = field(default_factory=Gaps)
    """Directories that could not be read, and what is beyond the limit of entries."""


class _Unlistable(Exception):
    """`git ls-tree` stops at the first missing or damaged tree."""


def list_tree(git: Git, tree: str, limits: Limits) -> RawListing:
    """At most `limits.files` entries, the rest and the unreadable as gaps.

    Raises:
        SourceError: not even the root could be read, or git took too long.
    """
    try:
        with closing(_ls_tree(git, tree)) as found:
            entries = list(islice(found, limits.files + 1))
    except (_Unlistable, OutOfTime):
        return _walk(git, tree, limits)
    if len(entries) > limits.files:
        return _walk(git, tree, limits)
    return RawListing(entries)


def _ls_tree(git: Git, tree: str) -> Generator[RawEntry, None, None]:
    with git.start("ls-tree", "-r", "-l", "-z", "--full-tree", tree) as process:
        process.finish_input()
        rest = b""
        while chunk := process.read():
            *records, rest = (rest + chunk).split(b"\0")
            if len(rest) > _LONGEST_RECORD:
                raise _Unlistable
            for record in records:
                head, _, path = record.partition(b"\t")
                mode, _, oid, size = head.split()
                known = int(size) if size.isdigit() else None
                yield RawEntry(int(mode, 8), oid.decode(), known, path)
        if process.wait() or rest:
            raise _Unlistable


def _walk(git: Git, tree: str, limits: Limits) -> RawListing:
    """The same through tree objects: slower, but it knows what it leaves out."""
    listing = RawListing()
    with ObjectReader(git, _LARGEST_TREE) as reader:
        root = _entries(reader, tree)
        if root is None:
            raise SourceError(
                f"the tree {tree} is missing or damaged: run `git fsck` at the source"
            )
        stack = [(b"", root)]
        directories = 0
        while stack:
            prefix, remaining = stack[-1]
            entry = next(remaining, None)
            if entry is None:
                stack.pop()
                continue
            mode, oid, name = entry
            path = prefix + name
            if not stat.S_ISDIR(mode):
                if len(listing.entries) < limits.files:
                    listing.entries.append(RawEntry(mode, oid, None, path))
                else:
                    listing.gaps.add(GapReason.TOO_MANY, shown(path), _beyond(limits))
            elif len(listing.entries) >= limits.files or directories >= 2 * limits.files:
                # Directories count too: a tree can have billions of them and no file at all.
                listing.gaps.add(GapReason.TOO_MANY, f"{shown(path)}/", _beyond(limits))
            elif len(stack) >= limits.path_depth:
                listing.gaps.add(
                    GapReason.BAD_NAME,
                    f"{shown(path)}/",
                    f"a path of more than {limits.path_depth} levels",
                )
            elif (below := _entries(reader, oid)) is None:
                listing.gaps.add(
                    GapReason.MISSING_OBJECT, f"{shown(path)}/", "the directory's tree object"
                )
            else:
                directories += 1
                stack.append((path + b"/", below))
    return RawListing(_with_sizes(git, listing.entries), listing.gaps)


def _beyond(limits: Limits) -> str:
    return f"beyond the first {limits.files} entries"


def _entries(reader: ObjectReader, oid: str) -> Iterator[tuple[int, str, bytes]] | None:
    """(mode, id, name) of a tree object; None where it is missing, damaged or too large."""
    found = reader.one(oid)
    if found.kind != "tree" or found.content is None:
        return None
    entries = []
    content, position = found.content, 0
    length = len(oid) // 2
    while position < len(content):
        space = content.find(b" ", position, position + 8)
        end = content.find(b"\0", space)
        if space < 0 or end < 0 or end + 1 + length > len(content):
            return None
        digits = content[position:space]
        if not digits or digits.strip(b"01234567"):
            return None
        position = end + 1 + length
        entries.append(
            (
                _canonical(int(digits, 8)),
                content[end + 1 : position].hex(),
                content[space + 1 : end],
            )
        )
    return iter(entries)


def _canonical(mode: int) -> int:
    """git's own reading of a mode: old repositories hold 0100664 and the like."""
    if stat.S_ISREG(mode):
        return 0o100755 if mode & 0o100 else 0o100644
    if stat.S_ISLNK(mode):
        return stat.S_IFLNK
    return stat.S_IFDIR if stat.S_ISDIR(mode) else 0o160000


def _with_sizes(git: Git, entries: list[RawEntry]) -> list[RawEntry]:
    sizes = sizes_of(git, {entry.oid for entry in entries})
    return [RawEntry(e.mode, e.oid, sizes.get(e.oid), e.path) for e in entries]
