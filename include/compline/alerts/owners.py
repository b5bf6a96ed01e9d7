"""CODEOWNERS, as code hosts read it: who owns a path. Pure, and safe for hostile files.

The last line that matches a path counts; GitLab's sections (`[Name] @default`) each count by
themselves. A pattern without a slash matches at any depth, one that matches a folder matches all
below it, and `folder/*` only what lies directly in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where the file may lie; the first one there counts."""
_LINES = 3_000
_LENGTH = 400
_STARS = 8
"""Lines, characters of a line, and stars of a pattern that are read: more would only cost time."""
_SECTION = re.compile(r"^\^?\[([^\]]+)\](?:\[\d+\])?\s*(.*)$")


@dataclass(frozen=True, slots=True)
class _Line:
    section: str
    segments: tuple[str, ...]
    deep: bool
    """Whether it matches what lies below a match."""
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """One file."""

    lines: tuple[_Line, ...]

    def of(self, path: str) -> tuple[str, ...]:
        """The owners of a path, none where no line matches or the last one names nobody."""
        parts = path.split("/")
        last: dict[str, tuple[str, ...]] = {}
        for line in self.lines:
            if _matches(line, parts):
                last[line.section] = line.owners
        return tuple(dict.fromkeys(owner for owners in last.values() for owner in owners))


def parse(text: str) -> CodeOwners:
    """Reads the file; what cannot be read is left out, as code hosts do."""
    lines = []
    section = ""
    default: tuple[str, ...] = ()
    for raw in text.splitlines()[:_LINES]:
        stripped = raw.strip()
        if not stripped or stripped.startswith("#") or len(stripped) > _LENGTH:
            continue
        header = _SECTION.match(stripped)
        if header is not None:
            section, default = header[1].lower(), tuple(_owners(header[2].split()))
            continue
        words = re.split(r"(?<!\\)\s+", stripped)
        owners = tuple(_owners(words[1:])) or default
        line = _line(section, words[0].replace("\\ ", " "), owners)
        if line is not None:
            lines.append(line)
    return CodeOwners(tuple(lines))


def _owners(words: Sequence[str]) -> list[str]:
    """Names (`@user`, `@org/team`) and addresses; a comment ends them."""
    found = []
    for word in words:
        if word.startswith("#"):
            break
        if "@" in word:
            found.append(word)
    return found


def _line(section: str, pattern: str, owners: tuple[str, ...]) -> _Line | None:
    inner = pattern.strip("/")
    if inner.count("*") > _STARS:
        return None
    if not inner or pattern.startswith("!"):
        return _Line(section, ("**",), True, owners) if pattern == "/" else None
    segments = tuple(inner.split("/"))
    if len(segments) == 1 and not pattern.startswith("/"):
        segments = ("**", *segments)
    direct = len(segments) > 1 and segments[-1] == "*" and segments[0] != "**"
    return _Line(section, segments, not direct, owners)


def _matches(line: _Line, parts: Sequence[str]) -> bool:
    """Segment by segment: the set of places in the pattern that the path so far can be at."""
    end = len(line.segments)
    at = _skip({0}, line.segments)
    for part in parts:
        following = set()
        for place in at:
            if place == end:
                if line.deep:
                    following.add(place)
            elif line.segments[place] == "**":
                following.add(place)
            elif fnmatchcase(part, line.segments[place].replace("[", "[[]")):
                following.add(place + 1)
        at = _skip(following, line.segments)
        if not at:
            return False
    return end in at


def _skip(places: set[int], segments: Sequence[str]) -> set[int]:
    """`**` may also stand for nothing."""
    found = set(places)
    for place in sorted(places):
        while place < len(segments) and segments[place] == "**":
            place += 1
            found.add(place)
    return found
