"""The buckets that a registry may lead our reading to: each listed once for all its versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from posixpath import commonpath
from threading import Lock

from compline.scanners.models.artifacts import Artifact, CannotList, Readable
from compline.scanners.models.places.s3 import Bucket


class Buckets:
    """Places of the configuration; what lies elsewhere is not asked for. Safe to use from several
    threads at once."""

    def __init__(self, allowed: Sequence[str], make: Callable[[str], Bucket]) -> None:
        """Opens nothing yet.

        Args:
            allowed: `s3://` URLs.
            make: makes the place behind one.
        """
        self._allowed = tuple(each.rstrip("/") + "/" for each in allowed)
        self._make = make
        self._lock = Lock()
        self._opened: dict[str, Bucket] = {}
        self._known: dict[str, list[Artifact]] = {}

    def allows(self, uri: str) -> bool:
        """Whether the folder lies in one of them."""
        return bool(self._home(uri))

    def expect(self, uris: Collection[str]) -> None:
        """Lists the folder that holds these once, as long as that takes fewer calls than one for
        each of them; of what it then does not know, each is asked by itself."""
        by_home: defaultdict[str, set[str]] = defaultdict(set)
        for uri in uris:
            if home := self._home(uri):
                by_home[home].add(_inside(home, uri))
        for home, folders in by_home.items():
            if len(folders) > 1:
                self._look_over(home, folders)

    def files(self, uri: str) -> list[Artifact]:
        """What lies below a folder that is allowed, by paths within it; `where` is for `open`.

        Raises:
            CannotList: the bucket refuses.
        """
        if uri in self._known:
            return self._known[uri]
        home = self._home(uri)
        inside = _inside(home, uri)
        pages = self._bucket(home).pages(f"{inside}/" if inside else "")
        return [_placed(home, inside, each) for page in pages for each in page]

    def file(self, uri: str) -> list[Artifact]:
        """The object itself, if it lies there; its folder must be allowed.

        Raises:
            CannotList: the bucket refuses.
        """
        folder, _, name = uri.rpartition("/")
        if folder in self._known:
            return [each for each in self._known[folder] if each.path == name]
        home = self._home(folder)
        key, inside = _inside(home, uri), _inside(home, folder)
        # What else begins with its name comes along.
        pages = self._bucket(home).pages(key)
        return [_placed(home, inside, each) for page in pages for each in page if each.path == key]

    def open(self, artifact: Artifact) -> Readable:
        """The object as a stream. Raises `Unreadable`."""
        home = self._home(artifact.where)
        return self._bucket(home).open(replace(artifact, where=artifact.where.removeprefix(home)))

    def close(self) -> None:
        """Lets go of connections."""
        for bucket in self._opened.values():
            bucket.close()

    def _look_over(self, home: str, folders: set[str]) -> None:
        found: dict[str, list[Artifact]] = {folder: [] for folder in folders}
        root = commonpath(folders)
        try:
            for number, page in enumerate(self._bucket(home).pages(f"{root}/" if root else "")):
                for each in page:
                    folder = _folder_of(each.path, found)
                    if folder is not None:
                        found[folder].append(_placed(home, folder, each))
                if number + 1 >= len(folders):
                    return  # too much else lies there: asking for each is no dearer
        except CannotList:
            return  # perhaps only the folders of the versions may be listed
        self._known.update(
            {f"{home}{folder}".rstrip("/"): files for folder, files in found.items()}
        )

    def _home(self, uri: str) -> str:
        return next((each for each in self._allowed if f"{uri.rstrip('/')}/".startswith(each)), "")

    def _bucket(self, home: str) -> Bucket:
        with self._lock:
            if home not in self._opened:
                self._opened[home] = self._make(home)
            return self._opened[home]


def _inside(home: str, uri: str) -> str:
    return uri.removeprefix(home).strip("/") if f"{uri.rstrip('/')}/" != home else ""


def _folder_of(path: str, folders: Collection[str]) -> str | None:
    """The nearest of the folders that the path lies in."""
    while path:
        path = path.rpartition("/")[0]
        if path in folders:
            return path
    return None


def _placed(home: str, folder: str, file: Artifact) -> Artifact:
    path = file.path.removeprefix(f"{folder}/") if folder else file.path
    return replace(file, path=path, where=f"{home}{file.path}")
