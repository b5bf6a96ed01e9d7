"""What of a log was read before, and where to go on: only what has grown is read again.

A log is known by its inode or, where a rotation has copied or packed it, by its first bytes. That
it is the same one is proved by the bytes before the place where reading ended: a file that was
truncated or written anew is read from its beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pydantic import TypeAdapter

from compline.model import Observation

_WINDOW = 4096
"""Bytes at the beginning, and before the end, that are compared."""
OVERLAP = 16 << 10
"""Bytes before the end that are scanned again: a secret may have been written in two steps, or lie
across the seam of two pieces."""
PIECE = 2 << 20
"""Bytes that are scanned as one file: the longest line that is seen whole."""


@dataclass(frozen=True)
class Known:
    """What is kept of a log between two nights."""

    offset: int
    """Bytes that were read."""
    lines: int
    """Line breaks among them."""
    head: str
    """SHA-256 of the first bytes, as many as `head_size`."""
    head_size: int
    tail: str
    """SHA-256 of the last bytes before the offset, as many as `head_size`."""
    stamp: str = ""
    """What tells without reading that nothing has changed since; empty where nothing does."""
    found: tuple[Observation, ...] = ()
    """Without a path, each secret at its first line; hashed, but not yet for a target."""


_known: TypeAdapter[Known] = TypeAdapter(Known)


def to_bytes(known: Known) -> bytes:
    """As the results cache keeps it."""
    return _known.dump_json(known, exclude_defaults=True)


def from_bytes(value: bytes) -> Known:
    """The inverse of `to_bytes`."""
    return _known.validate_json(value)


@dataclass(frozen=True)
class Piece:
    """Bytes of a log that are scanned together."""

    line: int
    """The number of its first line, from 1."""
    content: bytes


@dataclass
class Reader:
    """Reads what is new of one log; holds at most a piece in memory."""

    file: BinaryIO
    known: Known | None
    offset: int = 0
    lines: int = 0
    whole: bool = False
    """Whether the end was reached."""
    from_line: int = 1
    """The first line that is read (again); what was known of earlier ones stands."""

    def pieces(self, most: int) -> Iterator[Piece]:
        """What is new, in pieces that overlap.

        Args:
            most: bytes to be read at most.

        Raises:
            OSError, EOFError, zlib.error: it cannot be read, or is packed and damaged.
        """
        kept, first_line = self._begin()
        again, self.from_line = self.from_line, self.lines + 2  # while nothing is new, all stands
        while True:
            wanted = min(PIECE, most)
            new = self.file.read(wanted) if wanted > 0 else b""
            most -= len(new)
            if not new:
                self.whole = wanted > 0
                return
            self.from_line = again
            self.offset += len(new)
            self.lines += new.count(b"\n")
            content = kept + new
            yield Piece(first_line, _as_text(content))
            kept = _last_lines(content)
            first_line = self.lines + 1 - kept.count(b"\n")

    def seen(self, stamp: str) -> Known:
        """What is to be kept after reading, without what was found."""
        return known_at(self.file, self.offset, self.lines, stamp)

    def _begin(self) -> tuple[bytes, int]:
        known = self.known
        if known is None or not is_same(self.file, known):
            self.known = None
            self.file.seek(0)
            return b"", 1
        start = max(0, known.offset - OVERLAP)
        self.file.seek(start)
        kept = _last_lines(self.file.read(known.offset - start), whole=start == 0)
        self.offset, self.lines = known.offset, known.lines
        self.from_line = known.lines + 1 - kept.count(b"\n")
        return kept, self.from_line


def known_at(file: BinaryIO, offset: int, lines: int, stamp: str) -> Known:
    """What is kept of a log that was read as far as the offset."""
    size = min(_WINDOW, offset)
    file.seek(0)
    head = _digest(file.read(size))
    file.seek(offset - size)
    return Known(offset, lines, head, size, _digest(file.read(size)), stamp)


def is_same(file: BinaryIO, known: Known) -> bool:
    """Whether the log begins as the known one, and has the same bytes before the offset."""
    file.seek(0)
    if _digest(file.read(known.head_size)) != known.head:
        return False
    file.seek(known.offset - known.head_size)
    return _digest(file.read(known.head_size)) == known.tail


def head_digest(head: bytes, size: int) -> str:
    """What `Known.head` is of a log that begins so, if it is as long as `size`."""
    return _digest(head[:size])


def by_head(head: bytes) -> str:
    """Under what a log is known by its first bytes; empty while it is too short."""
    return f"head:{_digest(head)}" if len(head) == _WINDOW else ""


def head_of(file: BinaryIO) -> bytes:
    """The bytes that a log may be known by."""
    file.seek(0)
    return file.read(_WINDOW)


def is_binary(head: bytes) -> bool:
    """Whether these are no lines of text: more than a tenth are bytes that no text has."""
    odd = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)
    return odd * 10 > len(head)


def _last_lines(content: bytes, *, whole: bool = False) -> bytes:
    """The last bytes that overlap with what follows, from the beginning of a line if there is one.

    Args:
        content: what was read.
        whole: whether it begins where the log does.
    """
    if whole and len(content) <= OVERLAP:
        return content
    last = content[-OVERLAP:]
    line = last.find(b"\n")
    return last[line + 1 :] if 0 <= line < len(last) - 1 else last


_BLANK = bytes(range(9)) + bytes(range(14, 32)) + b"\x7f"
_TABLE = bytes.maketrans(_BLANK, b" " * len(_BLANK))


def _as_text(content: bytes) -> bytes:
    """Control characters as blanks, so that a few of them do not make a log a binary file."""
    return content.translate(_TABLE)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
