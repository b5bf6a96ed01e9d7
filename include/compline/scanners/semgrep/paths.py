"""A rule's `paths:`, judged by us: files are given to Semgrep under names that say nothing.

Semantics as measured with Semgrep 1.182: a pattern floats unless it begins with `/` or `./`, even
with slashes inside; it matches a file or any directory above one; `*` and `?` stop at slashes,
`**` does not; braces and `!` mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class PathFilter:
    """Which files a rule is meant for."""

    include: re.Pattern[str] | None = None
    exclude: re.Pattern[str] | None = None

    @classmethod
    def of(cls, include: Iterable[str], exclude: Iterable[str]) -> PathFilter:
        """From a rule's two lists of patterns."""
        return cls(_any_of(include), _any_of(exclude))

    def takes(self, path: str) -> bool:
        """Whether the rule is meant for the file."""
        if self.exclude is not None and self.exclude.fullmatch(path):
            return False
        return self.include is None or self.include.fullmatch(path) is not None


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    found = [_regex(pattern) for pattern in patterns]
    return re.compile("|".join(found)) if found else None


def _regex(pattern: str) -> str:
    anchored = pattern.startswith(("/", "./"))
    parts = [part for part in pattern.removeprefix(".").strip("/").split("/") if part]
    if not anchored and pattern.startswith("."):
        parts[0] = f".{parts[0]}"
    regex = "" if anchored else "(?:.*/)?"
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            regex += ".*" if last else "(?:[^/]*/)*"
        else:
            regex += _segment(part) + ("" if last else "/")
    return f"(?:{regex}(?:/.*)?)"


def _segment(part: str) -> str:
    pieces = []
    for sign in re.findall(r"\*+|\?|\[[!^]?\]?[^\]]*\]|.", part):
        if sign.startswith("*"):
            pieces.append("[^/]*")
        elif sign == "?":
            pieces.append("[^/]")
        elif len(sign) > 1:
            inside = sign[1:-1]
            negated = inside[:1] in ("!", "^")
            escaped = (inside[1:] if negated else inside).replace("\\", r"\\").replace("[", r"\[")
            pieces.append(f"[{'^' if negated else ''}{escaped}]")
        else:
            pieces.append(re.escape(sign))
    return "".join(pieces)
