"""Holds a declared data flow against how its stores stand. Pure.

What a store's findings mean for a hop is read from their CWE, so that a rule added to any store's
suite counts without a word here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import Inventory, frame_of
from compline.scanners.pipelines.dag_source import Connections
from compline.store.standing import Defect, Standing

_TRANSIT = frozenset({"CWE-319", "CWE-326", "CWE-327", "CWE-297", "CWE-298", "CWE-523"})
_REST = frozenset({"CWE-311", "CWE-312"})
_ACCESS = frozenset(
    {"CWE-250", "CWE-276", "CWE-284", "CWE-290", "CWE-306", "CWE-359", "CWE-732", "CWE-862"}
)
_ANYBODY = frozenset({"CWE-290", "CWE-306", "CWE-862"})
"""Whoever comes in without a login reaches everything, whatever the finding's resource is."""

_HOPS = ("hop", "dataset", "store", "aspect", "holds", "because", "looked_at")
_DECLARED = ("hop", "store", "resource", "what", "holds", "because")
_CONNECTIONS = ("connection", "used", "declared")


@dataclass(frozen=True)
class StoreEntry:
    """A listed data store, as far as a flow depends on it."""

    kind: str
    policy: Mapping[str, Any]


def inventory_of(
    flow: Mapping[str, Any],
    stores: Mapping[str, StoreEntry],
    standings: Mapping[str, Standing],
    used: Connections | None,
    now: datetime,
    stale_hours: int,
) -> Inventory:
    """The frames: `hops` by aspect, `declarations` that do not agree, `connections`.

    Args:
        flow: `hops` and `connections`, as declared.
        stores: the listed stores by name.
        standings: how they stand; a store that is not there has not been looked at.
        used: what the DAG's source names; None where there is none.
        now: when the looks' age is counted.
        stale_hours: an older look says nothing.
    """
    hops: list[dict[str, Any]] = []
    declared: list[dict[str, Any]] = []
    gaps: list[Gap] = []
    for hop in flow["hops"]:
        name = f"{hop['direction']} {hop['dataset']} {hop['store']}"
        entry = stores.get(hop["store"])
        declared += _declarations(name, hop, entry)
        known = standings.get(hop["store"])
        unknown = _unknown(entry, known, now - timedelta(hours=stale_hours))
        for aspect in ("transit", "rest", "access"):
            place = f"hop/{name}/{aspect}"
            if unknown or known is None or known.looked_at is None:
                gaps.append(Gap(GapReason.NOT_REPORTED, place, unknown))
                continue
            because = _because(aspect, hop, known.defects)
            if not because and known.gaps:
                detail = f"the last look at {hop['store']} has gaps, so nobody knows"
                gaps.append(Gap(GapReason.NOT_REPORTED, place, detail))
                continue
            hops.append(
                {
                    "hop": name,
                    "dataset": hop["dataset"],
                    "store": hop["store"],
                    "aspect": aspect,
                    "holds": not because,
                    "because": "; ".join(sorted({f"{d.rule} {d.subject}" for d in because})),
                    "looked_at": known.looked_at.isoformat(timespec="seconds"),
                }
            )
    wanted = set(flow.get("connections") or ())
    rows = []
    if used is not None:
        rows = [
            {"connection": one, "used": one in used.named, "declared": one in wanted}
            for one in sorted(used.named | wanted)
        ]
        if used.hidden:
            lines = ", ".join(map(str, used.hidden))
            detail = f"ids of connections are worked out as the DAG runs, in lines {lines}"
            gaps.append(Gap(GapReason.UNPARSED, "connection/", detail))
    frames = {
        "hops": frame_of(_HOPS, hops),
        "declarations": frame_of(_DECLARED, declared),
        "connections": frame_of(_CONNECTIONS, rows),
    }
    return Inventory(frames, gaps=tuple(gaps))


def _unknown(entry: StoreEntry | None, known: Standing | None, since: datetime) -> str:
    """Why nothing can be said of the store; empty if something can."""
    if entry is None:
        return "it is no data store that is listed under targets"
    if known is None or known.looked_at is None:
        return "it has no completed look yet, or a drop is held"
    if known.looked_at < since:
        return f"its last completed look is of {known.looked_at.isoformat(timespec='seconds')}"
    return ""


def _because(aspect: str, hop: Mapping[str, Any], defects: Iterable[Defect]) -> list[Defect]:
    """The store's open findings that break this aspect of the hop."""
    if aspect != "access":
        meant = _TRANSIT if aspect == "transit" else _REST
        return [one for one in defects if meant & set(one.cwe) and _concerns(one, hop)]
    return [
        one
        for one in defects
        if set(one.cwe) & _ANYBODY or (set(one.cwe) & _ACCESS and _names(one, hop))
    ]


def _concerns(defect: Defect, hop: Mapping[str, Any]) -> bool:
    """Whether it is about the whole store, or about the hop's own resource."""
    kind, _, rest = defect.subject.partition("/")
    if kind not in ("table", "topic", "bucket", "resource", "column"):
        return True
    return not hop["resource"] or _begins(rest, hop["resource"])


def _names(defect: Defect, hop: Mapping[str, Any]) -> bool:
    _, _, rest = defect.subject.partition("/")
    return bool(hop["resource"] and _begins(rest, hop["resource"])) or bool(
        hop["account"] and hop["account"] in rest.split("/")
    )


def _begins(subject: str, resource: str) -> bool:
    return subject == resource or subject.startswith(f"{resource}/")


def _declarations(
    name: str, hop: Mapping[str, Any], entry: StoreEntry | None
) -> list[dict[str, Any]]:
    """What the flow declares, beside what the store's policy does."""
    row = {"hop": name, "store": hop["store"], "resource": hop["resource"]}
    rows = [{**row, "what": "store", "holds": entry is not None, "because": ""}]
    if entry is None or "labels" not in _speaks_of(entry.kind):
        return rows
    labels = entry.policy.get("labels") or {}
    label = next((c for p, c in labels.items() if fnmatchcase(hop["resource"], p)), "")
    if hop["resource"]:
        rows.append(
            {
                **row,
                "what": "classification",
                "holds": label == hop["classification"],
                "because": f"{hop['classification'] or 'nothing'} in the flow, "
                f"{label or 'nothing'} in the store's labels",
            }
        )
    if hop["account"] and "accounts" in _speaks_of(entry.kind):
        held = hop["account"] in (entry.policy.get("accounts") or ())
        because = f"{hop['account']} is not under accounts in the store's policy"
        rows.append({**row, "what": "account", "holds": held, "because": because})
    return rows


def _speaks_of(kind: str) -> Sequence[str]:
    return {"postgresql": ("labels", "accounts"), "kafka": ("labels",)}.get(kind, ())
