"""Pieces for scanners of Python: files, scripts known by their first line, notebooks."""

from __future__ import annotations

import json
import re

from compline.model import GapReason
from compline.scanners.blobs.analysis import FileGap, Piece, Prepared, Section
from compline.scanners.notebooks import NotANotebook, Notebook, read_notebook

_SHEBANG = re.compile(rb"#![ \t]*(?P<program>[^\s]+)(?P<words>[^\n]*)")


def interpreter(content: bytes) -> str:
    """The program that a script's first line names, as `python3`; empty if there is none."""
    first = content[:200].split(b"\n", 1)[0]
    match = _SHEBANG.match(first)
    if match is None:
        return ""
    program = match["program"].rsplit(b"/", 1)[-1]
    if program == b"env":
        words = match["words"].split()
        named = [word for word in words if not word.startswith(b"-") and b"=" not in word]
        program = named[0] if named else b""
    return program.decode("ascii", "replace")


def notebook_pieces(content: bytes, *, with_text: bool) -> Prepared:
    """The code cells as one Python file, and if wanted all other text as one JSON file."""
    try:
        notebook = read_notebook(content)
    except NotANotebook as error:
        return Prepared(gaps=(FileGap(GapReason.UNPARSED, f"no notebook: {error}"),))
    pieces = []
    if notebook.code:
        pieces.append(_code(notebook))
    if with_text and notebook.text:
        pieces.append(_text(notebook))
    return Prepared(tuple(pieces), tuple(_gaps(notebook)))


def _gaps(notebook: Notebook) -> list[FileGap]:
    if notebook.language != "python":
        return [FileGap(GapReason.UNSUPPORTED, "a notebook in another language than Python")]
    return [FileGap(GapReason.UNPARSED, f"cell {number}") for number in notebook.unparsed]


def _code(notebook: Notebook) -> Piece:
    sections = []
    sources = []
    line = 1
    for cell in notebook.code:
        lines = cell.source.count("\n") + 1
        sections.append(Section(line, lines, cell.number, 1))
        sources.append(f"{cell.source}\n")
        line += lines
    return Piece(".py", "".join(sources).encode("utf-8", "replace"), tuple(sections))


def _text(notebook: Notebook) -> Piece:
    """A JSON array with one string per line of text, each on a line of its own."""
    strings = ",\n".join(json.dumps(line.text) for line in notebook.text)
    sections = tuple(
        Section(number, 1, line.cell, line.line) for number, line in enumerate(notebook.text, 2)
    )
    return Piece(".json", f"[\n{strings}\n]\n".encode(), sections)
