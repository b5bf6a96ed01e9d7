"""Who changed which line last, as far as a mirror's history reaches; a nicety, never a failure.

A shallow mirror ends at commits that seem to have written everything in them. What git puts down
to such a commit is unknown here, and is left out.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from compline.findings.regressions import Commit
from compline.source.errors import SourceError
from compline.source.git import Git
from compline.source.mirror import Mirror
from compline.source.refs import check_object_id

Line = tuple[str, int | None]
"""(path, line from 1); without a line the file as a whole."""

_SECONDS = 20
"""For one file; a file made to take long costs only its own answer."""
_SECONDS_IN_ALL = 120
_FILES = 500
_RANGES = 400
"""Lines that are asked for one by one; of more the whole file is."""
_NAME = 200
"""Characters of an author's name that are kept."""


def blame(
    mirror: Mirror, commit: str, places: Mapping[str, Collection[int | None]]
) -> dict[Line, Commit]:
    """The last commit of each place, up to and including `commit`; unknown ones are left out.

    Args:
        mirror: holds the commit.
        commit: what the lines are counted in.
        places: path to lines; None asks for the file.
    """
    git = replace(mirror.git, limits=mirror.limits.model_copy(update={"git_seconds": _SECONDS}))
    shallow = mirror.directory / "shallow"
    ends = set(shallow.read_text().split()) if shallow.exists() else set()
    end = time.monotonic() + _SECONDS_IN_ALL
    found: dict[Line, Commit] = {}
    check_object_id(commit)
    for path in sorted(places)[:_FILES]:
        if time.monotonic() > end:
            break
        lines = sorted(line for line in places[path] if line is not None)
        try:
            if lines:
                found |= {
                    (path, line): by
                    for line, by in _of_lines(git, commit, path, lines)
                    if not (by.id in ends and _has_parents(git, by.id))
                }
            if None in places[path]:
                whole = _of_file(git, commit, path)
                if whole and not (whole.id in ends and _has_parents(git, whole.id)):
                    found[path, None] = whole
        except SourceError:
            continue  # too large, too slow: nobody is told who it was, and nothing else
    return found


def _of_lines(git: Git, commit: str, path: str, lines: list[int]) -> Iterator[tuple[int, Commit]]:
    """`git blame --porcelain`: a commit's particulars come with its first line only."""
    ranges = [f"-L{line},{line}" for line in lines] if len(lines) <= _RANGES else []
    finished = git.run("blame", "--porcelain", *ranges, commit, "--", path)
    if finished.returncode:
        return
    wanted = set(lines)
    known: dict[str, dict[str, str]] = {}
    current, line = "", 0
    for raw in finished.stdout.split(b"\n"):
        if raw.startswith(b"\t"):
            by = _commit(current, known[current]) if line in wanted else None
            if by is not None:
                yield line, by
            current = ""
        elif not current and raw:
            words = raw.decode("ascii", "replace").split(" ")
            current, line = words[0], int(words[2])
            known.setdefault(current, {})
        elif raw:
            key, _, value = raw.decode("utf-8", "replace").partition(" ")
            known[current][key] = value


def _of_file(git: Git, commit: str, path: str) -> Commit | None:
    finished = git.run(
        "log", "-1", "--no-show-signature", "--format=%H%x00%an%x00<%ae>%x00%at", commit, "--",
        f":(top,literal){path}",
    )  # fmt: skip
    words = finished.stdout.decode("utf-8", "replace").rstrip("\n").split("\0")
    if finished.returncode or len(words) != 4:
        return None
    name, author, mail, at = words
    return _commit(name, {"author": author, "author-mail": mail, "author-time": at})


@lru_cache(maxsize=256)
def _has_parents(git: Git, commit: str) -> bool:
    """Whether the history goes on where the mirror's ends; a first commit, too, is an end."""
    headers = git.run("cat-file", "commit", commit).stdout.partition(b"\n\n")[0]
    return b"\nparent " in headers


def _commit(name: str, told: Mapping[str, str]) -> Commit | None:
    author = f"{told.get('author', '')} {told.get('author-mail', '')}".strip()
    plain = "".join(c if c.isprintable() else " " for c in author)
    try:
        at = datetime.fromtimestamp(int(told.get("author-time", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return None  # a date that is none
    return Commit(name, " ".join(plain.split())[:_NAME], at)
