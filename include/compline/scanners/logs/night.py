"""One night's reading of one target's logs: what is new is scanned, what was found is kept."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from compline.model import Gap, GapReason, Observation, Place, ScanKey
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.interface import ScanContext
from compline.scanners.logs import growth, pieces
from compline.scanners.logs.growth import Known, Piece, Reader
from compline.scanners.logs.log import Log, Unreadable
from compline.scanners.trivy.command import Means

_BATCH_BYTES = 64 << 20
"""Of pieces that are held in memory, and given to one process of trivy's."""


@dataclass
class _Read:
    """What came of one log."""

    shown: str
    names: tuple[str, ...] = ()
    known: Known | None = None
    """To be kept; None where it must be read again."""
    found: list[Observation] = field(default_factory=list)


class Night:
    """Reads logs in turn, holding a bounded part of them in memory."""

    def __init__(
        self,
        scanner: str,
        target: str,
        given: Means,
        key: ScanKey,
        context: ScanContext,
        *,
        fresh: bool,
    ) -> None:
        self._scanner = scanner
        self._target = target
        self._given = given
        self._key = key
        self._context = context
        self._fresh = fresh
        self._reads: list[_Read] = []
        self._waiting: list[tuple[_Read, Piece]] = []
        self.gaps: list[Gap] = []
        self.account: list[dict[str, Any]] = []
        """Per log what was read of it, for the evidence."""
        self.sandbox = ""
        """How trivy was confined; empty where nothing was new."""

    def read(self, logs: Iterable[Log], most: int, deadline: float) -> None:
        """Reads all logs as far as bytes and time allow; what is left is a gap.

        Args:
            logs: the ones that matter most first.
            most: bytes to be newly read.
            deadline: on the monotonic clock.

        Raises:
            TrivyFailed, ToolError: trivy gave no answer that can be believed.
            CannotCollect: a service stopped answering; what was read until then is kept.
        """
        try:
            self._all(logs, most, deadline)
        except CannotCollect:
            self._scan()
            self._keep()
            raise
        self._scan()
        self._keep()

    def _all(self, logs: Iterable[Log], most: int, deadline: float) -> None:
        for log in logs:
            if time.monotonic() > deadline:
                self.gaps.append(Gap(GapReason.TRUNCATED, log.shown, "there was no time left"))
                continue
            try:
                most -= self._one(log, most)
            except Unreadable as error:
                self.gaps.append(error.gap)

    @property
    def observations(self) -> list[Observation]:
        """Every secret, once per log that holds it, at its first line."""
        return [
            replace(each, place=Place(read.shown, each.place.line, each.place.end_line))
            for read in self._reads
            for each in read.found
        ]

    def _one(self, log: Log, most: int) -> int:
        """Reads one log; gives how many bytes of it are new.

        Raises:
            Unreadable: it cannot be looked at.
        """
        read = _Read(log.shown)
        kept = self._recall(log.key)
        if kept is not None and log.stamp and kept.stamp == log.stamp:
            read.found = list(kept.found)
            self._reads.append(read)
            self._recount(log, 0, kept)
            return 0
        with log.open() as file:
            head = growth.head_of(file)
            if growth.is_binary(head):
                raise Unreadable(Gap(GapReason.UNSUPPORTED, log.shown, "not lines of text"))
            copy = growth.by_head(head)
            reader = Reader(file, kept or (self._recall(copy) if copy else None))
            self._reads.append(read)
            new = 0
            for piece in reader.pieces(most):
                self._waiting.append((read, piece))
                if sum(len(one.content) for _, one in self._waiting) > _BATCH_BYTES:
                    self._scan()
            known = reader.seen(log.stamp if reader.whole else "")
            new = known.offset - (reader.known.offset if reader.known else 0)
        if reader.known is not None:
            read.found = [
                *(each for each in reader.known.found if (each.place.line or 0) < reader.from_line),
                *read.found,
            ]
        if not reader.whole:
            detail = f"read as far as {known.offset} bytes; the next night goes on"
            self.gaps.append(Gap(GapReason.TOO_LARGE, log.shown, detail))
        read.names = tuple(filter(None, (log.key, copy)))
        read.known = known
        self._recount(log, new, known)
        return new

    def _recount(self, log: Log, new: int, known: Known) -> None:
        self.account.append({"log": log.shown, "new_bytes": new, "bytes": known.offset})

    def _recall(self, name: str) -> Known | None:
        if self._fresh:
            return None
        name = self._name(name)
        value = self._context.cache.get_many(self._scanner, self._key, [name]).get(name)
        return None if value is None else growth.from_bytes(value)

    def _name(self, name: str) -> str:
        return f"log:{self._target}:{name}"

    def _scan(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        results, self.sandbox = pieces.scan(
            [piece for _, piece in waiting], self._scanner, self._given, self._context
        )
        for (read, _), (found, gaps) in zip(waiting, results, strict=True):
            read.found += found
            for gap in gaps:
                self.gaps.append(replace(gap, path=read.shown))
                read.names = ()

    def _keep(self) -> None:
        broken = {gap.path for gap in self.gaps if gap.reason is GapReason.CRASHED}
        values: dict[str, bytes] = {}
        for read in self._reads:
            read.found = _first_lines(read.found)
            if read.known is not None and read.shown not in broken:
                value = growth.to_bytes(replace(read.known, found=tuple(read.found)))
                values |= {self._name(name): value for name in read.names}
        self._context.cache.put_many(self._scanner, self._key, values)


def _first_lines(found: Iterable[Observation]) -> list[Observation]:
    """Each secret of a log once, at the first line that holds it."""
    first: dict[tuple[str, str], Observation] = {}
    for each in found:
        key = (each.rule, each.subject)
        if key not in first or (each.place.line or 0) < (first[key].place.line or 0):
            first[key] = each
    return sorted(first.values(), key=lambda each: (each.place.line or 0, each.rule, each.subject))
