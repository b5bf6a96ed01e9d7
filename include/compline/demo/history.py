"""Writes a bare repository with a fixed history: the same commits on every machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

_FIRST = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_AUTHOR = "Demo Developer <developer@demo.example>"

Tree = Mapping[str, bytes]


def write_repository(path: Path, trees: Sequence[Tree], messages: Sequence[str]) -> None:
    """A bare repository at `path` whose branch main has one commit per tree; replaces what was.

    Raises:
        RuntimeError: git is missing or refused.
    """
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    _git(["init", "--quiet", "--bare", "--initial-branch=main", str(path)])
    _git(["-C", str(path), "fast-import", "--quiet"], _stream(trees, messages))


def commits(path: Path) -> int:
    """How many commits main has; 0 where there is no repository."""
    if not path.exists():
        return 0
    return int(_git(["-C", str(path), "rev-list", "--count", "main"]))


def _stream(trees: Sequence[Tree], messages: Sequence[str]) -> bytes:
    """The history in git's fast-import format."""
    parts: list[bytes] = []
    for number, (tree, message) in enumerate(zip(trees, messages, strict=True)):
        when = int((_FIRST + timedelta(days=number)).timestamp())
        parts.append(b"commit refs/heads/main\n")
        parts.append(f"committer {_AUTHOR} {when} +0000\n".encode())
        parts.append(_data(message.encode()))
        parts.append(b"deleteall\n")
        for name in sorted(tree):
            parts.append(f"M 100644 inline {name}\n".encode() + _data(tree[name]))
    return b"".join(parts)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _git(arguments: list[str], stdin: bytes = b"") -> bytes:
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    try:
        done = subprocess.run(
            ["git", *arguments], input=stdin, capture_output=True, check=True, env=environment
        )
    except FileNotFoundError as error:
        raise RuntimeError("git is missing: apt-get install git") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError(
            f"git {arguments[0]}: {error.stderr.decode(errors='replace')}"
        ) from error
    return done.stdout
