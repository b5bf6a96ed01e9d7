"""One commit's tree, ready to be read: what is in it, what was left out, and the contents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from compline.config.schema import Limits
from compline.model import Gap
from compline.source.contents import part
from compline.source.entry import Entry as Entry
from compline.source.errors import SourceError as SourceError
from compline.source.export import export_files
from compline.source.git import Git
from compline.source.listing import list_tree
from compline.source.objects import ObjectReader
from compline.source.refs import check_object_id

_LARGEST_COMMIT = 1 << 24


class Snapshot:
    """A tree as a value, with its contents behind it; only objects are read, never a checkout."""

    revision: str
    """The commit."""
    tree: str
    """Object id of the tree: equal trees have equal contents, whatever the commit."""
    entries: tuple[Entry, ...]
    """Regular files within the limits, sorted by path."""
    gaps: tuple[Gap, ...]
    """What the source left out, and why."""

    def __init__(self, directory: Path, commit: str, limits: Limits) -> None:
        """Lists the commit's tree in the bare repository at `directory`.

        Raises:
            SourceError: the commit is not there or not readable, or git failed.
        """
        self._git = Git(limits, directory.absolute())
        self._largest = limits.file_kb << 10
        self.revision = check_object_id(commit)
        with ObjectReader(self._git, max(self._largest, _LARGEST_COMMIT)) as reader:
            self.tree = _tree_of(reader, commit)
            listing = list_tree(self._git, self.tree, limits)
            self.entries, gaps = part(listing, limits, reader)
        self.gaps = gaps.result()

    def read(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """The blobs' contents in the order asked for, one at a time, from one git process.

        None stands for a blob that is missing, damaged, or larger than `limits.file_kb`.

        Raises:
            SourceError: git was killed or took too long.
            ValueError: not an object id.
        """
        with ObjectReader(self._git, self._largest) as reader:
            for item in reader.read(oids):
                yield item.oid, item.content if item.kind == "blob" else None

    def export(self, destination: Path, entries: Iterable[Entry]) -> tuple[Gap, ...]:
        """Writes the entries as plain files below `destination`; gives what could not be read.

        Raises:
            SourceError: git failed, or the destination cannot be written.
        """
        with ObjectReader(self._git, self._largest) as reader:
            return export_files(reader, destination, entries)


def _tree_of(reader: ObjectReader, commit: str) -> str:
    found = reader.one(commit)
    if found.kind != "commit" or found.content is None:
        raise SourceError(
            f"the commit {commit} is not in the mirror or is damaged: fetch it first"
            if not found.kind
            else f"{commit} is a {found.kind}, not a commit"
        )
    first = found.content.partition(b"\n")[0].decode("ascii", "replace")
    if not first.startswith("tree "):
        raise SourceError(f"the commit {commit} is damaged: it names no tree")
    return check_object_id(first[5:])
