"""A tool's line numbers as places with code evidence, for plain files and for notebooks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from compline.findings.cwe import families
from compline.findings.fingerprints import CodeReader
from compline.model import Place
from compline.scanners.blobs.analysis import Piece, Section

_STRING = re.compile(
    r"""(?P<quotes>\"{3}|'{3})(?P<long>[\s\S]*?)(?P=quotes)
      | (?P<quote>["'`])(?:[^"'`\\\n]|\\.|(?!(?P=quote))["'`])*(?P=quote)""",
    re.VERBOSE,
)
_WORD = re.compile(r"[A-Za-z0-9_+/=-]{16,}")
"""What may be a key without quotes around it, as in YAML and Dockerfiles."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a tool saw something in a piece; all from 1."""

    line: int
    end_line: int
    column: int | None = None
    end_column: int | None = None


class PieceText:
    """The text of one piece, for all the findings in it."""

    def __init__(self, piece: Piece, oid: str) -> None:
        self._piece = piece
        self._oid = oid
        self._name = f"file{piece.suffix}"
        self.text = piece.content.decode("utf-8", "replace")
        self.lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        """From 0."""
        self._starts = [section.first for section in piece.sections]
        self._readers: dict[tuple[int, bool], CodeReader] = {}

    def line(self, number: int) -> str:
        """A line by its number from 1; empty outside the text."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def locate(self, span: Span, cwe: Iterable[str]) -> tuple[Place, tuple[tuple[str, str], ...]]:
        """The place, without a path, and the fingerprints of the code there.

        Of what is about a credential the strings are left out before anything is hashed: a short
        password could be guessed from the hash of the line that holds it.
        """
        secret = is_secret(tuple(cwe))
        section = self._section(span.line)
        if section is None:
            reader, offset = self._reader(0, self._name, self.lines, masked=secret), 0
        else:
            first, last = section.first - 1, section.first - 1 + section.lines
            name = "cell.ipynb" if section.line is not None else "cell.txt"
            own = self.lines[first:last]
            reader, offset = self._reader(section.first, name, own, masked=secret), first
            span = Span(
                span.line, min(span.end_line, section.first + section.lines - 1), span.column
            )
        evidence = reader.evidence(
            span.line - offset,
            span.end_line - offset,
            None if secret else span.column,
            None if secret else span.end_column,
        )
        if section is not None and section.line is None:
            # A cell's output or text: lines count only in its source.
            return Place(cell=section.cell, blob=self._oid), evidence.fingerprints
        shift = 0 if section is None or section.line is None else section.line - section.first
        place = Place(
            line=span.line + shift,
            end_line=span.end_line + shift,
            column=span.column,
            end_column=span.end_column,
            cell=None if section is None else section.cell,
            symbol=evidence.symbol,
            blob=self._oid,
            scope=evidence.scope,
        )
        return place, evidence.fingerprints

    def _section(self, line: int) -> Section | None:
        index = bisect_right(self._starts, line) - 1
        return self._piece.sections[max(index, 0)] if self._piece.sections else None

    def _reader(self, key: int, name: str, lines: list[str], *, masked: bool) -> CodeReader:
        if (key, masked) not in self._readers:
            text = "\n".join(lines)
            python = name.endswith((".py", ".pyi", ".ipynb"))
            reader = CodeReader(name, _masked(text, python=python) if masked else text)
            self._readers[key, masked] = reader
        return self._readers[key, masked]


@lru_cache(maxsize=1000)
def is_secret(cwe: tuple[str, ...]) -> bool:
    """Whether a finding is about a credential."""
    return "credential" in families(cwe)


def _masked(text: str, *, python: bool) -> str:
    """The text with nothing in its strings, and as many lines as before."""

    def emptied(match: re.Match[str]) -> str:
        if match["quotes"]:
            return match["quotes"] + "\n" * match["long"].count("\n") + match["quotes"]
        return match["quote"] * 2

    text = _STRING.sub(emptied, text)
    return text if python else _WORD.sub("_", text)
