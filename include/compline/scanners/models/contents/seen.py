"""Which contents each opening tool has looked at to the end, kept in the results cache."""

from __future__ import annotations

from collections.abc import Collection

from compline.model import ScanKey
from compline.store.cache import ResultCache

OPENERS = ("modelaudit", "picklescan")
_KEY = ScanKey(tool="seen", adapter="1")


class Seen:
    """Marks by content, whatever version the tool had: "ever scanned" is what is asked."""

    def __init__(self, cache: ResultCache) -> None:
        self._cache = cache

    def mark(self, scanner: str, contents: Collection[str]) -> None:
        """The tool has looked at all of each of these contents."""
        marks = {f"{scanner}:{content}": b"1" for content in contents}
        self._cache.put_many("models", _KEY, marks)

    def by(self, scanner: str, contents: Collection[str]) -> frozenset[str]:
        """Those of the contents that the tool has looked at."""
        names = {f"{scanner}:{content}": content for content in contents}
        found = self._cache.get_many("models", _KEY, names)
        return frozenset(names[name] for name in found)
