"""What runs said of where models come from, when they were last asked; a share is asked each night.

A run's commit and data are written when it is made. Asking each one every night would be a third of
all calls to a large registry, so what one said is kept for as long as a file's reading is: each is
asked again on its day of every `days`, and at once where the gate asks about its version.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from compline.model import ScanKey
from compline.scanners.models.contents.digests import has_its_night
from compline.store.cache import ResultCache

_KEY = ScanKey(tool="runs", adapter="2")


class Runs:
    """The runs of one target."""

    def __init__(
        self, target: str, cache: ResultCache, now: datetime, days: int, *, fresh: bool = False
    ) -> None:
        """`fresh`: nothing that is kept counts."""
        self._target, self._cache, self._now, self._days = target, cache, now, days
        self._fresh = fresh
        self._known: dict[str, Mapping[str, str]] = {}
        self._learnt: dict[str, Mapping[str, str]] = {}

    def look_up(self, runs: Collection[str]) -> None:
        """Loads what is known of these and need not be asked tonight."""
        if self._fresh:
            return
        names = {f"{self._target}\n{run}": run for run in runs}
        for name, value in self._cache.get_many("models", _KEY, names).items():
            kept = json.loads(value)
            if not self._due(names[name], datetime.fromisoformat(kept["asked"])):
                self._known[names[name]] = kept["said"]

    def said(self, run: str) -> Mapping[str, str] | None:
        """What it said; None if it has to be asked."""
        return self._known.get(run)

    def learn(self, run: str, said: Mapping[str, str]) -> None:
        """Takes down what it says now; kept with `keep`."""
        self._known[run] = self._learnt[run] = dict(said)

    def keep(self) -> None:
        """Keeps what was learnt."""
        asked = self._now.isoformat()
        values = {
            f"{self._target}\n{run}": json.dumps({"asked": asked, "said": said}).encode()
            for run, said in self._learnt.items()
        }
        self._cache.put_many("models", _KEY, values)
        self._learnt.clear()

    def _due(self, run: str, asked: datetime) -> bool:
        if asked.date() == self._now.date():
            return False
        if (self._now - asked).days >= self._days:
            return True
        return has_its_night(run, self._now, self._days)
