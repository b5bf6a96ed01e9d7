"""How many open findings each asset of the graph has; only targets have some."""

from __future__ import annotations

from datetime import datetime

from compline.model import State
from compline.store.filters import FindingFilter
from compline.store.findings import count_findings
from compline.store.handle import Store
from compline.store.looks import last_looks
from compline.store.targets import list_targets


def open_by_asset(store: Store, now: datetime) -> dict[str, int | None]:
    """Every listed target, as `KIND/NAME`, with its open findings; None where nobody could ever
    look, which is not the same as none."""
    kinds = {row.name: row.kind.value for row in list_targets(store)}
    seen = {name for (name, _), look in last_looks(store).items() if look.completed_at is not None}
    counts = dict.fromkeys(kinds, 0)
    chosen = FindingFilter(states=(State.OPEN,), now=now)
    for (target, _, _), number in count_findings(store, chosen).items():
        if target in kinds:
            counts[target] += number
    return {
        f"{kind}/{name}": counts[name] if name in seen or counts[name] else None
        for name, kind in kinds.items()
    }
