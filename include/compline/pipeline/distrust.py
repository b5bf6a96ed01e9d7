"""Which scanners' last looks are not reused: a cached result of theirs has turned out wrong.

The alarm about it is the one place where that is written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from compline.model import RegressionKind
from compline.store.alarms import alarms_on
from compline.store.handle import Store
from compline.store.looks import LastLook

_PREFIX = "cache/"


def subject_of(scanner: str) -> str:
    """The alarm's and the heartbeat's subject."""
    return f"{_PREFIX}{scanner}"


def distrusted(store: Store) -> dict[str, datetime]:
    """Scanner to when one of its results was found to differ."""
    return {
        subject.removeprefix(_PREFIX): since
        for (_, subject), since in alarms_on(store, [RegressionKind.HEALTH]).items()
        if subject.startswith(_PREFIX)
    }


def is_trusted(look: LastLook, since: Mapping[str, datetime]) -> bool:
    """Whether the look was taken after what its scanner kept was dropped."""
    moment = since.get(look.scanner)
    return moment is None or (look.completed_at is not None and look.completed_at > moment)
