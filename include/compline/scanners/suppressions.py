"""Inline comments that ask a tool to look away: read as the tool would, recorded, not obeyed."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Sequence

_NOSEC = re.compile(r"#\s*nosec:?\s*(?P<names>[^#]+)?")
_WORD = re.compile(r"[A-Za-z\d_]+")
_NOSEM = re.compile(r" nosem(?:grep)?(?::\s?(?P<ids>[\w.-]+(?:\s*,\s*[\w.-]+)*))?", re.IGNORECASE)
_ONLY_NOSEM = re.compile(r"[^A-Za-z0-9]*nosem", re.IGNORECASE)


class NosecComments:
    """bandit's comments in one Python file."""

    def __init__(self, text: str) -> None:
        self._comments = dict(_comments(text)) if "nosec" in text else {}

    def on(self, lines: Iterable[int], names: Collection[str], known: Collection[str]) -> str:
        """`nosec` if a comment on one of the lines is meant for the test, else empty.

        Args:
            lines: of the finding, from 1.
            names: id and name of its test.
            known: ids and names of all tests; a comment with none of them is meant for all.
        """
        for line in lines:
            match = _NOSEC.search(self._comments.get(line, ""))
            if match:
                named = set(_WORD.findall(match["names"] or "")) & set(known)
                if not named or named & set(names):
                    return "nosec"
        return ""


def nosemgrep(lines: Sequence[str], line: int, rule: str) -> str:
    """`nosemgrep` if the finding's line or a comment alone above it asks for it, else empty.

    Args:
        lines: of the file.
        line: the finding's first, from 1.
        rule: its rule's id; a comment may put directories before it, as Semgrep prints them.
    """
    above = lines[line - 2] if 2 <= line <= len(lines) + 1 else ""
    candidates = [lines[line - 1] if line <= len(lines) else ""]
    if _ONLY_NOSEM.match(above):
        candidates.append(f" {above.lstrip(' #/*-;<!')}")
    for text in candidates:
        match = _NOSEM.search(text)
        if match:
            ids = [each.strip() for each in (match["ids"] or "").split(",") if each.strip()]
            if not ids or any(each == rule or each.endswith(f".{rule}") for each in ids):
                return "nosemgrep"
    return ""


def _comments(text: str) -> list[tuple[int, str]]:
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                found.append((token.start[0], token.string))
    except (tokenize.TokenError, SyntaxError):
        # bandit, too, keeps the comments up to there.
        return found
    return found
