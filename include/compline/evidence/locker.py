"""The locker: masked, compressed documents under the digest of their content, written once.

`ab/abcdef….gz` are documents, `manifests/` the chain's links under their numbers. Both are what
their digests say, or they are not given out.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from compline.evidence.files import Directory, EvidenceUnavailable, Files
from compline.evidence.masking import Masking

__all__ = ["EvidenceChanged", "EvidenceMissing", "EvidenceUnavailable", "Locker"]

_REFRESH = timedelta(hours=12)
"""Content that is put again after so long is made to look new: `prune` leaves what is new alone,
so that it cannot take from a run under way what that run has just put."""
_MANIFESTS = "manifests"


class EvidenceMissing(Exception):
    """No such evidence, or its content is not what its digest says."""


class EvidenceChanged(EvidenceMissing):
    """It is there, but it is not what was put."""


class Locker:
    """Evidence at one place."""

    def __init__(self, files: Files | Path, secrets: Callable[[], Collection[str]] = tuple) -> None:
        """Opens the locker.

        Args:
            files: the place; a path is a directory of this machine.
            secrets: gives what must be masked besides what looks like a secret.
        """
        self._files = Directory(files) if isinstance(files, Path) else files
        self.masking = Masking(secrets)

    def put(self, content: bytes) -> str:
        """Masks and keeps a document, gives its SHA-256; the same again costs nothing.

        Raises:
            EvidenceUnavailable: it cannot be kept.
        """
        content = self.masking.document(content)
        digest = hashlib.sha256(content).hexdigest()
        self._write(_name(digest), content)
        return digest

    def aside(self) -> Locker:
        """One that knows the same documents and keeps none: for looks that count for nothing."""
        return _Aside(self)

    def get(self, digest: str) -> bytes:
        """The content behind a digest.

        Raises:
            EvidenceMissing: gone.
            EvidenceChanged: not what was put.
            EvidenceUnavailable: nobody can tell.
        """
        return self._read(_name(digest), digest)

    def has(self, digest: str) -> bool:
        """Whether it is there; its content is not looked at.

        Raises:
            EvidenceUnavailable: nobody can tell.
        """
        return self._files.stat(_name(digest)) is not None

    def put_manifest(self, number: int, content: bytes) -> str:
        """Keeps a link of the chain; two of one number may be tried, the store knows which holds.

        Raises:
            EvidenceUnavailable: it cannot be kept.
        """
        digest = hashlib.sha256(content).hexdigest()
        self._write(_link(number, digest), content)
        return digest

    def get_manifest(self, number: int, digest: str) -> bytes:
        """The link, as `get` gives documents; raises the same."""
        return self._read(_link(number, digest), digest)

    def remove_manifest(self, number: int, digest: str) -> None:
        """Takes back a link that lost its number to another process."""
        self._files.remove(_link(number, digest))

    def manifests(self) -> list[tuple[int, str]]:
        """Number and digest of every link that lies there, in order."""
        found = []
        for name in self._files.names(_MANIFESTS):
            number, _, rest = name.rpartition("/")[2].partition("-")
            if number.isdigit() and rest.endswith(".json.gz"):
                found.append((int(number), rest.removesuffix(".json.gz")))
        return sorted(found)

    def digests(self) -> Iterator[str]:
        """Of every document that lies there."""
        for name in self._files.names(""):
            folder, _, file = name.rpartition("/")
            if len(folder) == 2 and file.endswith(".gz") and file.startswith(folder):
                yield file.removesuffix(".gz")

    def written(self, digest: str) -> datetime | None:
        """When it was put last, give or take half a day; None if it is gone."""
        found = self._files.stat(_name(digest))
        return found[1] if found else None

    def remove(self, digest: str) -> None:
        """Removes a document; one that is gone is fine."""
        self._files.remove(_name(digest))

    def _write(self, name: str, content: bytes) -> None:
        packed = gzip.compress(content, compresslevel=6, mtime=0)
        found = self._files.stat(name)
        # Of another size it is what a dying process left where writing is not whole.
        if found is None or found[0] != len(packed):
            self._files.write(name, packed)
        elif datetime.now(UTC) - found[1] > _REFRESH:
            self._files.touch(name, packed)

    def _read(self, name: str, digest: str) -> bytes:
        try:
            content = gzip.decompress(self._files.read(name))
        except FileNotFoundError:
            raise EvidenceMissing(f"evidence {digest} is missing") from None
        except (OSError, EOFError, zlib.error) as error:
            raise EvidenceChanged(
                f"evidence {digest} was changed: it cannot be unpacked ({type(error).__name__})"
            ) from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise EvidenceChanged(f"evidence {digest} was changed: its digest is another")
        return content


class _Aside(Locker):
    def __init__(self, locker: Locker) -> None:
        self._files = locker._files
        self.masking = locker.masking

    def _write(self, name: str, content: bytes) -> None:
        """Nowhere."""


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest}.gz"


def _link(number: int, digest: str) -> str:
    return f"{_MANIFESTS}/{number:09d}-{digest}.json.gz"
