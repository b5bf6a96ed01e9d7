"""pyproject.toml: what projects, their extras and their dependency groups require.

`[project]` (PEP 621), `[dependency-groups]` (PEP 735) and poetry's own table.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from compline.scanners.requirements.lines import read_specifier
from compline.scanners.requirements.model import Manifest, Pin, Unpinned
from compline.scanners.requirements.pins import exact_version, normal_version

_STRING_OR_KEY = re.compile(r"""\"([^"\\]+)\"|'([^']+)'|^\s*([A-Za-z0-9._-]+)\s*=""")


def read_pyproject(text: str) -> Manifest:
    """Reads what is required; build requirements are left to who builds.

    Raises:
        ValueError: it is no TOML.
    """
    value = tomllib.loads(text)
    lines = _lines_of(text)
    own = canonicalize_name(str(_table(value, "project").get("name", "")))
    parts = [_located(read_specifier(each, None), each, lines) for each in _specifiers(value)]
    parts += [_located(part, key, lines) for key, part in _poetry(value)]
    return Manifest(
        pins=tuple(pin for part in parts for pin in part.pins),
        # A project names itself to combine its own extras: `all = ["it[a,b]"]`.
        unpinned=tuple(each for part in parts for each in part.unpinned if each.name != own),
        unreadable=tuple(each for part in parts for each in part.unreadable),
        unresolved=tuple(each for part in parts for each in part.unresolved),
    )


def _specifiers(value: Mapping[str, Any]) -> Iterator[str]:
    project = _table(value, "project")
    lists = [
        project.get("dependencies"),
        *_table(project, "optional-dependencies").values(),
        *_table(value, "dependency-groups").values(),
    ]
    for each in lists:
        if isinstance(each, list):
            yield from (text for text in each if isinstance(text, str))


def _poetry(value: Mapping[str, Any]) -> Iterator[tuple[str, Manifest]]:
    poetry = _table(_table(value, "tool"), "poetry")
    groups = _table(poetry, "group").values()
    tables = [
        _table(poetry, "dependencies"),
        _table(poetry, "dev-dependencies"),
        *(_table(group, "dependencies") for group in groups if isinstance(group, dict)),
    ]
    for table in tables:
        for name, wanted in table.items():
            if name == "python":
                continue
            text = wanted.get("version") if isinstance(wanted, dict) else wanted
            if isinstance(text, str):
                yield name, _poetry_one(canonicalize_name(name), text)


def _poetry_one(name: str, text: str) -> Manifest:
    """Poetry writes a bare `1.2.3` for exactly that, and `^1.2` and `~1.2` for ranges."""
    version = normal_version(text)
    if version is None:
        try:
            version = exact_version(SpecifierSet(text))
        except InvalidSpecifier:
            version = None
    if version is None:
        return Manifest(unpinned=(Unpinned(name),))
    return Manifest(pins=(Pin(name, version),))


def _lines_of(text: str) -> dict[str, int]:
    """Strings and keys of the file to the first line that they stand on."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for match in _STRING_OR_KEY.finditer(line):
            found.setdefault(match[1] or match[2] or match[3], number)
    return found


def _located(part: Manifest, text: str, lines: Mapping[str, int]) -> Manifest:
    line = lines.get(text)
    return Manifest(
        tuple(replace(pin, line=line, end_line=line) for pin in part.pins),
        tuple(replace(each, line=line) for each in part.unpinned),
        tuple(replace(each, line=line) for each in part.unreadable),
        tuple(replace(each, line=line) for each in part.unresolved),
    )


def _table(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
