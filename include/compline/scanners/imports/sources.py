"""The files that a report speaks of, found in the tree that it is about."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from compline.model import Place
from compline.scanners.blobs.analysis import Piece
from compline.scanners.blobs.spans import PieceText, Span, is_secret
from compline.scanners.imports.known_code import KnownCode
from compline.scanners.imports.report import Broken
from compline.source.snapshot import Snapshot

_DRIVE = re.compile(r"^/?[A-Za-z]:[\\/]")


class Sources:
    """A tree at a revision; or none, for images and for reports that are read again."""

    def __init__(
        self,
        snapshot: Snapshot | None,
        about: str = "",
        known: Mapping[str, str] | None = None,
        code: KnownCode | None = None,
    ) -> None:
        """Opens the sources.

        Args:
            snapshot: the tree, if there is one.
            about: target and revision, for messages.
            known: names to paths as they were found out before, for a report that is read again.
            code: what is known of spans already.
        """
        self._snapshot = snapshot
        self._about = about
        self._blobs = {entry.path: entry.oid for entry in snapshot.entries} if snapshot else {}
        self._contents: dict[str, bytes | None] = {}
        self._code = code or KnownCode()
        self._keys: dict[str, str] = {}
        self._texts: dict[str, PieceText] = {}
        self.paths: dict[str, str] = dict(known or {})
        """Every name in the report to its path in the tree."""

    @property
    def there(self) -> bool:
        """Whether there is a tree."""
        return self._snapshot is not None

    @property
    def blobs(self) -> Mapping[str, str]:
        """Path to object id."""
        return self._blobs

    @property
    def snapshot(self) -> Snapshot | None:
        """The tree."""
        return self._snapshot

    def settle(self, names: Iterable[str]) -> None:
        """Finds out where the report was made, and reads what it speaks of.

        Reports name files as the machine saw them that made them: relative to a folder of the
        repository, or absolute. One prefix is taken away from all, or put before all.

        Raises:
            Broken: none of the files is in the tree.
        """
        wanted = {name: _clean(name) for name in names if name}
        if self._snapshot is None:
            for name, path in wanted.items():
                self.paths.setdefault(name, path.lstrip("/"))
            return
        prefix, folder = _origin(wanted.values(), self._blobs)
        for name, path in wanted.items():
            bare = path.removeprefix(prefix) if prefix else path
            self.paths[name] = f"{folder}{bare}".lstrip("/")
        found = {path for path in self.paths.values() if path in self._blobs}
        if wanted and not found:
            raise Broken(
                f"none of the {len(wanted)} files that the report speaks of is in {self._about}: "
                "is it the right target, and the right --revision?"
            )
        oids = {self._blobs[path] for path in found}
        self._contents = dict(self._snapshot.read(sorted(oids)))
        self._code.load(self._content_key(path) for path in found)

    def path(self, name: str) -> str:
        """A name of the report as a path of the tree."""
        return self.paths.get(name) or _clean(name).lstrip("/")

    def blob(self, path: str) -> str:
        """Its object id; empty where it is not in the tree."""
        return self._blobs.get(path, "")

    def content(self, path: str) -> bytes | None:
        """A file that the report speaks of; None where it cannot be had."""
        return self._contents.get(self.blob(path))

    def piece(self, path: str) -> Piece:
        """A file as the readers of our own scans want it; empty where it cannot be had."""
        return Piece(PurePosixPath(path).suffix, self.content(path) or b"")

    def locate(
        self, path: str, span: Span, cwe: Iterable[str]
    ) -> tuple[Place, tuple[tuple[str, str], ...]]:
        """The place of a span with the fingerprints of the code there, none without the file."""
        masked = is_secret(tuple(cwe))
        key = self._content_key(path)
        known = self._code.get(key, path, self.blob(path), span, masked=masked)
        if known is not None:
            return known
        place, fingerprints = self._text(path).locate(span, cwe)
        if self.content(path) is not None:
            self._code.add(key, span, place, fingerprints, masked=masked)
        return replace(place, path=path), fingerprints

    def lines(self, path: str) -> list[str]:
        """The file's lines, from 0."""
        return self._text(path).lines

    def keep(self) -> None:
        """Keeps what was worked out about code for the next report."""
        self._code.save()

    def _text(self, path: str) -> PieceText:
        if path not in self._texts:
            self._texts[path] = PieceText(self.piece(path), self.blob(path))
        return self._texts[path]

    def _content_key(self, path: str) -> str:
        """A blob and all that reading it takes from the path."""
        if path not in self._keys:
            self._keys[path] = f"{self.blob(path)}:{PurePosixPath(path).suffix}"
        return self._keys[path]


def _clean(name: str) -> str:
    """A name or URI as a path with `/`; `.` and `..` are worked out."""
    if name.startswith("file:"):
        name = unquote(name.removeprefix("file://").removeprefix("file:"))
    elif "%" in name:
        name = unquote(name)
    if _DRIVE.match(name):
        name = name.lstrip("/").replace("\\", "/")
    elif "\\" in name and "/" not in name:
        name = name.replace("\\", "/")
    path = posixpath.normpath(name)
    return "" if path == "." else path


def _origin(names: Iterable[str], tree: Mapping[str, str]) -> tuple[str, str]:
    """What to take from the front of every name, or to put there, so that most are in the tree.

    As it is wins over anything that is not better; a shorter prefix over a longer one.
    """
    left = [name for name in set(names) if name not in tree]
    as_it_is = len(set(names)) - len(left)
    taken: Counter[str] = Counter()
    for name in left:
        parts = name.split("/")
        for start in range(1, len(parts)):
            if "/".join(parts[start:]) in tree:
                taken["/".join(parts[:start]) + "/"] += 1
    folders: Counter[str] = Counter()
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for path in tree:
        by_name[path.rpartition("/")[2]].append(path)
    for name in set(names):
        if not name.startswith("/"):
            for path in by_name[name.rpartition("/")[2]]:
                if path.endswith(f"/{name}"):
                    folders[path.removesuffix(name)] += 1
    best_taken = max(taken.items(), key=lambda item: (item[1], -len(item[0])), default=("", 0))
    best_folder = max(folders.items(), key=lambda item: (item[1], -len(item[0])), default=("", 0))
    if best_taken[1] > max(as_it_is, best_folder[1]):
        return best_taken[0], ""
    # Two folders that fit equally well leave it open which one was meant.
    tied = sum(count == best_folder[1] for count in folders.values()) > 1
    if best_folder[1] > as_it_is and not tied:
        return "", best_folder[0]
    return "", ""
