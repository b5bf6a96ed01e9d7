"""Which paths of a repository may become files here, and how the others are shown to people."""

from __future__ import annotations

import re

from compline.config.schema import Limits

_UNSHOWABLE = re.compile(
    # Control characters, line and paragraph separators, and the marks that turn the direction of
    # writing: in a report they would show another path than the real one.
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_TRAVERSING = re.compile(r"(?:^|/)(?:\.{0,2}|\.git)(?:/|$)", re.IGNORECASE)
_LONG_COMPONENT = re.compile(rb"[^/]{256}")
"""File systems take names of at most 255 bytes."""
_SHOWN = 300
"""Characters of a path that is not shown as it is."""
_LONGEST = 4096
"""Bytes; a longer path is never shown whole."""


class BadName(ValueError):
    """A path that does not become a file; `path` is what a gap says instead of it."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path


def checked_path(raw: bytes, limits: Limits) -> str:
    """The path as text.

    Raises:
        BadName: not UTF-8, unshowable, leading elsewhere, too long or too deep.
    """
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadName(shown(raw), "the name is not UTF-8") from None
    if _UNSHOWABLE.search(path):
        raise BadName(shown(raw), "the name holds control characters")
    if _TRAVERSING.search(path):
        raise BadName(shown(raw), "the path has an empty part, `.`, `..` or `.git`")
    if _LONG_COMPONENT.search(raw):
        raise BadName(shown(raw), "a name of more than 255 bytes")
    if len(raw) > limits.path_length:
        raise BadName(_above(path, limits), f"a path of more than {limits.path_length} bytes")
    if path.count("/") >= limits.path_depth:
        raise BadName(_above(path, limits), f"a path of more than {limits.path_depth} levels")
    return path


def shown(raw: bytes) -> str:
    """The path as it is where it can be shown, else a printable form of it."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _escaped(raw)
    return _escaped(raw) if _UNSHOWABLE.search(text) or len(raw) > _LONGEST else text


def _escaped(raw: bytes) -> str:
    # Backslashes are doubled, so that no two names look alike.
    text = raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    text = _UNSHOWABLE.sub(_hidden, text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _hidden(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _above(path: str, limits: Limits) -> str:
    """The deepest directory above a path that is itself within the limits, with its `/`.

    A gap with this name covers the path. Where not even the first part is within the limits, it is
    that part.
    """
    first, *parts = path.split("/")
    kept = f"{first}/" if parts else first
    for part in parts[:-1]:
        longer = f"{kept}{part}/"
        if longer.count("/") > limits.path_depth or len(longer.encode()) > limits.path_length:
            break
        kept = longer
    return kept
