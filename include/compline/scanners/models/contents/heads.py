"""The first bytes of contents, which tell their formats apart; kept in the results cache."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from compline.model import ScanKey
from compline.scanners.models.contents.reading import Fetched
from compline.store.cache import ResultCache

_KEY = ScanKey(tool="heads", adapter="1")
_EMPTY = b" "
"""Of a file without a byte: it is known, and says nothing."""


class Heads:
    """By the name of a content; whichever scanner reads a file takes its head down."""

    def __init__(self, cache: ResultCache) -> None:
        self._cache = cache

    def learn(self, fetched: Iterable[Fetched]) -> dict[str, bytes]:
        """Keeps those of files that were read to their end, and gives them."""
        heads = {
            f"sha256:{each.sha256}": each.head or _EMPTY
            for each in fetched
            if each.sha256 and not each.artifact.content
        }
        self._cache.put_many("models", _KEY, heads)
        return heads

    def look_up(self, contents: Collection[str]) -> dict[str, bytes]:
        """Those that are known."""
        return self._cache.get_many("models", _KEY, contents)
