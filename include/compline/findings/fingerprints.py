"""What a span of source text is known by when its lines move: code and enclosing definition.

A fingerprint is evidence for the matcher, never an identity. Two versions stand beside each
other: `py-ast/1`, the syntax tree without layout, for Python that parses; `tokens/1`, the words
of the text, for everything. Rules take no part: two observations of one statement agree.

A better version is put before the others, which stay for as long as stores may hold them: the
older one links what was known to what is said now.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from compline.findings.outline import Outline, Region, settings
from compline.findings.syntax import Module, NotPython, normal_form, parse
from compline.findings.tokens import tokens

PYTHON_TREE = "py-ast/1"
TOKENS = "tokens/1"

# A notebook's cell is handed in as its source under the notebook's path.
_PYTHON_SUFFIXES = frozenset({".py", ".pyi", ".pyw", ".ipynb"})

_LONGEST_SCOPE = 50_000
"""Characters: hostile text nests definitions without end, and each would be read again."""


@dataclass(frozen=True, slots=True)
class CodeEvidence:
    """What goes into an observation's `fingerprints` and its place's `symbol`."""

    fingerprints: tuple[tuple[str, str], ...]
    """(version, value), best first; empty where the span holds nothing but layout."""
    symbol: str
    """Dotted enclosing definitions, empty at the top of the file."""
    scope: str = ""
    """What the innermost of them holds, hashed without its name; see `Place.scope`."""


class CodeReader:
    """One file's text, parsed once for all the observations in it."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text.removeprefix("\ufeff")
        self._known: dict[tuple[int, int, int | None, int | None], CodeEvidence] = {}
        self._scopes: dict[object, str] = {}

    def evidence(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
    ) -> CodeEvidence:
        """What is known of a span; lines and columns count from 1.

        Columns only choose among statements that share a line. A span outside the text has no
        fingerprint.
        """
        last = line if end_line is None else max(line, end_line)
        key = (line, last, column, end_column)
        if key not in self._known:
            self._known[key] = self._read(*key)
        return self._known[key]

    def _read(
        self, line: int, end_line: int, column: int | None, end_column: int | None
    ) -> CodeEvidence:
        pairs = []
        symbol = scope = ""
        if self._module is None:
            symbol, scope = self._around(line)
        else:
            found = self._module.locate(line, end_line, column, end_column)
            symbol = found.symbol
            if found.definition is not None:
                scope = self._scope(found.definition)
            if found.normal_form:
                pairs.append((PYTHON_TREE, _digest(found.normal_form)))
                line, end_line = found.line, found.end_line
        words = tokens(self._path, "\n".join(self._lines[max(line, 1) - 1 : end_line]))
        if words:
            pairs.append((TOKENS, _digest("\n".join(words))))
        return CodeEvidence(tuple(pairs), symbol, scope)

    def _scope(self, definition: ast.AST) -> str:
        if definition not in self._scopes:
            form = normal_form(definition, header_only=False, outline=True)
            self._scopes[definition] = _digest(form)[:16]
        return self._scopes[definition]

    def _around(self, line: int) -> tuple[str, str]:
        """Symbol and scope where there is no syntax tree."""
        region = self._outline.around(line)
        if region is None:
            return "", ""
        if region not in self._scopes:
            self._scopes[region] = self._held(region)
        return region.name, self._scopes[region]

    def _held(self, region: Region) -> str:
        lines = self._lines[region.first - 1 : region.last]
        own = region.name.rpartition(".")[2]
        text = "\n".join(lines)
        if len(text) > _LONGEST_SCOPE:
            return ""
        if not region.braces:
            # A setting's value may be a password without quotes around it.
            return _digest("\n".join(name for name in settings(lines[1:]) if name != own))[:16]
        words = (
            word[0] if word[0] in "\"'`" or word[0].isdigit() else word
            for word in tokens(self._path, text)
            if word != own
        )
        return _digest("\n".join(words))[:16]

    @cached_property
    def _outline(self) -> Outline:
        return Outline(self._path, self._lines)

    @cached_property
    def _lines(self) -> list[str]:
        # Not splitlines: form feeds and the like end no line for git, editors and the tools.
        return self._text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @cached_property
    def _module(self) -> Module | None:
        first = self._text[:200].split("\n", 1)[0]
        python = PurePosixPath(self._path).suffix.lower() in _PYTHON_SUFFIXES or (
            first.startswith("#!") and "python" in first
        )
        if not python:
            return None
        try:
            return parse(self._text)
        except NotPython:
            return None


def code_evidence(
    path: str,
    text: str,
    line: int,
    end_line: int,
    column: int | None = None,
    end_column: int | None = None,
) -> CodeEvidence:
    """`CodeReader` for a single span."""
    return CodeReader(path, text).evidence(line, end_line, column, end_column)


def _digest(text: str) -> str:
    # 128 bits: a chance collision is out of reach, and the store holds millions of them.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
