"""A results cache that keeps a sample to itself and compares it with what is scanned instead."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from compline.model import ScanKey, digest_of
from compline.pipeline.differences import differences
from compline.store.cache import ResultCache
from compline.store.handle import Store

_MOST_UNKNOWN = 200
"""Contents of one question that are in no cache any more, and so would be scanned besides."""
_NOT_RESULTS = frozenset({"canary"})
"""That a tool has found what was planted is written down under this name."""


class TooMuchUnknown(Exception):
    """The cache has forgotten so much of the target that a comparison would be a whole scan."""


@dataclass(frozen=True, slots=True)
class Differing:
    """A kept result that a new scan does not give again."""

    scanner: str
    scan_key: ScanKey
    content: str
    """Its name in the cache: a blob and how it is read, a tree, a release."""
    what: tuple[str, ...]


class SampledCache(ResultCache):
    """The store's cache, seen with holes; may be used from several threads at once.

    Who asks for what is in the sample is told that it is not known, scans it, and puts it: that is
    compared. Everything else goes through.
    """

    def __init__(self, store: Store, lot: str, most: int) -> None:
        """Nothing is compared yet.

        Args:
            store: whose cache it is.
            lot: what decides which contents are drawn; another one draws others.
            most: how many are drawn of one question at most.
        """
        super().__init__(store.reading, store.writing)
        self._lot = lot
        self._most = most
        self._lock = threading.Lock()
        self._drawn: dict[tuple[str, str, str], bytes] = {}
        self.compared = 0
        self.differing: list[Differing] = []

    @property
    def unanswered(self) -> int:
        """How many were drawn and not scanned to an end, so that nothing is known of them."""
        return len(self._drawn)

    def get_many(
        self, scanner: str, scan_key: ScanKey, contents: Iterable[str]
    ) -> dict[str, bytes]:
        """What is known, less the sample.

        Raises:
            TooMuchUnknown: too much is not known anyway.
        """
        wanted = list(dict.fromkeys(contents))
        known = super().get_many(scanner, scan_key, wanted)
        if len(wanted) - len(known) > _MOST_UNKNOWN:
            raise TooMuchUnknown(f"{len(wanted) - len(known)} contents are in no cache any more")
        # What a live service said may have become wrong since by right.
        if scan_key.advisories.startswith("online"):
            return known
        drawn = sorted(set(known) - _NOT_RESULTS, key=lambda each: digest_of([self._lot, each]))
        with self._lock:
            for content in drawn[: self._most]:
                self._drawn[scanner, scan_key.digest, content] = known.pop(content)
        return known

    def put_many(self, scanner: str, scan_key: ScanKey, results: Mapping[str, bytes]) -> None:
        """Compares what is of the sample, and keeps the rest."""
        rest = {}
        for content, value in results.items():
            with self._lock:
                before = self._drawn.pop((scanner, scan_key.digest, content), None)
                if before is None:
                    rest[content] = value
                    continue
                self.compared += 1
                if what := differences(before, value):
                    self.differing.append(Differing(scanner, scan_key, content, what))
        super().put_many(scanner, scan_key, rest)
