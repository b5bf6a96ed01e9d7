"""What each file held when it was last read in full, and which files are to be read again.

Kept in the results cache, whose loss costs reading everything once more. A file is read when its
validator moved, on its day of every `days` (spread by a hash of its place, so that each night
reads its share), and at the latest after so many days. Where nothing but a size could tell that
content changed, what production serves is read every night.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from compline.model import FilesRead, ScanKey
from compline.scanners.models.artifacts import Artifact
from compline.store.cache import ResultCache

_KEY = ScanKey(tool="sha256", adapter="1")
_SCANNER = "models"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file held, and when it was read."""

    validator: str
    sha256: str
    read: str
    """ISO time of the run that read it."""


@dataclass
class Digests:
    """The files of one target in one run."""

    target: str
    cache: ResultCache
    now: datetime
    days: int
    fresh: bool = False
    """Whether only what this run itself has read counts."""
    served: Callable[[Artifact], bool] = lambda _artifact: False
    """Whether production serves it."""
    about: tuple[str, str] | None = None
    """Model and version that the gate asks about: where only a size could tell, these are read
    each time, so that no decision is about content that was replaced since."""
    _found: dict[str, Reading] = field(default_factory=dict)

    def look_up(self, artifacts: Iterable[Artifact]) -> None:
        """Loads what is known of these."""
        names = {self._name(each): each for each in artifacts if not each.content}
        for name, value in self.cache.get_many(_SCANNER, _KEY, names).items():
            self._found[names[name].place] = Reading(**json.loads(value))

    def of(self, artifact: Artifact) -> str:
        """Name of the content (`sha256:…`, or the place's own); empty if it has to be read."""
        if artifact.content:
            return artifact.content
        known = self._found.get(artifact.place)
        if known is None or known.validator != artifact.validator or self._due(artifact, known):
            return ""
        return f"sha256:{known.sha256}"

    def reading(self, artifact: Artifact) -> Reading | None:
        """The last reading of it that is known."""
        return self._found.get(artifact.place)

    def told(self, artifact: Artifact) -> list[str]:
        """Its row in the evidence: place, content as of now (empty where it could not be read),
        validator, and when it was last read."""
        known = self.reading(artifact)
        when = known.read if known else ""
        return [artifact.place, self.of(artifact), artifact.validator, when]

    def share(self, artifacts: Collection[Artifact]) -> FilesRead:
        """How many of these this run has read, whichever scanner did."""
        now = self.now.isoformat()
        known = [one for each in artifacts if (one := self.reading(each)) is not None]
        return FilesRead(sum(one.read == now for one in known), len(artifacts))

    def learn(self, read: dict[Artifact, str]) -> None:
        """Keeps what was read now: artifact to SHA-256 in hexadecimal."""
        values = {}
        for artifact, sha256 in read.items():
            one = Reading(artifact.validator, sha256, self.now.isoformat())
            self._found[artifact.place] = one
            if not artifact.content:
                values[self._name(artifact)] = json.dumps(
                    {"validator": one.validator, "sha256": one.sha256, "read": one.read}
                ).encode()
        self.cache.put_many(_SCANNER, _KEY, values)

    def _due(self, artifact: Artifact, known: Reading) -> bool:
        read = datetime.fromisoformat(known.read)
        if read == self.now:
            return False
        if self.fresh or (self.now - read).days >= self.days:
            return True
        if artifact.weak and (artifact.model, artifact.version) == self.about:
            return True
        if read.date() == self.now.date():
            return False
        if artifact.weak and self.served(artifact):
            return True
        return has_its_night(artifact.place, self.now, self.days)

    def _name(self, artifact: Artifact) -> str:
        return f"{self.target}\n{artifact.place}"


def has_its_night(name: str, now: datetime, days: int) -> bool:
    """Whether this is the one night of every `days` on which it is looked at again; names are
    spread evenly over the nights."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    return (now.toordinal() + number) % days == 0
