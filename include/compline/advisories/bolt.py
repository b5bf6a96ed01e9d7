"""Reads bbolt files (the format of Trivy's database): buckets and keys, nothing else.

The layout, as go.etcd.io/bbolt writes it, little-endian: pages of equal size, the first two of
which are meta pages; a bucket is a tree of branch and leaf pages, or lies inline in its parent.
Read through a memory map: a real database has a gigabyte, of which a look-up touches a few pages.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from compline.advisories.errors import AdvisoryError

_MAGIC = 0xED0CDAED
_HEADER = struct.Struct("<QHHI")
_META = struct.Struct("<IIIIQQQQQ")
_LEAF = struct.Struct("<IIII")
_BRANCH = struct.Struct("<IIQ")
_BUCKET = struct.Struct("<QQ")
_BRANCH_PAGE, _LEAF_PAGE = 1, 2
_IS_BUCKET = 1
_DEEPEST = 40


class Bolt:
    """One file, open for reading; a context manager."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            AdvisoryError: it is not a bbolt file.
        """
        self._path = path
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise AdvisoryError(f"{path} cannot be read: {error}") from error
        self._page_size, self._root = self._meta()

    def __enter__(self) -> Bolt:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._data.close()

    def buckets(self, *path: bytes) -> Iterator[bytes]:
        """Names of the buckets in the root, or in the bucket at a path of names, in order."""
        for name, is_bucket, _, _ in self._entries(path):
            if is_bucket:
                yield name

    def items(self, *path: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of the bucket at a path of names, in order; nested buckets left out."""
        for name, is_bucket, start, size in self._entries(path):
            if not is_bucket:
                yield name, self._data[start : start + size]

    def _entries(self, path: tuple[bytes, ...]) -> Iterator[tuple[bytes, bool, int, int]]:
        try:
            page = self._root * self._page_size
            for wanted in path:
                start = next(
                    (
                        start
                        for name, bucket, start, _ in self._walk(page)
                        if bucket and name == wanted
                    ),
                    None,
                )
                if start is None:
                    return
                (root, _) = _BUCKET.unpack_from(self._data, start)
                page = root * self._page_size if root else start + _BUCKET.size
            yield from self._walk(page)
        except (struct.error, IndexError) as error:
            raise AdvisoryError(f"{self._path} is damaged: {error}") from error

    def _walk(self, page: int, depth: int = 0) -> Iterator[tuple[bytes, bool, int, int]]:
        """Name, whether it is a bucket, start and size of its value, of a page's whole tree."""
        if depth > _DEEPEST:
            raise AdvisoryError(f"{self._path} is damaged: its pages go in circles")
        (_, flags, count, _) = _HEADER.unpack_from(self._data, page)
        for index in range(count):
            place = page + _HEADER.size + index * _LEAF.size
            if flags & _LEAF_PAGE:
                kind, offset, name_size, size = _LEAF.unpack_from(self._data, place)
                start = place + offset
                name = self._data[start : start + name_size]
                yield name, bool(kind & _IS_BUCKET), start + name_size, size
            elif flags & _BRANCH_PAGE:
                (_, _, child) = _BRANCH.unpack_from(self._data, place)
                yield from self._walk(child * self._page_size, depth + 1)
            else:
                raise AdvisoryError(f"{self._path} is damaged: page with flags {flags}")

    def _meta(self) -> tuple[int, int]:
        """Page size, and the root's page, of the newer of the two meta pages."""
        best: tuple[int, int, int] | None = None
        sizes = (4096, 8192, 16384, 32768, 65536)
        for place in (0, *sizes):
            if place + _HEADER.size + _META.size > len(self._data):
                break
            meta = _META.unpack_from(self._data, place + _HEADER.size)
            magic, version, page_size, _, root, _, _, _, transaction = meta
            usable = magic == _MAGIC and version == 2 and page_size in sizes
            if usable and (best is None or transaction > best[0]):
                best = (transaction, page_size, root)
        if best is None:
            raise AdvisoryError(f"{self._path} is not a Trivy database (not a bbolt file)")
        return best[1], best[2]
