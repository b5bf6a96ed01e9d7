"""A folder of this machine, or whatever fsspec has a name for, as a place of models."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import (
    Artifact,
    CannotList,
    Listing,
    Model,
    Readable,
    Unreadable,
    Version,
    alias_of,
)
from compline.scanners.models.names import printable, version_order
from compline.scanners.models.places.ahead import closed, one_by_one, read_ahead
from compline.scanners.models.places.object_places import FilesPlace
from compline.scanners.models.places.pace import Clock, Paced

MOST_FILES = 200_000
NOT_SAID = "production"
"""The default of `models.production`: of folders it says nothing."""


class Folder:
    """A directory on this machine; links are not followed."""

    far: ClassVar[bool] = False

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self) -> tuple[list[Artifact], list[Gap]]:
        """Every regular file, and what is none.

        Raises:
            CannotList: there is no such folder, or a part of it cannot be read.
        """
        found: list[Artifact] = []
        gaps: list[Gap] = []

        def fail(error: OSError) -> None:
            raise CannotList(f"{self._root} cannot be read: {error.strerror}")

        for name, folders, files in os.walk(self._root, onerror=fail):
            for entry in (*files, *folders):
                full = Path(name, entry)
                path = full.relative_to(self._root).as_posix()
                try:
                    data = full.lstat()
                except OSError as error:
                    fail(error)
                if stat.S_ISDIR(data.st_mode):
                    continue
                if not stat.S_ISREG(data.st_mode):
                    reason = (
                        GapReason.SYMLINK if stat.S_ISLNK(data.st_mode) else GapReason.UNSUPPORTED
                    )
                    gaps.append(Gap(reason, printable(path)))
                else:
                    found.append(Artifact(path, data.st_size, validator=_validator(data)))
                if len(found) > MOST_FILES:
                    raise CannotList(f"{self._root} holds more than {MOST_FILES} files")
        return found, gaps

    def open(self, artifact: Artifact) -> Readable:
        """The file, if it is still the one that was listed."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = os.fdopen(os.open(self._root / artifact.where, flags), "rb")
        except OSError as error:
            raise Unreadable(GapReason.FORBIDDEN, error.strerror or "") from None
        if _validator(os.fstat(file.fileno())) != artifact.validator:
            file.close()
            raise Unreadable(GapReason.TRUNCATED, "it was changed while it was looked at")
        return cast(Readable, file)


def _validator(data: os.stat_result) -> str:
    # The time of the last change of the inode cannot be set back as the other one can.
    return f"{data.st_size}-{data.st_mtime_ns}-{data.st_ctime_ns}-{data.st_ino}"


class Remote:
    """Any other URL that fsspec knows; credentials come from the environment."""

    far: ClassVar[bool] = False
    # What fsspec opens is of many makers, and not all may be used from several threads.
    _VALIDATORS = ("ETag", "etag", "md5Hash", "generation", "content_settings", "version_id")
    _TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")

    def __init__(self, url: str, seconds: float) -> None:
        from fsspec.core import url_to_fs
        from fsspec.registry import known_implementations

        self._shown, self._seconds = url.rpartition("@")[2], seconds
        try:
            self._system, self._root = url_to_fs(url)
        except ImportError:
            known = known_implementations.get(urlsplit(url).scheme, {})
            needed = known.get("err", "no installed package opens such URLs")
            raise CannotList(f"{self._shown} cannot be opened: {needed}") from None
        except Exception as error:  # each protocol has exceptions of its own
            raise CannotList(f"{self._shown} cannot be opened ({type(error).__name__})") from None

    def files(self) -> tuple[list[Artifact], list[Gap]]:
        """As `Folder.files`."""
        clock = Clock(self._seconds)
        try:
            self._system.invalidate_cache()
            found: dict[str, dict[str, Any]] = clock.ask(
                lambda: self._system.find(self._root, detail=True)
            )
        except CannotList as error:
            raise CannotList(f"{self._shown}: {error}") from None
        except Exception as error:  # each protocol has exceptions of its own
            raise CannotList(f"{self._shown} cannot be listed ({type(error).__name__})") from None
        root = self._root.strip("/")
        artifacts = []
        for name, info in sorted(found.items()):
            path = name.strip("/").removeprefix(root).strip("/")
            said = [str(info[key]) for key in (*self._VALIDATORS, *self._TIMES) if info.get(key)]
            size = int(info.get("size") or 0)
            artifacts.append(
                Artifact(path, size, validator="-".join((str(size), *said)), weak=not said)
            )
        if not artifacts:
            raise CannotList(f"{self._shown} holds nothing, or may not be listed")
        return artifacts, []

    def open(self, artifact: Artifact) -> Readable:
        """The file as a stream."""
        path = f"{self._root}/{artifact.where}"
        try:
            stream = Clock(self._seconds).ask(lambda: self._system.open(path, "rb"))
            return Paced(cast(Readable, stream), artifact.size, self._seconds)
        except CannotList as error:
            raise Unreadable(GapReason.FORBIDDEN, str(error)) from None
        except Exception as error:  # see above
            raise Unreadable(GapReason.FORBIDDEN, type(error).__name__) from None


