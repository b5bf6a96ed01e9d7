"""Files that an MLflow server hands out itself: walked folder by folder, and read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from urllib.parse import quote

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, Readable, Unreadable
from compline.scanners.models.mlflow.rest import Rest
from compline.scanners.models.names import printable

_CALL = "api/2.0/mlflow-artifacts/artifacts"
_DEEPEST = 12


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

    def open(self, artifact: Artifact) -> AbstractContextManager[Readable]:
        """A file's content.

        Raises:
            Unreadable: it is not given out, or does not come in time.
            CannotList: the server does not answer.
        """
        return self._rest.stream(f"{_CALL}/{quote(artifact.where)}", artifact.size)
