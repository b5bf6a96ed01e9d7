"""Where OSV advisories come from: chosen by the configuration, described cheaply, loaded late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from packaging.version import Version

from compline.advisories.index import OsvIndex
from compline.advisories.memo import StatMemo, digest_of_files
from compline.advisories.online import OsvOnline
from compline.advisories.records import Record, files_of, read_records
from compline.config.schema import Advisories

BUNDLED = Path(__file__).with_name("data")
"""What ships: see data/README.md."""
_COMPUTATION = "osv-1"


class OsvSource(Protocol):
    """Something that can be asked which advisories hold for a version of a PyPI package."""

    def affecting(self, name: str, version: Version) -> list[Record]:
        """The records; raises `AdvisoryError` where none can be had, never an empty answer."""
        ...

    def known_vulnerable(self) -> tuple[str, str]:
        """A package and a version that surely have advisories, for the canary."""
        ...

    def close(self) -> None:
        """Lets go of what it holds (connections, memory)."""
        ...


@dataclass(frozen=True)
class OsvOrigin:
    """Which advisories there are, known without reading them all."""

    digest: str
    """Of the content; for the live service of the span of time in which answers may be reused."""
    date: str
    """ISO date of the data; for the live service, today."""
    live: bool
    load: Callable[[], OsvSource]
    """Reads the records, or readies a client."""


def osv_origin(settings: Advisories, workspace: Path, now: datetime) -> OsvOrigin:
    """The advisories that the configuration names.

    A live service has no digest. Time is cut into spans of `recheck_hours` instead, counted from
    the epoch: within one span an unchanged repository's look is reused, in the next the scanner
    is called again and asks for those answers that are older than `recheck_hours`. So an answer
    is at most twice as old as that when it is last relied on.

    Raises:
        AdvisoryError: nothing is there.
    """
    if settings.osv == "online":
        span = int(now.timestamp() // (settings.recheck_hours * 3600))
        return OsvOrigin(
            f"online/{settings.recheck_hours}h/{span}", now.date().isoformat(), True, OsvOnline
        )
    path = BUNDLED / "pypi.osv.jsonl.gz" if settings.osv == "bundled" else Path(settings.osv)
    files = files_of(path)

    def compute() -> dict[str, str]:
        newest = max((str(record.get("modified", "")) for record in read_records(path)), default="")
        return {"digest": digest_of_files(files, path), "newest": newest[:10]}

    facts = StatMemo(workspace / "advisories" / "facts.json").get(files, _COMPUTATION, compute)
    return OsvOrigin(
        facts["digest"],
        settings.osv_date or facts["newest"],
        False,
        lambda: OsvIndex(read_records(path), str(path)),
    )
