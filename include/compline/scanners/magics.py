"""IPython's cells as plain Python, line by line: magics and shell commands become `pass`.

Syntax: the IPython documentation, "Built-in magic commands" and "IPython reference".
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

_PYTHON_CELLS = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "memit"})
"""Cell magics below which there is Python."""
_PYTHON_LINES = frozenset({"time", "timeit", "prun", "memit"})
"""Line magics whose argument is a Python statement."""

_MAGIC = re.compile(r"(?P<indent>\s*)(?:!|%|\?|,|;|/).*")
_HELP = re.compile(r"(?P<indent>\s*)[%\w.*]+\?{1,2}\s*;?\s*")
_ASSIGNED = re.compile(r"(?P<head>\s*[\w\s,.*()\[\]'\"]+=\s*)(?:!|%(?!=))(?P<rest>.*)")
_TIMED = re.compile(r"(?P<indent>\s*)%(?P<name>\w+)\s+(?:-\w+(?:\s+\d+)?\s+)*(?P<statement>.+)")
_CELL = re.compile(r"\s*%%(?P<name>[\w!]+)")

_MOST_ATTEMPTS = 50
"""How often a cell is parsed with one more magic taken out, before all that may be magics go."""


class NotPythonCell(Exception):
    """A cell magic says that the cell is in another language."""


class CannotParse(Exception):
    """No Python of this interpreter's grammar, magics or not."""


@dataclass(frozen=True, slots=True)
class PlainCell:
    """A cell that Python's parser takes."""

    source: str
    replaced: tuple[int, ...]
    """Lines, from 1, that were magics."""


def as_python(source: str) -> PlainCell:
    """The cell with its magics neutralised and every line in its place.

    A line is taken for a magic only if Python's parser stumbles over it: `%` may as well go on
    with an expression, or stand in a string.

    Raises:
        NotPythonCell: it is in another language.
        CannotParse: it is broken, or of a later Python.
    """
    lines = source.split("\n")
    replaced: set[int] = set()
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    cell = _CELL.match(lines[first]) if first is not None else None
    if first is not None and cell:
        if cell["name"] not in _PYTHON_CELLS:
            raise NotPythonCell(cell["name"])
        lines[first] = ""
        replaced.add(first + 1)
    for _ in range(_MOST_ATTEMPTS):
        stumbled = _stumbles("\n".join(lines))
        if stumbled is None:
            return PlainCell("\n".join(lines), tuple(sorted(replaced)))
        if not _replace(lines, stumbled, replaced):
            break
    for number in range(1, len(lines) + 1):
        _replace(lines, number, replaced)
    if _stumbles("\n".join(lines)) is not None:
        raise CannotParse
    return PlainCell("\n".join(lines), tuple(sorted(replaced)))


def _stumbles(text: str) -> int | None:
    """The line at which Python's parser gives up; None if it does not, 0 if it does not say."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return 0
    return None


def _replace(lines: list[str], number: int, replaced: set[int]) -> bool:
    """Neutralises the magic that begins at a line, with its continuations; False if it is none."""
    if not 0 < number <= len(lines) or number in replaced:
        return False
    plain = _neutral(lines[number - 1])
    if plain is None:
        return False
    last = number
    while lines[last - 1].rstrip().endswith("\\") and last < len(lines):
        last += 1
        replaced.add(last)
    lines[number - 1] = plain
    lines[number:last] = [""] * (last - number)
    replaced.add(number)
    return True


def _neutral(line: str) -> str | None:
    """The line without its magic; None if it has none."""
    timed = _TIMED.fullmatch(line)
    if timed and timed["name"] in _PYTHON_LINES and _stumbles(timed["statement"]) is None:
        return f"{timed['indent']}{timed['statement']}"
    assigned = _ASSIGNED.fullmatch(line)
    if assigned:
        return f"{assigned['head']}None"
    for pattern in (_MAGIC, _HELP):
        match = pattern.fullmatch(line)
        if match:
            return f"{match['indent']}pass"
    return None
