"""Reads git objects out of a mirror: many from one process, never more than one in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType

from compline.source.errors import SourceError
from compline.source.failures import failure
from compline.source.git import Git
from compline.source.process import Process
from compline.source.refs import check_object_id

_ASKED_AHEAD = 256
"""Objects that are asked for before the first of them is read."""


@dataclass(frozen=True, slots=True)
class Object:
    """One object as it was found, or not."""

    oid: str
    kind: str = ""
    """`blob`, `tree`, `commit`, `tag`; empty where the object is missing or damaged."""
    content: bytes | None = None
    """None where it is missing, damaged, or larger than was allowed."""


class ObjectReader:
    """One `git cat-file --batch` process, started at the first question; a context manager.

    Raises:
        SourceError: git is not there, was killed, or took too long.
    """

    def __init__(self, git: Git, largest: int) -> None:
        self._git = git
        self._largest = largest
        self._process: Process | None = None
        self._buffer = bytearray()

    def read(self, oids: Iterable[str]) -> Iterator[Object]:
        """The objects in the order of the ids, each as soon as git gives it."""
        source = iter(oids)
        asked: deque[str] = deque()
        try:
            while True:
                self._ask(source, asked)
                if not asked:
                    return
                answer = self._answer(asked[0])
                if answer is None:
                    # git ended in the midst of it: this one is damaged, the others may not be.
                    self._begin_again(asked)
                    answer = Object(asked[0])
                asked.popleft()
                yield answer
        finally:
            if asked:
                # Left early: answers that nobody waits for must not meet the next question.
                self.close()

    def one(self, oid: str) -> Object:
        """A single object."""
        return next(self.read((oid,)))

    def close(self) -> None:
        """Ends the process."""
        if self._process:
            self._process.__exit__(None, None, None)
            self._process = None
        self._buffer.clear()

    def __enter__(self) -> ObjectReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, source: Iterator[str], asked: deque[str]) -> None:
        if len(asked) > _ASKED_AHEAD // 2:
            return
        fresh = []
        for oid in source:
            fresh.append(check_object_id(oid))
            if len(asked) + len(fresh) >= _ASKED_AHEAD:
                break
        asked.extend(fresh)
        if fresh:
            self._write(fresh)

    def _write(self, oids: Iterable[str]) -> None:
        if self._process is None:
            self._process = self._git.start("cat-file", "--batch")
        self._process.write("".join(f"{oid}\n" for oid in oids).encode())

    def _begin_again(self, asked: deque[str]) -> None:
        assert self._process is not None  # noqa: S101 - it has just failed to answer
        code = self._process.wait()
        said = bytes(self._process.stderr[-200:]).decode("utf-8", "replace").strip()
        self.close()
        if code < 0:
            raise SourceError(f"git cat-file was ended by signal {-code} (out of memory?) {said}")
        if rest := list(asked)[1:]:
            self._write(rest)

    def _answer(self, oid: str) -> Object | None:
        """The next answer; None where git ended instead of giving it."""
        while (end := self._buffer.find(b"\n")) < 0:
            if not self._more():
                return None
        header = self._buffer[:end].decode("ascii", "replace").split(" ")
        del self._buffer[: end + 1]
        if header[0] != oid:
            raise SourceError(f"git cat-file was asked for {oid} and answered for {header[0][:64]}")
        if len(header) != 3 or not header[2].isdigit():
            return Object(oid)
        kind, size = header[1], int(header[2])
        if size > self._largest:
            return Object(oid, kind) if self._skip(size + 1) else None
        while len(self._buffer) <= size:
            if not self._more():
                return None
        content = bytes(self._buffer[:size])
        del self._buffer[: size + 1]
        return Object(oid, kind, content)

    def _skip(self, count: int) -> bool:
        while count > len(self._buffer):
            count -= len(self._buffer)
            self._buffer.clear()
            if not self._more():
                return False
        del self._buffer[:count]
        return True

    def _more(self) -> bool:
        assert self._process is not None  # noqa: S101 - something was asked
        chunk = self._process.read()
        self._buffer += chunk
        return bool(chunk)


def sizes_of(git: Git, oids: Collection[str]) -> dict[str, int]:
    """The sizes in bytes of those objects that are there.

    Raises:
        SourceError: git failed.
    """
    finished = git.run(
        "cat-file",
        "--batch-check=%(objectname) %(objectsize)",
        stdin="".join(f"{check_object_id(oid)}\n" for oid in oids).encode(),
        output_limit=128 * (len(oids) + 1),
    )
    if finished.returncode:
        raise failure(f"{git.directory} does not tell the sizes of its objects", finished)
    sizes = {}
    for line in finished.stdout.decode("ascii", "replace").splitlines():
        oid, _, size = line.partition(" ")
        if size.isdigit():
            sizes[oid] = int(size)
    return sizes
