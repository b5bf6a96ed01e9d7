"""Real git repositories, built in milliseconds: ordinary ones and hand-made hostile ones."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from compline.config.schema import Limits
from compline.source.mirror import Mirror
from compline.source.remote import Remote, resolve_head
from compline.source.snapshot import Snapshot

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@dataclass(frozen=True)
class Link:
    """A symbolic link to be committed."""

    target: str


@dataclass(frozen=True)
class Program:
    """An executable file to be committed."""

    content: bytes


@dataclass(frozen=True)
class Module:
    """A submodule to be committed."""

    commit: str = "1" * 40


Content = str | bytes | Link | Program | Module | None
"""None removes the file."""


@dataclass
class Repository:
    """A bare repository on disk."""

    path: Path
    clock: int = field(default=1_700_000_000)
    """Time of the next commit: each is a minute after the one before."""

    def __post_init__(self) -> None:
        if not self.path.exists():
            subprocess.run(
                ["git", "init", "-q", "--bare", "--template=", "-b", "main", self.path],
                check=True,
                env=_ENVIRONMENT,
            )

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        finished = subprocess.run(
            ["git", "--git-dir", str(self.path), *arguments],
            input=stdin,
            capture_output=True,
            env=_ENVIRONMENT,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr.decode()
        return finished.stdout.decode("utf-8", "surrogateescape").strip()

    def commit(
        self,
        files: Mapping[str, Content],
        *,
        branch: str = "main",
        parents: Sequence[str] | None = None,
        clock: int | None = None,
    ) -> str:
        """Commits on top of the branch (or of `parents`; none of them: a new root)."""
        self.clock += 60
        ref = f"refs/heads/{branch}"
        if parents is None:
            tip = self.tip(branch)
            parents = [tip] if tip else []
        words = [
            f"commit {ref}\n",
            f"committer Ada <ada@example.org> {clock or self.clock} +0000\n",
        ]
        words += ["data 1\n", "x\n"]
        words += [f"{'merge' if n else 'from'} {parent}\n" for n, parent in enumerate(parents)]
        stream = b"".join(word.encode() for word in words)
        if not parents:
            stream = f"reset {ref}\n".encode() + stream
        for path, content in files.items():
            stream += _change(path, content)
        self.git("fast-import", "--quiet", "--force", stdin=stream)
        return self.git("rev-parse", ref)

    def tip(self, branch: str = "main") -> str:
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    # The rest writes objects by hand: git itself refuses to make hostile ones.

    def write(self, kind: str, content: bytes) -> str:
        data = f"{kind} {len(content)}\0".encode() + content
        oid = hashlib.sha1(data).hexdigest()
        place = self.path / "objects" / oid[:2] / oid[2:]
        place.parent.mkdir(exist_ok=True)
        if not place.exists():
            place.write_bytes(zlib.compress(data, 1))
        return oid

    def tree(self, entries: Sequence[tuple[str, bytes, str]]) -> str:
        """From (mode, name, id), in the order given."""
        return self.write(
            "tree",
            b"".join(m.encode() + b" " + name + b"\0" + bytes.fromhex(o) for m, name, o in entries),
        )

    def commit_tree(self, tree: str, branch: str = "main") -> str:
        person = b"Ada <ada@example.org> 1700000000 +0000"
        oid = self.write(
            "commit",
            b"tree %b\nauthor %b\ncommitter %b\n\nx\n" % (tree.encode(), person, person),
        )
        ref = self.path / "refs" / "heads" / branch
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(oid + "\n")
        return oid

    def nested(self, depth: int) -> str:
        """A tree within a tree within a tree; by way of a pack, since they are many."""
        oid = self.tree([])
        pack = bytearray(b"PACK" + struct.pack(">II", 2, depth))
        for _ in range(depth):
            content = b"40000 d\0" + bytes.fromhex(oid)
            oid = hashlib.sha1(f"tree {len(content)}\0".encode() + content).hexdigest()
            # Type 2 (tree) and 28 bytes, as gitformat-pack(5) writes them.
            pack += bytes([0x80 | 2 << 4 | len(content) & 15, len(content) >> 4])
            pack += zlib.compress(content, 1)
        self.git("index-pack", "--stdin", stdin=pack + hashlib.sha1(pack).digest())
        return oid

    def unpack(self) -> None:
        """Turns packs into loose objects, so that single ones can be removed."""
        packs = self.path / "objects" / "pack"
        for pack in list(packs.glob("*.pack")):
            content = pack.read_bytes()
            for path in packs.glob(f"{pack.stem}.*"):
                path.unlink()
            self.git("unpack-objects", "-q", stdin=content)

    def loose(self, oid: str) -> Path:
        return self.path / "objects" / oid[:2] / oid[2:]

    def remove(self, oid: str) -> None:
        """Makes an object missing, as in a repository that lost it."""
        self.unpack()
        self.loose(oid).unlink()

    def oid(self, name: str) -> str:
        return self.git("rev-parse", name)


def _change(path: str, content: Content) -> bytes:
    quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if content is None:
        return f"D {quoted}\n".encode()
    if isinstance(content, Module):
        return f"M 160000 {content.commit} {quoted}\n".encode()
    mode = "100644"
    if isinstance(content, Link):
        mode, content = "120000", content.target
    if isinstance(content, Program):
        mode, content = "100755", content.content
    data = content.encode() if isinstance(content, str) else content
    return f"M {mode} inline {quoted}\ndata {len(data)}\n".encode() + data + b"\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    return Repository(tmp_path / "origin")


@pytest.fixture
def make_repository(tmp_path: Path) -> Callable[[str], Repository]:
    """More of them, by name."""
    return lambda name: Repository(tmp_path / name)


@pytest.fixture
def kinds() -> tuple[type[Link], type[Program], type[Module]]:
    """What a file can be besides text."""
    return Link, Program, Module


@pytest.fixture
def mirror_of(tmp_path: Path) -> Callable[..., Mirror]:
    """A mirror of a repository, with limits by name; equal names are the same directory."""

    def make(
        origin: Repository | str,
        ref: str = "",
        *,
        name: str = "mirror",
        history: str = "shallow",
        **limits: int,
    ) -> Mirror:
        url = origin if isinstance(origin, str) else origin.url
        bounds = Limits(**{"git_seconds": 60, **limits})
        return Mirror(tmp_path / name, Remote(url, ref), bounds, history)

    return make


@pytest.fixture
def snapshot_of(mirror_of: Callable[..., Mirror]) -> Callable[..., Snapshot]:
    """The tree at a repository's main branch, fetched through a mirror."""

    def take(origin: Repository, **limits: int) -> Snapshot:
        mirror = mirror_of(origin, "main", **limits)
        head = resolve_head(mirror.remote, mirror.limits)
        mirror.fetch(head)
        return mirror.snapshot(head.commit)

    return take


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., Snapshot]:
    """The tree at a repository's main branch, read where it is: for trees that git won't send."""

    def take(origin: Repository, **limits: int) -> Snapshot:
        bounds = Limits(**{"git_seconds": 60, **limits})
        return Snapshot(origin.path, origin.oid("main"), bounds)

    return take
