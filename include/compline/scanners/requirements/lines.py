"""The requirements file format: lines, continuations, options, includes.

After https://pip.pypa.io/en/stable/reference/requirements-file-format/. Nothing is resolved and
no variable is put in: what depends on either is not pinned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from compline.scanners.requirements.model import Include, Manifest, Pin, Problem, Unpinned
from compline.scanners.requirements.pins import exact_version

_LONGEST = 10_000
_COMMENT = re.compile(r"(^|\s)#.*$")
_OPTIONS = re.compile(r"\s--?[a-z][a-z-]*([= ].*)?$")
_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)\s*=?\s*(.+)")
_EDITABLE = re.compile(r"(-e|--editable)\s*=?\s*(.+)")
_VCS = re.compile(r"(git|hg|svn|bzr)\+[a-z+]+://", re.IGNORECASE)
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)")
_COMMIT = re.compile(r"@[0-9a-f]{40}(?=$|[#&\s])")
_LOCAL = re.compile(r"(\.{0,2}/|\.$|file:|[A-Za-z0-9_.-]+/|[A-Za-z]:\\)")


def read_lines(text: str) -> Manifest:
    """Reads a requirements or constraints file."""
    parts = [read_requirement(line, number) for number, line in logical_lines(text)]
    return Manifest(
        pins=tuple(pin for part in parts for pin in part.pins),
        unpinned=tuple(each for part in parts for each in part.unpinned),
        unreadable=tuple(each for part in parts for each in part.unreadable),
        unresolved=tuple(each for part in parts for each in part.unresolved),
        includes=tuple(each for part in parts for each in part.includes),
    )


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their first number, continuations joined, comments and blank ones left out."""
    start, held = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        start = start or number
        if raw.endswith("\\") and not _COMMENT.search(raw):
            held += raw[:-1] + " "
            continue
        line = _COMMENT.sub("", held + raw).strip()
        if line:
            yield start, line
        start, held = 0, ""
    if held.strip():
        yield start, held.strip()


def read_requirement(line: str, number: int | None, *, cell: int | None = None) -> Manifest:
    """Reads one logical line."""
    if len(line) > _LONGEST:
        return Manifest(unreadable=(Problem("a line is too long", number),))
    if match := _INCLUDE.fullmatch(line):
        return Manifest(
            includes=(Include(match[2].strip("\"' "), match[1] in ("-c", "--constraint")),)
        )
    if match := _EDITABLE.fullmatch(line):
        line = match[2].strip("\"' ")
        if not _VCS.match(line):
            return Manifest()  # the project itself or a neighbour of it
    elif line.startswith("-"):
        return Manifest()  # options of pip's: indexes, hashes, formats
    if _VCS.match(line):
        return _of_commit(line, number, cell)
    if re.match(r"[a-z]+://", line, re.IGNORECASE):
        return Manifest(unresolved=(Problem("a URL instead of a release", number),))
    requirement = _OPTIONS.sub("", line)
    if _LOCAL.match(requirement):
        return Manifest()
    return read_specifier(requirement, number, cell=cell)


def read_specifier(text: str, number: int | None, *, cell: int | None = None) -> Manifest:
    """Reads one requirement as PEP 508 writes it."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return Manifest(unreadable=(Problem("not a requirement", number),))
    name = canonicalize_name(requirement.name)
    if requirement.url:
        if _VCS.match(requirement.url):
            return _of_commit(f"{requirement.url} #egg={name}", number, cell)
        if requirement.url.startswith(("file:", ".", "/")):
            return Manifest()
        return Manifest(unresolved=(Problem("a URL instead of a release", number, name),))
    version = exact_version(requirement.specifier)
    if version is None:
        return Manifest(unpinned=(Unpinned(name, number, cell),))
    pin = Pin(name, version, number, number, cell)
    return Manifest(pins=(replace(pin, marker=str(requirement.marker or "")),))


def _of_commit(text: str, number: int | None, cell: int | None) -> Manifest:
    """A repository: pinned if it names a whole commit, and even then no release."""
    egg = _EGG.search(text)
    name = canonicalize_name(egg[1]) if egg else ""
    address = text.split("#", 1)[0].strip()
    if not name:
        last = address.split("@")[0].rstrip("/").rpartition("/")[2].removesuffix(".git")
        name = canonicalize_name(re.sub(r"[^A-Za-z0-9._-]", "-", last)) or "unknown"
    if _COMMIT.search(address):
        return Manifest(unresolved=(Problem("a commit instead of a release", number, name),))
    return Manifest(
        unpinned=(Unpinned(name, number, cell, "a repository without a full commit id"),)
    )
