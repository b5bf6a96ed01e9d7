"""Real git repositories as the scanners get them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from compline.config.schema import Limits
from compline.model import Target, TargetKind
from compline.scanners.interface import Job
from compline.source.snapshot import Snapshot


@dataclass
class GitRepository:
    """A real repository with a real snapshot; counts how often its tree was asked for."""

    directory: Path
    name: str
    limits: Limits
    opened: int = 0

    def commit(
        self, files: Mapping[str, str | bytes | None], executable: Iterable[str] = ()
    ) -> str:
        """Writes (None: removes) files and commits; gives the commit."""
        for path, content in files.items():
            place = self.directory / path
            if content is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        for path in executable:
            (self.directory / path).chmod(0o755)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a commit")
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        command = ["git", "-C", str(self.directory), "-c", "user.name=t", "-c", "user.email=t@t"]
        done = subprocess.run([*command, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def blob(self, path: str) -> str:
        return self.git("rev-parse", f"HEAD:{path}")

    def lose(self, path: str) -> None:
        """Makes the object of a path missing, as in a damaged repository."""
        oid = self.blob(path)
        (self.directory / ".git" / "objects" / oid[:2] / oid[2:]).unlink()

    def job(self, *, fresh: bool = False) -> Job:
        commit = self.git("rev-parse", "HEAD")

        def open_snapshot() -> Snapshot:
            self.opened += 1
            return Snapshot(self.directory / ".git", commit, self.limits)

        target = Target(TargetKind.REPOSITORY, self.name, f"https://example.org/{self.name}")
        return Job(target, commit, open_snapshot=open_snapshot, fresh=fresh)
