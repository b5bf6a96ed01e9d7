"""Which model files a look has read in full, as the report in its evidence says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class FileReadings:
    """The files of one look."""

    now: tuple[str, ...]
    """Places that its run has read."""
    before: tuple[str, ...]
    """Places whose content is known without: by an earlier reading since when the storage's
    validator has not moved, or by the name that git or the image gives it."""
    oldest: datetime | None
    """The earliest of those readings; None where there is none."""
    unread: tuple[str, ...]
    """Places that nobody could read; each of them is a gap."""


def file_readings(report: bytes) -> FileReadings | None:
    """What a document of the locker tells of files; None if it is about something else."""
    told: Any = json.loads(report)
    if not isinstance(told, dict) or "asked" not in told:
        return None
    return _readings(told["asked"], told["files"])


def _readings(asked: str, files: Iterable[tuple[str, str, str, str]]) -> FileReadings:
    now, before, unread, times = [], [], [], []
    for place, content, _validator, read in files:
        if read == asked:
            now.append(place)
        elif content:
            before.append(place)
            times += [datetime.fromisoformat(read)] if read else []
        else:
            unread.append(place)
    earliest = min(times) if times else None
    return FileReadings(tuple(sorted(now)), tuple(sorted(before)), earliest, tuple(sorted(unread)))
