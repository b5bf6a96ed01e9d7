"""Text from scanned repositories in which nothing can act: no mention, link, markup or control.

Two manners: `plain` for e-mail and terminals, which make links by themselves; `chat` for everything
that also reads mentions and markup. Where something must be broken a zero-width space is put
inside, or a look-alike takes its place, so that people still read what was there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

Escape = Callable[[str, int], str]
"""Text and the greatest number of its characters that are kept, to harmless text."""

_BREAK = "\N{ZERO WIDTH SPACE}"
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
"""Unicode's categories of controls (bidirectional ones among them), private and unassigned
characters, and line and paragraph separators."""
_LINKS = (
    re.compile(r":(?=//)"),
    re.compile(r"\b(?:mailto|tel|sms|data|javascript)(?=:)", re.IGNORECASE),
    re.compile(r"(?<=\w)\.(?=[^\W\d_]{2})"),  # a domain's dot, and a file name's
    re.compile(r"[@\uff20\ufe6b]"),
)
_MARKS = str.maketrans("<>`|*\\~", "\u2039\u203a\u2032\u00a6\u2217\u2216\u223c")
_EDGES = re.compile(r"(?<![^\W_])[_#]+|_+(?![^\W_])")
_EDGE_MARKS = str.maketrans("_#", "\u02cd\uff03")
_PAIRS = re.compile(r"\](?=\()|:(?=\w+:)")


def clean(text: str, most: int = 200) -> str:
    """One line without control or invisible characters, cut to a length."""
    spaced = "".join(
        " " if unicodedata.category(character) in _INVISIBLE else character
        for character in text[: 4 * most]
    )
    line = " ".join(spaced.split())
    return line if len(line) <= most else f"{line[: most - 1]}\u2026"


def plain(text: str, most: int = 200) -> str:
    """For e-mail and terminals: what looks like an address or a domain makes no link."""
    return _unlinked(clean(text, most))


def chat(text: str, most: int = 200) -> str:
    """For chat services and whatever passes a message on to one: no mention, no markup either."""
    line = clean(text, most).translate(_MARKS)
    line = _EDGES.sub(lambda match: match[0].translate(_EDGE_MARKS), line)
    return _unlinked(_PAIRS.sub(_broken, line))


def _unlinked(line: str) -> str:
    for pattern in _LINKS:
        line = pattern.sub(_broken, line)
    return line


def _broken(match: re.Match[str]) -> str:
    return match[0] + _BREAK
