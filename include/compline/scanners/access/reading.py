"""Reads what is new of a target's access logs into its memory; holds one line at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import BinaryIO

from compline.model import Gap, GapReason
from compline.scanners.access.activity import Activity
from compline.scanners.access.download import Malformed
from compline.scanners.access.formats import Parser
from compline.scanners.access.habits import Habits, Pair
from compline.scanners.access.marks import Mark
from compline.scanners.access.memory import Memory
from compline.scanners.access.naming import DownloadOf, user_of
from compline.scanners.logs import growth
from compline.scanners.logs.log import Log, Unreadable

_LONGEST_LINE = 256 << 10
_BROKEN_SHARE = 100
"""One line of so many may be broken before the file has a gap."""
_SETTLED = 3600
"""Seconds after which a last line without its end is taken for a line."""
_REFUSED = 400
"""The status from which on a request was refused, or the server broke: nobody was there."""
_EVERY = 5000
"""Lines between two looks at the clock."""


@dataclass(frozen=True)
class Means:
    """How lines become downloads."""

    parse: Parser
    download_of: DownloadOf
    zone: tzinfo
    now: datetime
    oldest: date
    """Days before it are too old to be kept."""


@dataclass
class Counts:
    """What the lines of one file were."""

    read: int = 0
    broken: int = 0
    requests: int = 0
    downloads: int = 0
    nameless: int = 0
    """Downloads of which the log does not tell whether somebody was logged in."""


@dataclass
class Reading:
    """One look's reading of one target; what it changes is the memory that it was given."""

    memory: Memory
    means: Means
    touched: set[tuple[Pair, date]] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)
    account: list[dict[str, object]] = field(default_factory=list)
    """Per file with new lines what they were, for the evidence."""
    total: Counts = field(default_factory=Counts)
    unread: int = 0
    """Files that time or bytes did not reach."""

    def read(self, logs: Iterable[Log], most: int, deadline: float) -> None:
        """Reads all files in the given order, as far as bytes and time allow.

        Args:
            logs: the oldest first, so that habits are there before what is held against them.
            most: bytes to be newly read.
            deadline: on the monotonic clock.
        """
        marks, today = self.memory.marks, self.means.now.date()
        for log in logs:
            mark = marks.unchanged(log.key, log.stamp)
            if mark is not None:
                marks.put(Mark(log.key, mark.known, today), mark)
                continue
            if most <= 0 or time.monotonic() > deadline:
                self.unread += 1
                continue
            try:
                with log.open() as file:
                    most -= self._one(log, file, most, deadline)
            except Unreadable as error:
                self.gaps.append(error.gap)
        if self.unread:
            detail = "bytes or time of one night did not reach them; the next night goes on"
            self.gaps.append(Gap(GapReason.TRUNCATED, "", detail, count=self.unread))

    def _one(self, log: Log, file: BinaryIO, most: int, deadline: float) -> int:
        head = growth.head_of(file)
        if growth.is_binary(head):
            raise Unreadable(Gap(GapReason.UNSUPPORTED, log.shown, "not lines of text"))
        mark = self.memory.marks.of(file, head)
        known = mark.known if mark else None
        start = known.offset if known else 0
        settled = self.means.now.timestamp() - log.written > _SETTLED
        file.seek(start)
        counts, habits, activity = Counts(), Habits(), Activity()
        touched: set[tuple[Pair, date]] = set()
        offset, whole = start, True
        for line, size in _lines(file, settled=settled):
            offset += size
            counts.read += 1
            self._line(line, counts, habits, activity, touched)
            out_of_time = counts.read % _EVERY == 0 and time.monotonic() > deadline
            if offset - start >= most or out_of_time:
                whole = False
                break
        if not self._believed(log, counts):
            return offset - start
        lines = (known.lines if known else 0) + counts.read
        kept = growth.known_at(file, offset, lines, log.stamp if whole and settled else "")
        # Only now, since a file that turns out to be damaged must not be counted in part.
        self.memory.habits.merge(habits)
        self.memory.activity.merge(activity)
        self.touched |= touched
        self.memory.marks.put(Mark(log.key, kept, self.means.now.date()), mark)
        if not whole:
            detail = f"read as far as {offset} bytes; the next night goes on"
            self.gaps.append(Gap(GapReason.TRUNCATED, log.shown, detail))
        if counts.read:
            self.account.append({"log": log.shown, "from": start, "to": offset, **vars(counts)})
        return offset - start

    def _line(
        self,
        line: str | None,
        counts: Counts,
        habits: Habits,
        activity: Activity,
        touched: set[tuple[Pair, date]],
    ) -> None:
        request, at = None, self.means.now
        try:
            request = self.means.parse(line) if line is not None else None
            if request is not None:
                at = request.at.astimezone(self.means.zone)
        except (Malformed, OverflowError):
            line = None
        if line is None or at - self.means.now > timedelta(days=1):
            counts.broken += 1
            return
        if request is None:
            return
        counts.requests += 1
        day = at.date()
        habits.day(day)
        if request.names_user:
            activity.day(day)
        if request.user and request.status < _REFUSED:
            activity.note(user_of(request), day)
        download = self.means.download_of(request)
        if download is None:
            return
        counts.downloads += 1
        counts.nameless += not request.names_user
        if day >= self.means.oldest:
            habits.add(replace(download, at=at))
            touched.add(((download.principal, download.model), day))

    def _believed(self, log: Log, counts: Counts) -> bool:
        """Whether the file is what its format says; if not, it is read again another time."""
        for name in vars(counts):
            setattr(self.total, name, getattr(self.total, name) + getattr(counts, name))
        if counts.read and counts.broken == counts.read:
            detail = f"none of {counts.read} new lines is of the format"
            self.gaps.append(Gap(GapReason.UNPARSED, log.shown, detail, count=counts.read))
            return False
        if counts.broken * _BROKEN_SHARE > counts.read:
            detail = f"{counts.broken} of {counts.read} new lines are not of the format"
            self.gaps.append(Gap(GapReason.UNPARSED, log.shown, detail, count=counts.broken))
        return True


def _lines(file: BinaryIO, *, settled: bool) -> Iterator[tuple[str | None, int]]:
    """Whole lines and their sizes; None for one that is longer than any of a server's.

    Args:
        file: at the first line's beginning.
        settled: whether a last line without its end is one.
    """
    while raw := file.readline(_LONGEST_LINE):
        size = len(raw)
        if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
            ended = False
            while rest := file.readline(_LONGEST_LINE):
                size += len(rest)
                if rest.endswith(b"\n"):
                    ended = True
                    break
            if not ended and not settled:
                return
            yield None, size
            continue
        if not raw.endswith(b"\n") and not settled:
            return
        yield raw.decode("utf-8", "replace").rstrip("\r\n"), size
