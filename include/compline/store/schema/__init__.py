"""The tables; a test holds that the migrations make the same ones."""

from compline.store.columns import metadata
from compline.store.schema.alerts import (
    alarms,
    deliveries,
    digest_entries,
    pulses,
    regressions,
    threads,
)
from compline.store.schema.cache import cache_keys, cache_results
from compline.store.schema.facts import facts
from compline.store.schema.findings import (
    events,
    findings,
    partings,
    run_observations,
    totals,
    witnesses,
)
from compline.store.schema.graph import links
from compline.store.schema.looks import (
    evidence,
    gap_sets,
    heads,
    leases,
    ledger,
    manifests,
    runs,
    scan_keys,
    shards,
    targets,
)
from compline.store.schema.memories import memories
from compline.store.schema.waivers import waived, waivers

__all__ = [
    "alarms",
    "cache_keys",
    "cache_results",
    "deliveries",
    "digest_entries",
    "events",
    "evidence",
    "facts",
    "findings",
    "gap_sets",
    "heads",
    "leases",
    "ledger",
    "links",
    "manifests",
    "memories",
    "metadata",
    "partings",
    "pulses",
    "regressions",
    "run_observations",
    "runs",
    "scan_keys",
    "shards",
    "targets",
    "threads",
    "totals",
    "waived",
    "waivers",
    "witnesses",
]
