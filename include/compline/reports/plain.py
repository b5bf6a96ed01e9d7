"""Text of scanned repositories made fit for a terminal or a log."""

from __future__ import annotations

import re

# C0 and C1 control characters (escape sequences begin with one of them) and the marks that turn
# the direction of text.
_ACTING = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """One line in which nothing moves the cursor, colours, or reverses what follows."""
    return _ACTING.sub("\N{REPLACEMENT CHARACTER}", text)
