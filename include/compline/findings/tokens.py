"""Text as a sequence of tokens: what stays of a line when only its layout changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePosixPath

_HASH = frozenset(
    {".py", ".pyi", ".pyw", ".ipynb", ".sh", ".bash", ".yaml", ".yml", ".toml", ".tf", ".hcl"}
    | {".rb", ".pl", ".r", ".cfg", ".conf", ".ini", ".properties", ".dockerfile", ".tfvars"}
)
_SLASHES = frozenset(
    {".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".java", ".kt", ".scala", ".go", ".c", ".h"}
    | {".cc", ".cpp", ".hpp", ".cs", ".rs", ".swift", ".php", ".tf", ".hcl", ".proto", ".groovy"}
)
_HASH_NAMES = frozenset({"dockerfile", "containerfile", "makefile", "jenkinsfile", "gemfile"})

_STRING = r""" "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `(?:[^`\\\n]|\\.)*` """
_REST = r""" [^\W\d]\w* | \d[\w.]* | \S """
# A hash starts a comment only after white space: `$#`, `${x#y}` and `#fff` are none.
_HASH_COMMENT = r""" (?:(?<=\s)|^)\#.* """
_SLASH_COMMENT = r""" //.* | /\*[\s\S]*?(?:\*/|\Z) """


def _pattern(*comments: str) -> re.Pattern[str]:
    comment = " | ".join(comments)
    alternatives = (
        f"{_STRING} | (?P<comment>{comment}) | {_REST}" if comment else (f"{_STRING} | {_REST}")
    )
    return re.compile(alternatives, re.VERBOSE | re.MULTILINE)


_PATTERNS = {
    (False, False): _pattern(),
    (True, False): _pattern(_HASH_COMMENT),
    (False, True): _pattern(_SLASH_COMMENT),
    (True, True): _pattern(_HASH_COMMENT, _SLASH_COMMENT),
}


def tokens(path: str, text: str) -> list[str]:
    """The text's words, numbers, strings and signs, without white space.

    Comments are left out where the file's name tells how they are written; elsewhere a comment
    counts as text.
    """
    return [found.group() for found in _pattern_of(path).finditer(text) if found.lastgroup is None]


def located(path: str, text: str) -> Iterator[tuple[str, int]]:
    """The tokens, each with where in the text it begins."""
    for match in _pattern_of(path).finditer(text):
        if match.lastgroup is None:  # the one group is the comment
            yield match.group(), match.start()


@lru_cache(maxsize=1000)
def _pattern_of(path: str) -> re.Pattern[str]:
    name = PurePosixPath(path).name.lower()
    suffix = PurePosixPath(name).suffix
    hashes = suffix in _HASH or name.split(".")[0] in _HASH_NAMES
    return _PATTERNS[hashes, suffix in _SLASHES]
