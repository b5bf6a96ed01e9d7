"""Reads what depends on what out of repositories and images; finds no defects by itself."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterator, Sequence

from compline.model import (
    MISSED_CANARY,
    Completed,
    Failed,
    Gap,
    GapReason,
    Link,
    Look,
    ScanKey,
    TargetKind,
)
from compline.scanners.interface import Job, ScanContext
from compline.scanners.lineage import cards, dvc, labels
from compline.scanners.lineage.known import KnownAssets
from compline.scanners.lineage.yaml_text import Unreadable
from compline.scanners.services import unforeseen
from compline.source.images import open_image
from compline.source.snapshot import Snapshot, SourceError

ADAPTER = "2"
"""Raised whenever the same files would be read otherwise."""
_REMOTES = ".dvc/config"
_CANARY = "outs:\n- path: canary.csv\n"


class Lineage:
    """DVC files and model cards of repositories, labels of images."""

    name = "lineage"
    kinds = frozenset({TargetKind.REPOSITORY, TargetKind.IMAGE})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """Our reading, and the targets that links may lead to."""
        known = KnownAssets(context.config)
        return ScanKey(tool="compline", adapter=ADAPTER, options=known.digest)

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """One look per job."""
        key = self.scan_key(context)
        known = KnownAssets(context.config)
        trusted = _finds_the_canary(known)
        for job in jobs:
            context.progress(f"{job.target.name}: lineage")
            began = time.monotonic()
            outcome: Completed | Failed
            if trusted:
                outcome = _outcome(job, known)
            else:
                outcome = Failed(f"lineage {MISSED_CANARY}: a known link was not read")
            yield Look(
                target=job.target.name,
                scanner=self.name,
                outcome=outcome,
                revision=job.revision,
                scan_key=key,
                tool_version=ADAPTER,
                seconds=round(time.monotonic() - began, 3),
            )


def _outcome(job: Job, known: KnownAssets) -> Completed | Failed:
    try:
        if job.open_archive is not None:
            # Its digest was proved when the image was asked for; labels are part of that.
            found = open_image(job.open_archive(), verify=False).labels
            return Completed((), links=_once(labels.links(job.target.name, found, known)))
        if job.open_snapshot is None:
            return Failed("there is neither a tree nor an image to read")
        return _of_tree(job.target.name, job.open_snapshot(), known)
    except SourceError as error:
        return Failed(str(error))
    except Exception as error:
        return Failed(unforeseen(error))


def _of_tree(name: str, snapshot: Snapshot, known: KnownAssets) -> Completed:
    wanted = {entry.path: entry.oid for entry in snapshot.entries if _speaks(entry.path)}
    contents = dict(snapshot.read(sorted(set(wanted.values()))))
    gaps = [gap for gap in snapshot.gaps if not gap.path or _speaks(gap.path.rstrip("/"))]
    found: list[Link] = []
    remotes: dict[str, str] = {}
    # Where data is kept comes first: the other files only name it.
    for path in sorted(wanted, key=lambda path: (path != _REMOTES, path)):
        content = contents.get(wanted[path])
        if content is None:
            gaps.append(Gap(GapReason.MISSING_OBJECT, path))
            continue
        text = content.decode("utf-8-sig", "replace")
        try:
            if path == _REMOTES:
                remotes = dvc.remotes_of(text)
            elif posixpath.basename(path).lower() == "readme.md":
                found += cards.links(name, text)
            else:
                found += dvc.links(name, path, text, remotes, known)
        except Unreadable as error:
            gaps.append(Gap(GapReason.UNPARSED, path, str(error)))
    return Completed((), tuple(dict.fromkeys(gaps)), links=_once(found))


def _speaks(path: str) -> bool:
    """Whether a file may say what depends on what."""
    name = posixpath.basename(path)
    return (
        path == _REMOTES
        or path.lower() == "readme.md"
        or name == "dvc.yaml"
        or (name.endswith(".dvc") and name != ".dvc")
    )


def _once(links: Iterator[Link] | Sequence[Link]) -> tuple[Link, ...]:
    return tuple(sorted(set(links), key=lambda one: (one.source, one.destination, one.how)))


def _finds_the_canary(known: KnownAssets) -> bool:
    wanted = Link("dataset/canary/canary.csv", "repository/canary", "is used by")
    return wanted in set(dvc.links("canary", "canary.csv.dvc", _CANARY, {}, known))
