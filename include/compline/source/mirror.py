"""A bare mirror of one repository: what was fetched, what was recorded, and its lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compline.config.schema import Limits
from compline.source.errors import SourceError
from compline.source.failures import failure
from compline.source.git import Git
from compline.source.lock import locked
from compline.source.refs import check_object_id, quoted
from compline.source.remote import Head, Remote, git_for, resolve_revision
from compline.source.snapshot import Snapshot
from compline.source.transfer import History, Transfer

_LOCK = "compline.lock"
_READY = "compline-format"
"""Written when the mirror is whole; holds the name of its hash function."""
_MANY_PACKS = 40
"""From so many on git is asked whether it wants to tidy up."""

_FORMATS = {40: "sha1", 64: "sha256"}
_CONFIGURATION = {
    "sha1": "[core]\n\trepositoryformatversion = 0\n\tfilemode = false\n\tbare = true\n",
    "sha256": "[core]\n\trepositoryformatversion = 1\n\tfilemode = false\n\tbare = true\n"
    "[extensions]\n\tobjectformat = sha256\n",
}
"""All of a mirror's own configuration; anything else in the file is undone before a fetch."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch of the tracked ref brought, against the last recorded commit."""

    commit: str
    previous: str | None
    """The recorded commit, None before the first record; its tree is still there."""
    forced: bool | None
    """Whether history was rewritten: the previous commit is no ancestor. None where the mirror
    holds too little history to tell."""


