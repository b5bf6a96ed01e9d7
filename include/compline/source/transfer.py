"""Brings one commit into a mirror with as little as possible of what is there already.

The first look at a ref takes that commit alone. Later fetches are plain and bring the commits
since. A plain fetch into a shallow mirror has a trap: after a force push, or the merge of a branch
older than the first look, a server sends the whole history, since nothing tells it where to stop.
So a plain fetch gets a budget; a mirror that exceeded it once takes single commits from then on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from compline.source.errors import SourceError
from compline.source.failures import failure
from compline.source.git import Git
from compline.source.process import Finished, OutOfTime
from compline.source.remote import Head, Remote
from compline.source.salvage import salvage

History = Literal["shallow", "full"]

LEAST_BUDGET = 32 << 20
"""Bytes that a plain fetch may always bring, however small the mirror is."""
_MOST_PER_TREE = 4
"""A fetched pack may be this many times `limits.repository_mb`: what a tree's limit leaves out is
still to be listed, so that it is fetched, and history comes on top."""
_LEAST_MOST = 256 << 20

_SINGLE = "compline-single-commits"
"""Marks a mirror whose plain fetch was too large."""

_UNADVERTISED = re.compile(r"unadvertised object|not our ref|couldn't find remote ref")
_LACKING = re.compile(r"unable to read|repository corruption|bad object|missing (blob|tree|object)")


@dataclass(frozen=True)
class Transfer:
    """One fetch, under the mirror's lock."""

    git: Git
    """With access to the remote and the mirror as its directory."""
    directory: Path
    remote: Remote
    head: Head
    into: str
    """The ref that takes the commit; empty for none."""
    lock: int
    """Descriptor of the held lock: whoever writes holds it too, even without its parent."""

    def bring(self, history: History, *, first: bool) -> None:
        """Fetches; the caller looks whether the commit is there.

        Raises:
            SourceError: unreachable, refused, gone, too large, or out of time.
        """
        if history == "full":
            deepen = ["--unshallow"] if (self.directory / "shallow").exists() else []
            self._fetch(deepen, _most(self.git))
        elif first or (self.directory / _SINGLE).exists():
            self._fetch(["--depth=1"], _most(self.git))
        else:
            self._plain()

    def _plain(self) -> None:
        packs = sum(path.stat().st_size for path in self.directory.glob("objects/pack/*.pack"))
        budget = min(max(LEAST_BUDGET, packs), _most(self.git))
        try:
            self._fetch([], budget)
        except (_OverBudget, OutOfTime):
            (self.directory / _SINGLE).touch()
            self._fetch(["--depth=1"], _most(self.git))

    def _fetch(self, depth: list[str], file_bytes: int) -> None:
        finished = self._start(depth, self.head.commit, file_bytes)
        words = finished.stderr.decode("utf-8", "replace")
        if finished.returncode and self.head.ref and _UNADVERTISED.search(words):
            # An old server gives only what its refs point at right now.
            finished = self._start(depth, self.head.ref, file_bytes)
            words = finished.stderr.decode("utf-8", "replace")
        if not finished.returncode:
            return
        if self._was_cut_off(file_bytes):
            raise _OverBudget(
                f"{self.remote.url} sends more than {file_bytes >> 20} MB: raise "
                "`limits.repository_mb` if it is meant to be that large"
            )
        if self.remote.address.scheme == "file" and _LACKING.search(words):
            path = Path(unquote(self.remote.address.path))
            salvage(self.git, path, self.head.commit, most=file_bytes, lock=self.lock)
            return
        raise failure(f"{self.remote.url} cannot be fetched", finished, self.remote.secrets)

    def _was_cut_off(self, file_bytes: int) -> bool:
        """Whether git was ended for writing too much, which it does not say itself."""
        unfinished = list(self.directory.glob("objects/pack/tmp_pack_*"))
        sizes = [path.stat().st_size for path in unfinished]
        for path in unfinished:
            path.unlink()
        return any(size >= file_bytes for size in sizes)

    def _start(self, depth: list[str], what: str, file_bytes: int) -> Finished:
        return replace(self.git, file_bytes=file_bytes).run(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            # The source may itself be shallow.
            *(depth or ["--update-shallow"]),
            "--",
            self.remote.url,
            f"+{what}:{self.into}" if self.into else what,
            pass_fds=(self.lock,),
        )


class _OverBudget(SourceError):
    """The pack was larger than it may be; nothing of it was kept."""


def _most(git: Git) -> int:
    return max(_LEAST_MOST, _MOST_PER_TREE * (git.limits.repository_mb << 20))
