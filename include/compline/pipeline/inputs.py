"""What scanners look at, got only when one asks: a repository's tree, an image's archive."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from compline.config.secrets import SecretMissing
from compline.findings.change import TreeChange
from compline.findings.history import History
from compline.model import TargetKind
from compline.pipeline.heads import PULLED, credential_of
from compline.pipeline.mirrors import mirror_of
from compline.pipeline.progress import Progress
from compline.pipeline.session import Session
from compline.pipeline.work import Work
from compline.scanners.interface import Job
from compline.source.blame import blame
from compline.source.compare import compare
from compline.source.images import open_image
from compline.source.mirror import Mirror
from compline.source.registry import pull_image
from compline.source.remote import Head
from compline.source.snapshot import Snapshot, SourceError
from compline.store.looks import base_revisions, witness_paths


class Inputs:
    """One target's content during one run; fetched at most once, only if asked for."""

    def __init__(
        self,
        session: Session,
        work: Work,
        run_revision: str,
        about: tuple[str, str] | None = None,
    ) -> None:
        self.work = work
        self._about = about
        self._shared: dict[str, Any] = {}
        self._session = session
        self._run_revision = run_revision
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def job(self, scanner: str) -> Job:
        """The target as a job for a scanner."""
        target = self.work.target
        is_repository = target.kind is TargetKind.REPOSITORY
        return Job(
            target=target,
            revision=self.work.revision,
            open_snapshot=self.snapshot if is_repository else None,
            open_archive=self.archive if target.kind is TargetKind.IMAGE else None,
            fresh=scanner in self.work.fresh,
            about=self._about,
            shared=self._shared,
        )

    def recorded(self) -> None:
        """Lets go of what scanners kept for each other."""
        self._shared.clear()

    def close(self) -> None:
        """Removes what was only pulled for this look."""
        if self.work.target.locator.startswith(PULLED):
            self._pulled.unlink(missing_ok=True)

    def snapshot(self) -> Snapshot:
        """The tree, fetched at the first call.

        Raises:
            SourceError: it cannot be fetched or read.
        """
        with self._lock:
            if self._snapshot is None:
                if not self._mirror.has(self.work.revision):
                    self._fetch()
                self._snapshot = self._mirror.snapshot(self.work.revision)
            return self._snapshot

    def archive(self) -> Path:
        """The image as a file, pulled at the first call.

        Raises:
            SourceError: it cannot be pulled, or is no longer what the run was to look at.
        """
        with self._lock:
            locator = self.work.target.locator
            if not locator.startswith(PULLED):
                if open_image(Path(locator), verify=False).digest != self.work.revision:
                    raise SourceError(
                        "the archive was replaced since the run began: it will be scanned next time"
                    )
                return Path(locator)
            if not self._pulled.exists():
                self._pull(locator.removeprefix(PULLED))
            return self._pulled

    def changes(self) -> Mapping[str, TreeChange]:
        """Base revision to what changed since, for each revision that findings were recorded at.

        A base that is gone (a force push, a lost mirror) is left out: then content decides.

        Raises:
            SourceError: the trees cannot be read.
        """
        revision = self.work.revision
        changes = {base: TreeChange() for base in self._bases if base == revision}
        if self.work.target.kind is not TargetKind.REPOSITORY:
            return changes
        others = self._bases - set(changes)
        if others:
            self.snapshot()
            paths = witness_paths(self._session.store, self.work.target.name)
            for base in others:
                if self._mirror.has(base):
                    changes[base] = compare(self._mirror, base, revision, paths)
        return changes

    def history(self, places: Mapping[str, Collection[int | None]]) -> History:
        """Who changed these places last, as far as the mirror reaches; of repositories only.

        Raises:
            SourceError: the mirror cannot be read.
        """
        if not places or self.work.target.kind is not TargetKind.REPOSITORY:
            return {}
        return blame(self._mirror, self.work.revision, places)

    def pin(self) -> None:
        """Keeps the recorded commit, so that the next night can be compared with it.

        It is fetched now if no scanner has needed it; where it was recorded before, it is pinned.

        Raises:
            SourceError: it cannot be fetched.
        """
        if self.work.target.kind is not TargetKind.REPOSITORY:
            return
        if self._snapshot is not None or self.work.revision not in self._bases:
            self.snapshot()
            self._mirror.pin(self.work.revision)

    def _fetch(self) -> None:
        name = self.work.target.name
        self._session.report(Progress("fetch", name))
        if self._run_revision:
            self._mirror.fetch_revision(self._run_revision)
            return
        fetched = self._mirror.fetch(Head(self.work.ref, self.work.revision))
        if fetched.forced:
            text = f"{name}: its history was rewritten; findings are matched by content"
            self._session.report(Progress("fetch", text, "!"))

    def _pull(self, reference: str) -> None:
        """By digest, so that it is what the run was to look at: skopeo checks that."""
        self._session.report(Progress("fetch", self.work.target.name))
        try:
            credential = credential_of(self.work.target, self._session.secrets)
        except SecretMissing as error:
            raise SourceError(str(error)) from error
        name = reference.partition("@")[0]
        repository = name if ":" not in name.rpartition("/")[2] else name.rpartition(":")[0]
        pull_image(
            f"{repository}@{self.work.revision}",
            credential,
            self._pulled,
            insecure_hosts=self._session.config.adhoc.private_hosts,
        )

    @property
    def _pulled(self) -> Path:
        digest = self.work.revision.removeprefix("sha256:")
        return self._session.workspace / "scratch" / f"image-{digest}.tar"

    @cached_property
    def _bases(self) -> frozenset[str]:
        """The revisions at which findings were recorded before this look."""
        found = base_revisions(self._session.store, self.work.target.name)
        return frozenset(base for base in found.values() if base)

    @cached_property
    def _mirror(self) -> Mirror:
        return mirror_of(self._session, self.work.target)
