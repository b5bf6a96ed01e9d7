"""Named byte streams out of an image archive: a tar file or a directory; nothing is extracted."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from posixpath import dirname, normpath
from typing import BinaryIO, Protocol, cast

from compline.source.errors import SourceError

_MOST_MEMBERS = 20_000
"""An archive of an image holds a few files per layer; layers themselves are not looked into."""
_LARGEST_HEADER = 1 << 24
"""Bytes that a tar header may ask to be read at once."""
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class Archive(Protocol):
    """Where an image's manifests and layers are."""

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def open(self, name: str) -> BinaryIO:
        """The file's content.

        Raises:
            SourceError: not there, or not a plain file that is there once.
        """
        ...


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at `path`.

    Raises:
        SourceError: missing, or neither a tar file nor a directory.
    """
    try:
        if path.is_dir():
            yield _Directory(path)
            return
        # Without waiting for the other end of what may be a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with _Bounded(io.FileIO(descriptor)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SourceError(f"{path} is neither a file nor a directory")
            _check_magic(path, file)
            yield _Tar(path, file)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def read_small(archive: Archive, name: str, most: int = 1 << 23) -> bytes:
    """A whole file of at most `most` bytes: manifests, configurations.

    Raises:
        SourceError: not there, or larger.
    """
    with archive.open(name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise SourceError(f"{name} in the archive is larger than {most} bytes")
    return content


def _check_magic(path: Path, file: _Bounded) -> None:
    head = file.read(262)
    file.seek(0)
    for magic, packer in _PACKED.items():
        if head.startswith(magic):
            raise SourceError(f"{path} is packed with {packer}: unpack it to a plain tar first")
    if head[257:262] != b"ustar":
        raise SourceError(
            f"{path} is not a tar file: make one with `docker save` or `skopeo copy … "
            "docker-archive:FILE`"
        )


class _Tar:
    def __init__(self, path: Path, file: _Bounded) -> None:
        self._path = path
        try:
            self._tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - owns nothing
            self._members: dict[str, tarfile.TarInfo | None] = {}
            for count, member in enumerate(self._tar):
                if count >= _MOST_MEMBERS:
                    raise SourceError(f"{path} holds more than {_MOST_MEMBERS} members")
                name = normpath(member.name)
                # A name that is there twice means one thing to us and another to a scanner.
                self._members[name] = None if name in self._members else member
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise SourceError(f"{path} is a damaged tar file: {error}") from error

    def has(self, name: str) -> bool:
        return normpath(name) in self._members

    def open(self, name: str) -> BinaryIO:
        member = self._member(name)
        if member.issym() or member.islnk():
            # Old `docker save` links equal layers to one another.
            base = dirname(member.name) if member.issym() else ""
            member = self._member(normpath(f"{base}/{member.linkname}".lstrip("/")))
        if not member.isreg() or member.issparse():
            raise SourceError(f"{name} in {self._path} is not a plain file")
        file = self._tar.extractfile(member)
        if file is None:
            raise SourceError(f"{name} in {self._path} cannot be read")
        return cast("BinaryIO", file)

    def _member(self, name: str) -> tarfile.TarInfo:
        try:
            member = self._members[normpath(name)]
        except KeyError:
            raise SourceError(f"{self._path} lacks {name}: it is not whole, save it anew") from None
        if member is None:
            raise SourceError(f"{self._path} holds {name} more than once: save it anew")
        return member


class _Bounded(io.BufferedReader):
    """A file that refuses to be read in huge pieces, as a made-up tar header may ask for."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


class _Directory:
    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, name: str) -> bool:
        return (self._path / name).is_file()

    def open(self, name: str) -> BinaryIO:
        path = self._path / name
        if normpath(name) != name or name.startswith(("/", "..")):
            raise SourceError(f"{name!a} leads out of {self._path}")
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from error
        file = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            file.close()
            raise SourceError(f"{path} is not a plain file")
        return file
