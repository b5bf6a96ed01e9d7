"""Enclosing definitions where there is no syntax tree: read from braces, indentation and stages.

A reading of the text that is good enough for evidence: it never fails, and what it does not
understand has no name. Regular expressions and templates with odd braces may mislead it, in the
old text and in the new one alike.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from compline.findings.tokens import located

_BRACES = frozenset(
    {".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".java", ".kt", ".scala", ".go", ".c", ".h"}
    | {".cc", ".cpp", ".hpp", ".cs", ".rs", ".swift", ".php", ".groovy", ".tf", ".hcl"}
)
_INDENTED = frozenset({".yaml", ".yml"})
_STAGES = frozenset({"dockerfile", "containerfile"})
_NAMING = frozenset(
    {"function", "class", "interface", "func", "fn", "fun", "struct", "impl", "trait", "enum"}
    | {"namespace", "module", "object", "def", "record", "type"}
)
_CONTROL = frozenset(
    {"if", "for", "while", "switch", "catch", "with", "else", "return", "do", "try", "match"}
    | {"synchronized", "using", "lock", "foreach", "select", "case", "new", "await", "finally"}
)
_WORD = re.compile(r"[^\W\d]\w*\Z")
_KEY = re.compile(
    r"""(?P<indent>\s*(?:-\s+)*)
        (?P<key>"[^"]*" | '[^']*' | [^\s#:'"{\[&*!|>-][^:#]*?)\s*:(?=\s|$)""",
    re.VERBOSE,
)
_NAMED_ITEM = re.compile(r"""\s*(?:-\s+)+(?:name|id)\s*:\s*(?P<name>\S.*?)\s*(?:\s#.*)?$""")
_INSTRUCTIONS = frozenset(
    {"RUN", "CMD", "LABEL", "EXPOSE", "ENV", "ADD", "COPY", "ENTRYPOINT", "VOLUME", "USER"}
    | {"WORKDIR", "ARG", "ONBUILD", "STOPSIGNAL", "HEALTHCHECK", "SHELL"}
)
_FROM = re.compile(r"\s*FROM\s+(?P<image>.+?)(?:\s+AS\s+(?P<name>\S+))?\s*$", re.IGNORECASE)


_OPEN, _CLOSE, _END, _PAREN = "{};("
_LONGEST = 500
"""Characters of a dotted name, and of a line that is read for one: text may be hostile."""
_HEADER = 200
"""Tokens before a brace that are looked at."""


@dataclass(frozen=True, slots=True)
class Region:
    """A definition's lines, from 1, and its name."""

    first: int
    last: int
    name: str
    braces: bool = False


class Outline:
    """The named regions of one text."""

    def __init__(self, path: str, lines: Sequence[str]) -> None:
        name = PurePosixPath(path).name.lower()
        suffix = PurePosixPath(name).suffix
        regions: list[Region] = []
        if suffix in _BRACES:
            regions = _braces(path, lines)
        elif suffix in _INDENTED:
            regions = _indented(lines)
        elif name.split(".")[0] in _STAGES or suffix == ".dockerfile":
            regions = _stages(lines)
        # Outer ones come first: the last that begins before a line and ends behind it is inmost.
        self._regions = sorted(regions, key=lambda region: (region.first, -region.last))
        self._firsts = [region.first for region in self._regions]
        self._outer = _nesting(self._regions)

    def around(self, line: int) -> Region | None:
        """The innermost region that holds the line, under its dotted name."""
        index = bisect_right(self._firsts, line) - 1
        while index >= 0 and self._regions[index].last < line:
            index = self._outer[index]
        if index < 0:
            return None
        found = self._regions[index]
        name = found.name
        while (index := self._outer[index]) >= 0 and len(name) < _LONGEST:
            name = f"{self._regions[index].name}.{name}"
        return Region(found.first, found.last, name[-_LONGEST:], found.braces)


def _nesting(regions: Sequence[Region]) -> list[int]:
    """For each region the index of the one around it, -1 for none."""
    outer: list[int] = []
    open_: list[int] = []
    for index, region in enumerate(regions):
        while open_ and regions[open_[-1]].last < region.first:
            open_.pop()
        outer.append(open_[-1] if open_ else -1)
        open_.append(index)
    return outer


def _braces(path: str, lines: Sequence[str]) -> list[Region]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found: list[Region] = []
    stack: list[tuple[int, str, int]] = []
    header: list[str] = []
    begun, parens = 1, 0
    for token, offset in located(path, "\n".join(lines)):
        if token == _OPEN:
            first = begun if header else bisect_right(starts, offset)
            stack.append((first, _name_of(header), parens))
            header, parens = [], 0
        elif token == _CLOSE:
            if stack:
                first, name, parens = stack.pop()
                if name:
                    found.append(Region(first, bisect_right(starts, offset), name, braces=True))
            header = []
        elif token == _END and not parens:
            header = []
        else:
            parens = max(0, parens + (token in ("(", "[")) - (token in (")", "]")))
            if not header:
                begun = bisect_right(starts, offset)
            if len(header) == _HEADER:
                del header[_HEADER // 2]  # its beginning and its end tell all
            header.append(token)
    return found


def _name_of(header: list[str]) -> str:
    """The name that a block's header gives it; empty for a block of control flow."""
    if not header or header[0] in _CONTROL:
        return ""
    if len(header) > 1 and all(token[0] in "\"'" for token in header[1:]):
        return ".".join([header[0], *(token.strip("\"'") for token in header[1:])])  # HCL
    for index, token in enumerate(header[:-1]):
        if token in _NAMING:
            rest = _behind_parens(header[index + 1 :])
            if rest and _WORD.match(rest[0]):
                return rest[0]
    if header[-2:] == ["=", ">"] or "function" in header:
        for index, token in enumerate(header):
            if token in ("=", ":") and index and _WORD.match(header[index - 1]):
                return header[index - 1]  # `name = (x) =>`, `name: function (x)`
            if token == _PAREN:
                break
    if _PAREN in header:
        index = header.index(_PAREN) - 1
        if index >= 0 and _WORD.match(header[index]) and header[index] not in _CONTROL:
            return header[index]
    return ""


def _behind_parens(tokens: Sequence[str]) -> Sequence[str]:
    """What follows a leading group in parentheses: a receiver, as Go writes it."""
    if not tokens or tokens[0] != "(":
        return tokens
    return tokens[tokens.index(")") + 1 :] if ")" in tokens else ()


def _indented(lines: Sequence[str]) -> list[Region]:
    found: list[Region] = []
    stack: list[tuple[int, int, str]] = []
    last = 0

    def close(indent: int) -> None:
        while stack and stack[-1][0] >= indent:
            _, first, name = stack.pop()
            if last > first:  # a key on one line encloses nothing
                found.append(Region(first, last, name))

    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text == "---":
            close(0)
            last = number
            continue
        column = len(line) - len(line.lstrip())
        item = _NAMED_ITEM.match(line[:_LONGEST])
        key = _KEY.match(line[:_LONGEST])
        if text.startswith("-"):
            close(column + 1)
            # An item of a list belongs to the key above, be it indented or not.
            if stack and stack[-1][0] > column:
                close(column)
            if item is not None:
                stack.append((column + 1, number, item["name"].strip("\"'")))
        else:
            close(column)
        if key is not None:
            inner = len(key["indent"])
            stack.append((inner if inner else column, number, key["key"].strip("\"'")))
        last = number
    close(0)
    return found


def settings(lines: Iterable[str]) -> Iterator[str]:
    """What a text of settings or instructions sets or does, line by line, without any value."""
    for line in lines:
        key = _KEY.match(line[:_LONGEST])
        word = line[:_LONGEST].split(maxsplit=1)[:1]
        if key is not None:
            yield key["key"]
        elif word and word[0].upper() in _INSTRUCTIONS:
            yield word[0].upper()


def _stages(lines: Sequence[str]) -> list[Region]:
    starts = [
        (number, found["name"] or _untagged(found["image"]))
        for number, line in enumerate(lines, 1)
        if (found := _FROM.match(line[:_LONGEST]))
    ]
    ends = [*(number - 1 for number, _ in starts[1:]), len(lines)]
    return [Region(first, last, name) for (first, name), last in zip(starts, ends, strict=False)]


def _untagged(image: str) -> str:
    """Its name, which stays when it is brought up to date."""
    path, _, last = image.split()[-1].partition("@")[0].rpartition("/")
    return f"{path}/{last.partition(':')[0]}".lstrip("/")
