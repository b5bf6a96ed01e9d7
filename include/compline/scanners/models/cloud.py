"""What object stores of several clouds share as places of models: bounds and refusals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import urlsplit

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable

_MOST_FILES = 200_000


class CloudFolder(ABC):
    """The objects below one prefix, asked through the library of their cloud."""

    scheme: ClassVar[str]
    far: ClassVar[bool] = True

    def __init__(
        self, url: str, seconds: float, endpoint: str | None = None, credential: str | None = None
    ) -> None:
        """Opens nothing yet.

        Args:
            url: `SCHEME://bucket/prefix`.
            seconds: for each call.
            endpoint: URL of the store, where it is not the cloud's usual one.
            credential: in the form that the cloud has for it; None: the machine's own identity.
        """
        parts = urlsplit(url)
        prefix = parts.path.strip("/")
        self._name = parts.netloc
        self._prefix = f"{prefix}/" if prefix else ""
        self._seconds, self._endpoint, self._credential = seconds, endpoint, credential
        self._made: Any = None
        self._lock = Lock()

    def files(self) -> tuple[list[Artifact], list[Gap]]:
        """Every object below the prefix.

        Raises:
            CannotList: refused, too slow, too many, or none at all.
        """
        found = []
        for each in self._told():
            if each.path and not each.path.endswith("/"):
                found.append(each)
            if len(found) > _MOST_FILES:
                raise CannotList(f"{self._shown} holds more than {_MOST_FILES} files")
        if not found:
            raise CannotList(f"{self._shown}/{self._prefix} holds nothing")
        return found, []

    def open(self, artifact: Artifact) -> Readable:
        """The object as a stream, if it is still the one that was listed.

        Raises:
            Unreadable: it is not given out, or is another one by now.
        """
        try:
            return self._stream(artifact)
        except Unreadable:
            raise
        except CannotList as error:
            raise Unreadable(GapReason.FORBIDDEN, str(error)) from None
        except Exception as error:  # see above
            raise Unreadable(GapReason.FORBIDDEN, self._trouble("read", error)) from None

    def close(self) -> None:
        """Lets go of connections."""
        if self._made is not None:
            self._made.close()

    def _told(self) -> Iterator[Artifact]:
        try:
            yield from self._listed()
        except CannotList:
            raise
        except Exception as error:  # of the library, of its transport, of its credentials
            raise CannotList(self._trouble("listed", error)) from None

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._connected()
            return self._made

    @property
    def _shown(self) -> str:
        return f"{self.scheme}://{self._name}"

    def _trouble(self, what: str, error: Exception) -> str:
        status = self._status(error)
        shown = str(status) if isinstance(status, int) else type(error).__name__
        return f"{self._shown} cannot be {what} ({shown}): see the rights in docs/checks/models.md"

    @abstractmethod
    def _connected(self) -> Any:
        """The library's client. Raises `CannotList` for a credential that is none."""

    @abstractmethod
    def _listed(self) -> Iterator[Artifact]:
        """What lies below the prefix, with paths within it; folders may be among it."""

    @abstractmethod
    def _stream(self, artifact: Artifact) -> Readable:
        """The object as a stream."""

    @abstractmethod
    def _status(self, error: Exception) -> object:
        """The status that the store answered with; anything else than a number if none."""
