"""The locker: compressed reports under the digest of their content, written once."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from pathlib import Path


class EvidenceMissing(Exception):
    """No such evidence, or its content is not what its digest says."""


class Locker:
    """A directory of `ab/abcdef….gz` files; whoever puts has masked the content before."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, content: bytes) -> str:
        """Keeps the content and gives its SHA-256; the same content again costs nothing."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".put-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(gzip.compress(content, compresslevel=6, mtime=0))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return digest

    def get(self, digest: str) -> bytes:
        """The content behind a digest.

        Raises:
            EvidenceMissing: gone, or changed since it was put.
        """
        try:
            content = gzip.decompress(self._path(digest).read_bytes())
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            raise EvidenceMissing(f"evidence {digest} cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise EvidenceMissing(f"evidence {digest} was changed")
        return content

    def _path(self, digest: str) -> Path:
        return self._directory / digest[:2] / f"{digest}.gz"
