"""Names that a registry or folder gives, made fit to be shown and to be files of ours."""

from __future__ import annotations

import re

from compline.scanners.services import escaped

_ODD = re.compile(r"[^A-Za-z0-9._-]")
_OBEYED = frozenset({"pyproject.toml", "picklescan.toml"})
"""Files that a tool might take for its own configuration."""


def printable(name: str) -> str:
    """The name with what cannot be shown written out; `..` and empty parts cannot lead out."""
    parts = (part if part not in ("", ".", "..") else f"({part})" for part in name.split("/"))
    return escaped("/".join(parts))[:1000]


def one_part(name: str) -> str:
    """The name of a model or version as one part of a place: without a slash."""
    return printable(name.replace("/", "%2F"))


def file_name(path: str) -> str:
    """A harmless name that says the same to a tool: the last part, in plain letters, short."""
    name = _ODD.sub("_", path.rpartition("/")[2])[-100:]
    return f"_{name}" if name in _OBEYED or name.startswith((".", "-")) or not name else name


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts 9 before 10, and 1.9 before 1.10."""
    parts = re.findall(r"\d+|\D+", version)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
