"""Files that a registry hands out over HTTP."""

from __future__ import annotations

from compline.model import GapReason
from compline.scanners.http.answers import Body, NoAnswer
from compline.scanners.models.artifacts import Unreadable


class WebFile:
    """A file's bytes; one that ends early says so."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def read(self, size: int, /) -> bytes:
        """As `Readable` says."""
        try:
            return self._body.read(size)
        except NoAnswer as error:
            raise Unreadable(GapReason.TRUNCATED, str(error)) from None
