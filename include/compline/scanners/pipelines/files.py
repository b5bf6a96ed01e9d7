"""The files that declare a pipeline: on this machine's disk, or in a repository's mirror.

Both are somebody else's: bounded, UTF-8, and never followed anywhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from compline.config.targets.pipelines import Flow
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.interface import SeenTree
from compline.scanners.lineage.yaml_text import Unreadable, load
from compline.source.snapshot import SourceError

LARGEST = 1_000_000
"""Bytes of a file; nobody declares a flow in more."""


@dataclass(frozen=True)
class Source:
    """A text, and where it was read: a row of the frame `sources`."""

    what: str
    """`flow` or `dag`."""
    text: str
    place: str
    """For people."""
    revision: str
    """Commit; empty for a file on the disk."""
    asked: datetime

    @property
    def row(self) -> dict[str, str]:
        """As evidence."""
        return {
            "what": self.what,
            "place": self.place,
            "revision": self.revision,
            "sha256": hashlib.sha256(self.text.encode()).hexdigest(),
            "asked": self.asked.isoformat(timespec="seconds"),
        }


def read(asked: Asked, what: str, path: str) -> Source:
    """One file of the pipeline.

    Args:
        asked: with the pipeline's settings and the repositories.
        what: `flow` or `dag`.
        path: in the pipeline's repository if it names one, else on the disk.

    Raises:
        CannotCollect: it is not there, is no file, is too large or no text.
    """
    repository = asked.target.settings.get("repository")
    if not repository:
        content = _on_disk(Path(path))
        return Source(what, _text(content, path), path, "", asked.now)
    seen = _tree(asked, str(repository))
    place = f"{repository}:{PurePosixPath(path)}"
    content = _in_tree(seen, str(PurePosixPath(path)), place)
    return Source(what, _text(content, place), place, seen.snapshot.revision, seen.asked)


def flow_of(source: Source) -> dict[str, Any]:
    """The declaration that a file holds.

    Raises:
        CannotCollect: it is not one; the message names the place in it.
    """
    try:
        return Flow.model_validate(load(source.text)).model_dump(mode="json")
    except Unreadable as error:
        raise CannotCollect(f"{source.place}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise CannotCollect(f"{source.place}: {where}: {first['msg']}") from None


def _tree(asked: Asked, repository: str) -> SeenTree:
    try:
        seen = asked.trees(repository)
    except SourceError as error:
        raise CannotCollect(f"the repository {repository} cannot be read: {error}") from None
    hours = int(asked.values.get("stale_hours") or 36)
    if seen.asked < asked.now - timedelta(hours=hours):
        raise CannotCollect(
            f"the last completed look at the repository {repository} is of "
            f"{seen.asked.isoformat(timespec='seconds')}: what its files say may not be so any more"
        )
    return seen


def _in_tree(seen: SeenTree, path: str, place: str) -> bytes:
    snapshot = seen.snapshot
    entry = next((one for one in snapshot.entries if one.path == path), None)
    commit = snapshot.revision[:12]
    if entry is None:
        why = next((f": {gap.reason.value}" for gap in snapshot.gaps if gap.path == path), "")
        raise CannotCollect(f"{place} is no regular file at the commit {commit}{why}")
    if entry.size > LARGEST:
        raise CannotCollect(f"{place}: more than {LARGEST // 1_000_000} MB")
    try:
        ((_, content),) = snapshot.read([entry.oid])
    except SourceError as error:
        raise CannotCollect(f"{place} cannot be read: {error}") from None
    if content is None:
        raise CannotCollect(
            f"{place} cannot be read: its object is missing at the commit {commit}, is damaged or "
            "larger than `limits.file_kb`"
        )
    return content


def _on_disk(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise CannotCollect(f"{path}: cannot be read ({type(error).__name__})") from None
    if len(content) > LARGEST:
        raise CannotCollect(f"{path}: more than {LARGEST // 1_000_000} MB")
    return content


def _text(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise CannotCollect(f"{place}: it is not UTF-8") from None
