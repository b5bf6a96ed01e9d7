"""Notebooks as files that code scanners can read: the code cells as Python, the rest as text.

Format: nbformat 4 (`cells`), and 3 and older (`worksheets`). What packages a notebook installs is
read by scanners/requirements/notebook.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compline.scanners.magics import CannotParse, NotPythonCell, as_python


class NotANotebook(Exception):
    """The file is no JSON, or has no cells."""


@dataclass(frozen=True, slots=True)
class CodeCell:
    """One code cell as Python that parses, with as many lines as in the notebook."""

    number: int
    """Among all cells of the notebook, from 1."""
    source: str


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of what is not Python: output, Markdown, a magic, a cell in another language."""

    cell: int
    line: int | None
    """Within the cell's source, from 1; None in outputs."""
    text: str


@dataclass(frozen=True, slots=True)
class Notebook:
    """What code scanners want to know of a notebook."""

    code: tuple[CodeCell, ...]
    text: tuple[TextLine, ...]
    unparsed: tuple[int, ...]
    """Numbers of code cells that are no Python even without their magics."""
    language: str
    """Of the kernel, lower case; `python` where the notebook does not say."""


def read_notebook(content: bytes) -> Notebook:
    """Reads a notebook; nothing in it is executed.

    Raises:
        NotANotebook: malformed, or nested too deeply.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotANotebook(type(error).__name__) from None
    cells = list(_cells(value))
    language = _language(value)
    code: list[CodeCell] = []
    text: list[TextLine] = []
    unparsed: list[int] = []
    for number, cell in enumerate(cells, 1):
        source = _joined(cell.get("source", cell.get("input")))
        if cell.get("cell_type") == "code" and language == "python":
            _read_code(number, source, code, text, unparsed)
        else:
            text += _lines_of(number, source)
        for output in _list(cell.get("outputs")):
            text += (TextLine(number, None, line) for line in _output_lines(output))
    written = tuple(line for line in text if line.text.strip())
    return Notebook(tuple(code), written, tuple(unparsed), language)


def _read_code(
    number: int, source: str, code: list[CodeCell], text: list[TextLine], unparsed: list[int]
) -> None:
    try:
        python = as_python(source)
    except NotPythonCell:
        text += _lines_of(number, source)
    except CannotParse:
        unparsed.append(number)
        text += _lines_of(number, source)
    else:
        code.append(CodeCell(number, python.source))
        lines = source.split("\n")
        text += (TextLine(number, line, lines[line - 1]) for line in python.replaced)


def _cells(value: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(value, dict):
        raise NotANotebook("no JSON object")
    sheets = _list(value.get("worksheets"))
    holders = [value] if "cells" in value else [each for each in sheets if isinstance(each, dict)]
    if not holders:
        raise NotANotebook("no cells")
    for holder in holders:
        cells = holder.get("cells")
        if not isinstance(cells, list):
            raise NotANotebook("its cells are no list")
        # What is no cell is counted, so that the numbers are those that people see.
        yield from (cell if isinstance(cell, dict) else {} for cell in cells)


def _language(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        found = metadata.get(section)
        if isinstance(found, dict) and isinstance(found.get(key), str):
            name = found[key].lower()
            return "python" if name in {"python", "ipython", "python3", "python2"} else name
    return "python"


def _output_lines(output: Any) -> Iterator[str]:
    """What an output shows as text; pictures and the like are left out."""
    if not isinstance(output, dict):
        return
    shown = [output.get("text"), output.get("traceback")]
    data = output.get("data")
    if isinstance(data, dict):
        for kind, content in data.items():
            if kind.startswith("text/") or kind == "application/javascript":
                shown.append(content)
            elif kind.startswith("application/") and "json" in kind:
                shown.append(json.dumps(content))
    for content in shown:
        yield from _joined(content).split("\n")


def _lines_of(number: int, source: str) -> list[TextLine]:
    return [TextLine(number, line, text) for line, text in enumerate(source.split("\n"), 1)]


def _joined(source: Any) -> str:
    """A multi-line string of the format: one string, or a list of them."""
    parts = source if isinstance(source, list) else [source]
    text = "".join(part for part in parts if isinstance(part, str))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
