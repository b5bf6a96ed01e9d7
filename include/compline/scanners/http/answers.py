"""What comes back from a service: a whole answer, a file as a stream, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compline.scanners.expectations.inventory import CannotCollect


class NoAnswer(CannotCollect):
    """The service gave no whole answer; the message says what to do and holds no secret."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        """What it answered instead; 0 where there was no answer."""


class TooSlow(NoAnswer):
    """The time was over before the answer was whole."""


class TooLarge(NoAnswer):
    """An answer of more bytes than are taken."""


class CallsUsedUp(NoAnswer):
    """The bound on requests is reached."""


class PutOff(NoAnswer):
    """The service is busy: the same call may succeed later."""

    def __init__(self, message: str, status: int, wait: float | None) -> None:
        super().__init__(message, status)
        self.wait = wait
        """Seconds that it asks for; None where it did not say."""


@dataclass(frozen=True)
class Answer:
    """One whole answer that is neither an error of the server's nor a redirect."""

    path: str
    status: int
    body: bytes
    kind: str = ""
    """Its media type: many services answer a path that they do not know with a page and 200."""
    following: str = ""
    """Address of the next page, where a Link header names one."""
    service: str = "the service"
    """As people call it."""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            NoAnswer: it is not, or it broke off.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise NoAnswer(
                f"{self.path}: the answer is not JSON, or broke off; is this {self.service}?",
                self.status,
            ) from None


class Body:
    """A file's bytes as they come; what the connection raises is explained by who opened it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._left = chunk
        part, self._left = self._left[:size], self._left[size:]
        return part