class Mirror:
    """One repository on this host's disk; many processes and threads may use it at once."""

    def __init__(
        self, directory: Path, remote: Remote, limits: Limits, history: History = "shallow"
    ) -> None:
        # Programs are started in another working directory than ours.
        self.directory = directory.absolute()
        self.remote = remote
        self.limits = limits
        self.history = history
        name = quoted(remote.ref.removeprefix("refs/heads/"))
        self._fetched = f"refs/compline/fetched/{name}"
        self._recorded = f"refs/compline/recorded/{name}"

    @property
    def git(self) -> Git:
        """git for reading here, with access to nothing else."""
        return Git(self.limits, self.directory)

    def fetch(self, head: Head) -> Fetched:
        """Brings the head of the tracked ref; costs no connection where it is there already.

        Raises:
            SourceError: it cannot be had; says what to do.
        """
        check_object_id(head.commit)
        with self._held(head.commit) as lock:
            if not self._is_enough(head.commit):
                self._transfer(head, self._fetched, lock)
            self._point(self._fetched, head.commit)
            previous = self._at(self._recorded)
            self._tidy(lock)
        return Fetched(head.commit, previous, self._is_forced(previous, head.commit))

    def fetch_revision(self, revision: str) -> str:
        """Brings any commit, branch or tag for an ad hoc scan; the tracked ref stays where it is.

        Gives the commit.

        Raises:
            SourceError: no such revision, or it cannot be had.
        """
        head = resolve_revision(self.remote, revision, self.limits)
        with self._held(head.commit) as lock:
            if not self._has(head.commit):
                self._transfer(head, "", lock)
            # What was named may have been a tag's own id.
            return self._at(head.commit) or head.commit

    def snapshot(self, commit: str) -> Snapshot:
        """The commit's tree.

        Raises:
            SourceError: the commit is not here, or cannot be read.
        """
        self._check_borrowing()
        return Snapshot(self.directory, commit, self.limits)

    def pin(self, commit: str) -> None:
        """Keeps this commit as the last recorded one of the tracked ref.

        Raises:
            SourceError: the commit is not here.
        """
        check_object_id(commit)
        with self._held(commit):
            if not self._has(commit):
                raise SourceError(f"{commit} is not in {self.directory}: fetch it first")
            self._point(self._recorded, commit)

    def recorded(self) -> str | None:
        """The pinned commit of the tracked ref, None before the first."""
        return self._at(self._recorded) if (self.directory / _READY).exists() else None

    def has(self, commit: str) -> bool:
        """Whether the commit is here."""
        check_object_id(commit)
        return (self.directory / _READY).exists() and self._has(commit)

    @contextmanager
    def _held(self, commit: str) -> Iterator[int]:
        """The lock, with a mirror that is whole and obeys nobody else's settings."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            # Whoever holds it may be fetching for as long as one fetch and its second try may take.
            with locked(self.directory / _LOCK, 2.0 * self.limits.git_seconds + 10) as lock:
                self._prepare(_FORMATS[len(commit)])
                yield lock
        except OSError as error:
            raise SourceError(
                f"the mirror {self.directory} cannot be used: {error.strerror} ({error.filename})"
            ) from error

    def _prepare(self, wanted: str) -> None:
        self._sweep()
        ready = self.directory / _READY
        if not ready.exists():
            # What `git init` makes, less its templates; a half-made one is simply made whole.
            for name in ("objects/info", "objects/pack", "refs"):
                (self.directory / name).mkdir(parents=True, exist_ok=True)
            (self.directory / "HEAD").write_text("ref: refs/heads/none\n")
            ready.write_text(wanted)
        if ready.read_text() != wanted:
            raise SourceError(
                f"{self.remote.url} changed its hash function: remove {self.directory}, "
                "so that it is fetched anew"
            )
        self._check_borrowing()
        configuration = self.directory / "config"
        if not configuration.is_file() or configuration.read_text() != _CONFIGURATION[wanted]:
            configuration.write_text(_CONFIGURATION[wanted])

    def _check_borrowing(self) -> None:
        for name in ("alternates", "http-alternates"):
            path = self.directory / "objects" / "info" / name
            if path.exists() or path.is_symlink():
                raise SourceError(
                    f"{path} makes the mirror read objects from elsewhere: remove the file"
                )

    def _sweep(self) -> None:
        """Removes what a killed git left behind; under the lock nobody else is writing."""
        places = (self.directory, self.directory / "objects" / "info")
        stale = [path for place in places for path in place.glob("*.lock") if path.name != _LOCK]
        stale += (self.directory / "refs").rglob("*.lock")
        stale += (self.directory / "objects" / "pack").glob("tmp_*")
        for path in stale:
            path.unlink(missing_ok=True)

    def _transfer(self, head: Head, into: str, lock: int) -> None:
        first = self._at(self._fetched) is None
        with git_for(self.remote, self.limits) as git:
            git = git.at(self.directory)
            transfer = Transfer(git, self.directory, self.remote, head, into, lock)
            transfer.bring(self.history, first=first)
        if not self._has(head.commit):
            raise SourceError(
                f"{self.remote.url} did not give the commit {head.commit}: it may have moved on "
                "while it was fetched; run again"
            )

    def _is_enough(self, commit: str) -> bool:
        shallow = (self.directory / "shallow").exists()
        return self._has(commit) and not (self.history == "full" and shallow)

    def _has(self, commit: str) -> bool:
        finished = self.git.run("cat-file", "-e", f"{commit}^{{commit}}")
        if finished.returncode < 0:
            raise failure(f"the mirror {self.directory} cannot be read", finished)
        return finished.returncode == 0

    def _at(self, ref: str) -> str | None:
        finished = self.git.run("rev-parse", "--quiet", "--verify", f"{ref}^{{commit}}")
        return finished.stdout.decode().strip() if finished.returncode == 0 else None

    def _point(self, ref: str, commit: str) -> None:
        finished = self.git.run("update-ref", "--no-deref", ref, commit)
        if finished.returncode:
            raise failure(f"the mirror {self.directory} cannot keep {commit}", finished)

    def _is_forced(self, previous: str | None, commit: str) -> bool | None:
        if previous is None or previous == commit:
            return False
        finished = self.git.run("merge-base", "--is-ancestor", previous, commit)
        if finished.returncode == 0:
            return False
        return None if self._is_cut(commit) else True

    def _is_cut(self, commit: str) -> bool:
        """Whether the commit's history ends here where it goes on at the source."""
        shallow = self.directory / "shallow"
        if not shallow.exists():
            return False
        ends = set(shallow.read_text().split())
        with self.git.start("rev-list", commit) as process:
            process.finish_input()
            rest = b""
            while chunk := process.read():
                *lines, rest = (rest + chunk).split(b"\n")
                if not ends.isdisjoint(line.decode() for line in lines):
                    return True
            return process.wait() != 0

    def _tidy(self, lock: int) -> None:
        """Lets git join many small packs into one, on the time of this fetch."""
        if len(list((self.directory / "objects" / "pack").glob("*.pack"))) > _MANY_PACKS:
            # Its failure (a mirror that lacks objects) changes nothing that is here.
            self.git.run("gc", "--auto", "--quiet", pass_fds=(lock,))
