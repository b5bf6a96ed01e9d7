"""How many open findings each asset of the graph has; only targets have some."""

from __future__ import annotations

from datetime import datetime

from compline.model import State
from compline.store.filters import FindingFilter
from compline.store.findings import count_findings
from compline.store.handle import Store
from compline.store.targets import list_targets


def open_by_asset(store: Store, now: datetime) -> dict[str, int]:
    """Every listed target, as `KIND/NAME`, with its open findings."""
    kinds = {row.name: row.kind.value for row in list_targets(store)}
    counts = {f"{kind}/{name}": 0 for name, kind in kinds.items()}
    chosen = FindingFilter(states=(State.OPEN,), now=now)
    for (target, _, _), number in count_findings(store, chosen).items():
        if target in kinds:
            counts[f"{kinds[target]}/{target}"] += number
    return counts