class ModelFolder:
    """A place of models laid out in folders: one model, its versions, or many models."""

    def __init__(
        self,
        url: str,
        name: str,
        layout: str,
        production: str,
        store: Callable[[str], FilesPlace | None],
        seconds: float = 300,
    ) -> None:
        """Opens nothing yet.

        Args:
            url: folder or URL.
            name: of the target; its last part is the model's where the folder is one model.
            layout: `model`, `versions` or `models`.
            production: version that production serves.
            store: makes the place behind the URL of an object store.
            seconds: to list any other URL, and for each file of it.

        Raises:
            CannotList: the URL cannot be opened.
        """
        scheme = urlsplit(url).scheme
        self._place: FilesPlace
        if scheme in ("", "file"):
            self._place = Folder(Path(urlsplit(url).path if scheme else url))
        else:
            self._place = store(url) or Remote(url, seconds)
        self._name = name.rpartition("/")[2]
        self._depth = {"model": 0, "versions": 1, "models": 2}[layout]
        self._production = production

    def listing(self) -> Listing:
        """As `Source` says; a file above the folders of versions belongs to no version."""
        files, unread = self._place.files()
        gaps = [replace(gap, path=self._placed(Artifact(gap.path, 0)).place) for gap in unread]
        artifacts = [self._placed(file) for file in files]
        versions: dict[str, set[str]] = {}
        for artifact in artifacts:
            names = versions.setdefault(artifact.model, set())
            if artifact.version or not self._depth:
                names.add(artifact.version)
        models = []
        for name, found in sorted(versions.items()):
            ordered = sorted(found, key=version_order)
            served = self._production if self._production in found else None
            if not self._depth:
                served = ""
            elif served is None and self._production != NOT_SAID:
                text = "it has no version of the name that production is said to serve"
                gaps.append(Gap(GapReason.UNRESOLVED, alias_of(name), text))
            versions_of = tuple(Version(each) for each in ordered)
            models.append(Model(name, versions_of, served=served))
        return Listing(
            tuple(artifacts),
            tuple(gaps),
            tuple(models),
        )

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says."""
        opened = read_ahead if self._place.far else one_by_one
        return opened(wanted, lambda artifact: closed(self._place.open(artifact)))

    def close(self) -> None:
        """As `Source` says."""
        close = getattr(self._place, "close", None)
        if close is not None:
            close()

    def _placed(self, file: Artifact) -> Artifact:
        parts = file.path.split("/")
        model = parts.pop(0) if self._depth == 2 and len(parts) > 1 else self._name
        version = parts.pop(0) if self._depth and len(parts) > 1 else ""
        return replace(
            file,
            model=printable(model),
            version=printable(version),
            path=printable("/".join(parts)),
            where=file.path,
        )
