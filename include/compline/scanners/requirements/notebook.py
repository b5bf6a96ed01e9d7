"""Notebooks: what their code cells install with `%pip` or `!pip`."""

from __future__ import annotations

import json
import re
import shlex

from compline.scanners.requirements.lines import read_requirement
from compline.scanners.requirements.model import Manifest

_INSTALL = re.compile(
    r"\s*[%!]\s*(?:uv\s+|python3?\s+-m\s+|\{sys\.executable\}\s+-m\s+)?pip3?\s+install\s+(.+)"
)
_TAKE_VALUE = {
    "-i",
    "-f",
    "-t",
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--target",
    "--trusted-host",
    "--prefix",
    "--progress-bar",
    "--python-version",
    "--platform",
}


def read_notebook(text: str) -> Manifest:
    """Reads the install commands of the code cells; lines count within their cell.

    Raises:
        ValueError: it is no notebook.
    """
    if "pip" not in text:
        return Manifest()
    value = json.loads(text)
    cells = value.get("cells") if isinstance(value, dict) else None
    if not isinstance(cells, list):
        raise ValueError("it has no list of cells")  # noqa: TRY004 - it is bad input
    parts = [
        part
        for number, cell in enumerate(cells, 1)
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
        for part in _of_cell(cell.get("source", ""), number)
    ]
    return Manifest(
        pins=tuple(pin for part in parts for pin in part.pins),
        unpinned=tuple(each for part in parts for each in part.unpinned),
        unresolved=tuple(each for part in parts for each in part.unresolved),
        includes=tuple(each for part in parts for each in part.includes),
    )


def _of_cell(source: object, number: int) -> list[Manifest]:
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    found = []
    for line_number, line in enumerate(text.splitlines(), 1):
        match = _INSTALL.match(line)
        if match:
            found += [read_requirement(word, line_number, cell=number) for word in _words(match[1])]
    return found


def _words(command: str) -> list[str]:
    """The requirements among the words of a command line, `-r FILE` as one."""
    command = re.split(r"\s(?:&&|\|\||[;|>#])", command, maxsplit=1)[0]
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("-r", "-c", "--requirement", "--constraint"):
            found.append(f"{word} {next(rest, '')}")
        elif word in _TAKE_VALUE:
            next(rest, "")
        elif word in ("-e", "--editable"):
            found.append(f"-e {next(rest, '')}")
        elif not word.startswith("-") and "{" not in word and "$" not in word:
            found.append(word)
    return found
