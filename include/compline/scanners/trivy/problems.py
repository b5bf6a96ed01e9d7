"""What trivy could not read: told in its log, or not told at all."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from compline.model import Gap, GapReason

_LINE = re.compile(r"^\S+\t(?:WARN|ERROR)\t(?P<message>[^\t]*)\t(?P<rest>.*)$", re.MULTILINE)
_FILE = re.compile(r'file_path="((?:[^"\\]|\\.)*)"')
_MODULE = re.compile(r'loc="([^":]+):')
_IN_ERROR = re.compile(r"failed to (?:parse|analyze) (\S+?):")
_HARMLESS = ("The size of the scanned file is too large",)
"""A warning about memory: the file is scanned all the same."""
_JSON_LOCKS = ("package-lock.json", "Pipfile.lock", "composer.lock", "packages.lock.json")
_TOML_LOCKS = ("uv.lock", "poetry.lock", "Cargo.lock", "pylock.toml")
_LISTS = ("packages", "package", "packages-dev", "dependencies", "default", "develop")


def told(stderr: str, tag: str) -> tuple[Gap, ...]:
    """Gaps for the files of one tree that the log complains about.

    Args:
        stderr: trivy's log.
        tag: the directory that the tree was scanned in; empty if paths are not below one.
    """
    found: dict[tuple[GapReason, str, str], Gap] = {}
    for match in _LINE.finditer(stderr):
        # What the log quotes stays out: it is the file's own text.
        message, rest = match["message"], match["rest"]
        if any(each in message for each in _HARMLESS):
            continue
        file, module = _FILE.search(rest), _MODULE.search(rest)
        error = _IN_ERROR.search(rest)
        path = file[1] if file else module[1] if module else error[1] if error else ""
        if not path or (tag and path != tag and not path.startswith(f"{tag}/")):
            continue
        path = path.removeprefix(tag).removeprefix("/")
        if module and not file:
            # Of what stands in this file nothing is missed, only what it refers to.
            gap = Gap(GapReason.UNSUPPORTED, path, message, subjects=("module",))
        else:
            chart = "chart" in message.lower() and path
            gap = Gap(GapReason.UNPARSED, f"{path}/" if chart else path, message)
        found[gap.reason, gap.path, gap.detail] = gap
    return tuple(found[key] for key in sorted(found))


def silent_locks(directory: Path, paths: Collection[str], listed: Collection[str]) -> Iterator[Gap]:
    """Lock files that list packages of which trivy's report has none: it passes over broken ones.

    Args:
        directory: where the tree was exported to.
        paths: its files.
        listed: those that the report has packages of.
    """
    for path in sorted(set(paths) - set(listed)):
        name = path.rpartition("/")[2]
        file = directory / path
        if name not in (*_JSON_LOCKS, *_TOML_LOCKS) or not file.is_file():
            continue
        try:
            text = file.read_text()
            value: Any = json.loads(text) if name in _JSON_LOCKS else tomllib.loads(text)
        except (ValueError, RecursionError):
            yield Gap(GapReason.UNPARSED, path, "the lock file is not valid")
            continue
        if isinstance(value, dict) and _entries(value, name):
            yield Gap(GapReason.NOT_REPORTED, path, "trivy lists none of its packages")


def _entries(value: dict[str, Any], lock: str) -> int:
    """How many packages a lock file seems to have, the project itself not counted."""
    count = 0
    for name in _LISTS:
        entries = value.get(name)
        if isinstance(entries, dict):
            count += sum(1 for key in entries if key)
        elif isinstance(entries, list):
            count += sum(1 for each in entries if not _is_project(each, lock))
    return count


def _is_project(entry: object, lock: str) -> bool:
    source = entry.get("source") if isinstance(entry, dict) else None
    if lock == "Cargo.lock":
        return source is None
    return isinstance(source, dict) and bool({"virtual", "editable", "directory"} & set(source))
