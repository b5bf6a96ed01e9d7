"""Takes a commit out of a local repository that lacks some of its objects.

git's own fetch gives up at the first missing blob; stored snapshots of public repositories often
lack their largest ones. What is missing stays missing, and becomes a gap when the tree is listed.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

from compline.source.errors import SourceError
from compline.source.failures import failure
from compline.source.git import Git
from compline.source.process import Finished

_CHECKSUM_BYTES = {40: 20, 64: 32}
"""Length of an object id in characters: length of the checksum at a pack's end."""


def salvage(git: Git, source: Path, commit: str, *, most: int, lock: int) -> None:
    """Copies one commit with all of its objects that there are into git's repository.

    `most` is the largest pack in bytes, `lock` the descriptor of the mirror's held lock.

    Raises:
        SourceError: the source has not even the commit, holds damaged objects, or is too large.
    """
    mirror = git.directory
    assert mirror is not None  # noqa: S101 - a fetch always has one
    pack_directory = mirror / "objects" / "pack"
    handle, name = tempfile.mkstemp(dir=pack_directory, prefix="tmp_salvage_", suffix=".pack")
    pack, index = Path(name), Path(name).with_suffix(".idx")
    try:
        with os.fdopen(handle, "wb") as file:
            checksum = _pack(git.at(_repository(source)), commit, file, most)
        finished = git.run(
            "index-pack", "--no-rev-index", "-o", str(index), str(pack), pass_fds=(lock,)
        )
        if finished.returncode:
            raise failure(f"{source} holds damaged objects", finished)
        pack.chmod(0o444)
        pack.rename(pack_directory / f"pack-{checksum}.pack")
        # The index last: from then on readers see the pack.
        index.rename(pack_directory / f"pack-{checksum}.idx")
    finally:
        pack.unlink(missing_ok=True)
        index.unlink(missing_ok=True)
    _make_shallow(mirror / "shallow", commit)


def _repository(path: Path) -> Path:
    for candidate in (path / ".git", path, path.with_name(f"{path.name}.git")):
        if (candidate / "objects").is_dir():
            return candidate
    raise SourceError(f"{path} lacks objects, and its repository was not found to search for them")


def _pack(source: Git, commit: str, file: IO[bytes], most: int) -> str:
    """Writes a pack of the commit alone; gives the checksum that names it."""
    size, end = 0, b""
    with source.start(
        "pack-objects", "--revs", "--missing=allow-any", "--stdout", "--quiet"
    ) as process:
        # As git's own server does for a fetch of depth 1: the commit has no parents.
        process.write(f"--shallow {commit}\n{commit}\n".encode())
        process.finish_input()
        while chunk := process.read():
            size += len(chunk)
            if size > most:
                raise SourceError(
                    f"{source.directory} holds more than {most >> 20} MB for one commit: raise "
                    "`limits.repository_mb` if it is meant to be that large"
                )
            file.write(chunk)
            end = (end + chunk)[-32:]
        if code := process.wait():
            raise failure(
                f"{source.directory} is too damaged to be read",
                Finished(code, b"", bytes(process.stderr)),
            )
    return end[-_CHECKSUM_BYTES[len(commit)] :].hex()


def _make_shallow(path: Path, commit: str) -> None:
    """Says in the mirror that the commit's parents are not there; under the mirror's lock."""
    known = path.read_text().split() if path.exists() else []
    if commit not in known:
        fresh = path.with_name("shallow.compline")
        fresh.write_text("".join(f"{oid}\n" for oid in [*known, commit]))
        fresh.replace(path)
