"""Files that an MLflow server hands out itself: walked folder by folder, and read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from urllib.parse import quote

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, Readable, Unreadable
from compline.scanners.models.names import printable
from compline.scanners.models.rest import Rest

AT_ONCE = 8
"""Calls that are on their way at once; a registry is asked politely."""
_CALL = "api/2.0/mlflow-artifacts/artifacts"
_DEEPEST = 12
_SMALL = 1 << 18
"""Bytes up to which a file is held whole, so that several can be on their way."""
_WINDOW = 32


class Proxy:
    """The server's `mlflow-artifacts`; it tells no validator but a size."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def files(
        self, root: str, blank: Artifact, inside: str = "", depth: int = 0
    ) -> Iterator[Artifact]:
        """Everything below a folder, one call for each folder.

        Args:
            root: the folder.
            blank: what all its files have in common.
            inside: a folder below it.
            depth: of that one.

        Raises:
            Unreadable: it is not there, or too deep.
            CannotList: the server does not answer.
        """
        if depth > _DEEPEST:
            raise Unreadable(GapReason.TOO_MANY, "folders within folders")
        path = f"{root}/{inside}".rstrip("/")
        answer = self._rest.json(_CALL, {"path": path}, missing=True)
        if answer is None:
            raise Unreadable(GapReason.MISSING_OBJECT, "its files are not there")
        for each in answer.get("files") or ():
            name = str(each["path"]).rpartition("/")[2]
            below = f"{inside}/{name}".lstrip("/")
            if each.get("is_dir"):
                yield from self.files(root, blank, below, depth + 1)
            else:
                size = int(each.get("file_size") or 0)
                yield replace(
                    blank,
                    path=printable(below),
                    size=size,
                    validator=str(size),
                    where=f"{root}/{below}",
                )

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """As `Source` says; small files come several at a time."""
        small = [each for each in wanted if each.size <= _SMALL]
        large = [each for each in wanted if each.size > _SMALL]
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="files")
        try:
            for start in range(0, len(small), _WINDOW):
                several = small[start : start + _WINDOW]
                for artifact, found in zip(several, pool.map(self._small, several), strict=True):
                    if found is None:
                        large.append(artifact)
                    else:
                        yield artifact, found
        finally:
            pool.shutdown(cancel_futures=True)
        for artifact in large:
            try:
                with self._rest.stream(f"{_CALL}/{quote(artifact.where)}", artifact.size) as stream:
                    yield artifact, stream
            except Unreadable as problem:
                yield artifact, problem

    def _small(self, artifact: Artifact) -> Readable | Unreadable | None:
        """Its content; None where it has to be read by itself: it is not what its size says, or
        broke off, perhaps because a slow neighbour was given up."""
        content = b""
        try:
            with self._rest.stream(f"{_CALL}/{quote(artifact.where)}", artifact.size) as stream:
                while part := stream.read(_SMALL):
                    content += part
                    if len(content) > _SMALL:
                        return None
        except Unreadable as problem:
            return None if problem.reason is GapReason.TRUNCATED else problem
        return BytesIO(content)
