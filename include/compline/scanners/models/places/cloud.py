"""What object stores share as places of models: pages, bounds, refusals, and a hard end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import urlsplit

from compline.model import Gap, GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable
from compline.scanners.models.places.pace import Clock, Paced

_MOST_FILES = 200_000


class CloudFolder(ABC):
    """The objects below one prefix, asked through the library of their cloud; safe to use from
    several threads at once."""

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
        found = [each for page in self.pages() for each in page]
        if not found:
            raise CannotList(f"{self._shown}/{self._prefix} holds nothing")
        return found, []

    def pages(self, inside: str = "") -> Iterator[list[Artifact]]:
        """The objects below the prefix and a folder in it (`fraud/1/`), a page at a time; paths
        are within the prefix.

        Raises:
            CannotList: refused, too slow, or too many.
        """
        clock, number = Clock(self._seconds), 0
        pages = self._pages(inside)
        while True:
            try:
                page = clock.ask(lambda: next(pages, None))
            except CannotList as error:
                raise CannotList(f"{self._shown} cannot be listed: {error}") from None
            except Exception as error:  # of the library, of its transport, of its credentials
                raise CannotList(self._trouble("listed", error)) from None
            if page is None:
                return
            found = [each for each in page if each.path and not each.path.endswith("/")]
            number += len(found)
            if number > _MOST_FILES:
                raise CannotList(f"{self._shown} holds more than {_MOST_FILES} files")
            yield found

    def open(self, artifact: Artifact) -> Readable:
        """The object as a stream, if it is still the one that was listed.

        Raises:
            Unreadable: it is not given out, or is another one by now.
        """
        try:
            stream = Clock(self._seconds).ask(lambda: self._stream(artifact))
            return Paced(stream, artifact.size, self._seconds)
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
        code = self._code(error)
        shown = code if code.replace("_", "").isalnum() else type(error).__name__
        return f"{self._shown} cannot be {what} ({shown}): see the rights in docs/checks/models.md"

    @abstractmethod
    def _connected(self) -> Any:
        """The library's client. Raises `CannotList` for a credential that is none."""

    @abstractmethod
    def _pages(self, inside: str) -> Iterator[list[Artifact]]:
        """What lies below the prefix and `inside`, with paths within the prefix; folders may be
        among it."""

    @abstractmethod
    def _stream(self, artifact: Artifact) -> Readable:
        """The object as a stream."""

    @abstractmethod
    def _code(self, error: Exception) -> str:
        """What the store answered with (`403`, `NoSuchBucket`); empty if it did not answer."""
