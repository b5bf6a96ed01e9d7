"""Lock files: uv.lock, poetry.lock, pdm.lock, pylock.toml and Pipfile.lock."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from compline.scanners.requirements.model import Manifest, Pin, Problem, Unpinned
from compline.scanners.requirements.pins import normal_version

_LOCAL_SOURCES = ("virtual", "editable", "directory", "path", "file")
_PIPFILE_ENTRY = re.compile(r'\s*"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)"\s*:\s*\{')


def read_toml_lock(text: str, table: str) -> Manifest:
    """Reads a lock that lists packages as an array of tables.

    Args:
        text: the file.
        table: the array's name, `package` or, in pylock.toml (PEP 751), `packages`.

    Raises:
        ValueError: it is no TOML.
    """
    entries = tomllib.loads(text).get(table, [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ValueError(f"`{table}` is not an array of tables")
    spans = _spans(text, table)
    if len(spans) != len(entries):
        spans = [(None, None)] * len(entries)  # written inline: then lines are not known
    pins, unpinned, unreadable, unresolved = [], [], [], []
    for entry, (line, end_line) in zip(entries, spans, strict=True):
        name = entry.get("name")
        if not isinstance(name, str):
            unreadable.append(Problem("a package without a name", line))
        elif _is_local(entry):
            continue
        elif "version" not in entry:
            if {"vcs", "archive"} & set(entry):
                unresolved.append(
                    Problem("a source instead of a release", line, canonicalize_name(name))
                )
            else:
                unpinned.append(Unpinned(canonicalize_name(name), line))
        else:
            version = normal_version(str(entry["version"]))
            if version is None:
                unresolved.append(Problem("not a version of PyPI's", line, canonicalize_name(name)))
            else:
                marker = entry.get("marker") or entry.get("markers") or ""
                marker = marker if isinstance(marker, str) else ""
                pins.append(Pin(canonicalize_name(name), version, line, end_line, marker=marker))
    return Manifest(tuple(pins), tuple(unpinned), tuple(unreadable), tuple(unresolved))


def read_pipfile_lock(text: str) -> Manifest:
    """Reads a Pipfile.lock.

    Raises:
        ValueError: it is no JSON, or of another shape.
    """
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - it is bad input
    lines = {
        match["name"]: number
        for number, line in enumerate(text.splitlines(), 1)
        if (match := _PIPFILE_ENTRY.match(line))
    }
    pins, unpinned, unresolved = [], [], []
    for name, entry in _pipfile_entries(value):
        line, normal = lines.get(name), canonicalize_name(name)
        if not isinstance(entry, dict) or {"path", "file", "editable"} & set(entry):
            continue
        text_version = str(entry.get("version", ""))
        if {"git", "hg", "svn"} & set(entry):
            unresolved.append(Problem("a commit instead of a release", line, normal))
        elif (version := normal_version(text_version.removeprefix("=="))) is None:
            unpinned.append(Unpinned(normal, line))
        else:
            pins.append(Pin(normal, version, line, line, marker=str(entry.get("markers", ""))))
    return Manifest(tuple(pins), tuple(unpinned), unresolved=tuple(unresolved))


def _pipfile_entries(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, entries in value.items():
        if section != "_meta" and isinstance(entries, dict):
            yield from entries.items()


def _is_local(entry: Mapping[str, Any]) -> bool:
    source = entry.get("source")
    if isinstance(source, dict):  # uv and poetry; a git or URL source still has its version
        return bool(set(_LOCAL_SOURCES) & set(source)) or source.get("type") in _LOCAL_SOURCES
    return "directory" in entry or "path" in entry


def _spans(text: str, table: str) -> list[tuple[int | None, int | None]]:
    """First and last line of each `[[table]]`, up to the next one or the end."""
    header = re.compile(rf"\[\[\s*{re.escape(table)}\s*\]\]")
    starts, last = [], 0
    for number, line in enumerate(text.splitlines(), 1):
        if header.match(line):
            starts.append(number)
        if line.strip():
            last = number
    ends = [start - 1 for start in starts[1:]] + [last]
    return list(zip(starts, ends, strict=False))
