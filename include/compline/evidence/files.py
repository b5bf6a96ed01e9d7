"""Where evidence lies: a directory of this machine, or whatever fsspec has a name for.

Files are small, written once and whole. Names are relative, with `/`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit


class EvidenceUnavailable(Exception):
    """The place cannot be reached or written; says nothing of whether the evidence is there."""


class Files(Protocol):
    """What the locker needs of a place; all raise `EvidenceUnavailable`."""

    def read(self, name: str) -> bytes:
        """The content. Raises FileNotFoundError: there is no such file."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Writes all of it or nothing; over what is there."""
        ...

    def stat(self, name: str) -> tuple[int, datetime] | None:
        """Bytes and time of writing; None if there is no such file."""
        ...

    def touch(self, name: str, content: bytes) -> None:
        """Makes the file look written now; the content is what it holds."""
        ...

    def remove(self, name: str) -> None:
        """Removes it; one that is not there is fine."""
        ...

    def names(self, folder: str) -> Iterator[str]:
        """All files below a folder, in no order; none if it is not there."""
        ...


def open_files(url: str, default: Path) -> Files:
    """The place behind `evidence.url`; the default directory if that is empty.

    Raises:
        EvidenceUnavailable: no such protocol, or it needs a package that is not installed.
    """
    scheme = urlsplit(url).scheme
    if not url:
        return Directory(default)
    if scheme in ("", "file"):
        return Directory(Path(urlsplit(url).path if scheme else url))
    return Remote(url)


class Directory:
    """A directory; a file appears under its name only when all of it is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> bytes:
        """As in `Files`."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _unavailable(str(self._path), error) from error

    def write(self, name: str, content: bytes) -> None:
        """As in `Files`."""
        path = self._path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".put-")
        except OSError as error:
            raise _unavailable(str(self._path), error) from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except OSError as error:
            Path(temporary).unlink(missing_ok=True)
            raise _unavailable(str(self._path), error) from error
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def stat(self, name: str) -> tuple[int, datetime] | None:
        """As in `Files`."""
        try:
            found = (self._path / name).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(str(self._path), error) from error
        return found.st_size, datetime.fromtimestamp(found.st_mtime, UTC)

    def touch(self, name: str, content: bytes) -> None:
        """As in `Files`."""
        try:
            os.utime(self._path / name)
        except FileNotFoundError:
            self.write(name, content)
        except OSError as error:
            raise _unavailable(str(self._path), error) from error

    def remove(self, name: str) -> None:
        """As in `Files`."""
        try:
            (self._path / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unavailable(str(self._path), error) from error

    def names(self, folder: str) -> Iterator[str]:
        """As in `Files`; half-written files of killed processes are not there."""
        for path in (self._path / folder).rglob("*"):
            if path.is_file() and not path.name.startswith(".put-"):
                yield path.relative_to(self._path).as_posix()


class Remote:
    """Any fsspec URL: `s3://bucket/folder`, `gs://...`, `memory://...`.

    Credentials come from the environment, as the protocol's own tools read them. For S3 pyarrow,
    which is installed anyway, stands in where s3fs is not there.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._system, self._root = _system(url)

    def read(self, name: str) -> bytes:
        """As in `Files`."""
        try:
            content: bytes = self._system.cat_file(self._full(name))
        except FileNotFoundError:
            raise
        except Exception as error:  # each protocol has exceptions of its own
            raise _unavailable(self._url, error) from error
        return content

    def write(self, name: str, content: bytes) -> None:
        """As in `Files`; whole where the protocol's own writing is."""
        try:
            try:
                self._system.pipe_file(self._full(name), content)
            except FileNotFoundError:  # not an object store: it wants the folder first
                self._system.makedirs(self._full(name).rpartition("/")[0], exist_ok=True)
                self._system.pipe_file(self._full(name), content)
        except Exception as error:  # see above
            raise _unavailable(self._url, error) from error

    def stat(self, name: str) -> tuple[int, datetime] | None:
        """As in `Files`."""
        path = self._full(name)
        try:
            self._system.invalidate_cache()
            size = int(self._system.size(path))
            written = self._system.modified(path)
        except FileNotFoundError:
            return None
        except Exception as error:  # see above
            raise _unavailable(self._url, error) from error
        return size, written if written.tzinfo else written.replace(tzinfo=UTC)

    def touch(self, name: str, content: bytes) -> None:
        """As in `Files`: object stores know no other way than writing."""
        self.write(name, content)

    def remove(self, name: str) -> None:
        """As in `Files`."""
        try:
            self._system.rm_file(self._full(name))
        except FileNotFoundError:
            return
        except Exception as error:  # see above
            raise _unavailable(self._url, error) from error

    def names(self, folder: str) -> Iterator[str]:
        """As in `Files`."""
        try:
            self._system.invalidate_cache()
            found = (
                self._system.find(self._full(folder)) if folder else self._system.find(self._root)
            )
        except FileNotFoundError:
            return
        except Exception as error:  # see above
            raise _unavailable(self._url, error) from error
        root = self._root.strip("/")
        for path in found:
            yield str(path).strip("/").removeprefix(root).strip("/")

    def _full(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def _system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        system, root = url_to_fs(url)
    except ImportError as error:
        if urlsplit(url).scheme != "s3":
            raise _unavailable(url, error) from error
        from fsspec.implementations.arrow import ArrowFSWrapper
        from pyarrow.fs import S3FileSystem

        options = {}
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            parts = urlsplit(endpoint)
            options = {"endpoint_override": parts.netloc, "scheme": parts.scheme}
        return ArrowFSWrapper(S3FileSystem(**options)), url.removeprefix("s3://")
    except ValueError as error:
        raise _unavailable(url, error) from error
    return system, root


def _unavailable(where: str, error: Exception) -> EvidenceUnavailable:
    # A URL may hold a credential though it should not; and messages quote it.
    shown = where.rpartition("@")[2]
    reason = (
        error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    )
    return EvidenceUnavailable(
        f"the evidence at {shown} cannot be reached ({reason}): "
        "see `evidence.url` in compline.yaml and the rights to it"
    )
