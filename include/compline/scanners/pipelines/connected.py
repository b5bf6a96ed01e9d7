"""The frame `connections`: what a DAG uses, what is declared, and where it leads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.pipelines.dag_source import Connections

COLUMNS = (
    "connection", "used", "declared", "missing", "in_clear", "elsewhere", "leads_to", "wanted",
)  # fmt: skip


@dataclass(frozen=True)
class Lead:
    """A connection as a running Airflow keeps it, without any secret."""

    kind: str
    transport: str
    """`tls`, `plain`, `loopback`, `none` or `unknown`."""
    address: str
    """host or host:port; empty where it names none."""


@dataclass(frozen=True)
class Used:
    """What is known of a DAG's connections."""

    named: Connections | None
    """In its source; None where that could not be read."""
    airflow: str = ""
    """The deployment that was asked; empty: none."""
    leads: Mapping[str, Lead | None] = field(default_factory=dict)
    """By id what the deployment keeps; None: no such connection."""
    wanted: Mapping[str, str] = field(default_factory=dict)
    """By id the address of the store that its hop names; not in here where it cannot be told."""
    unseen: Sequence[Gap] = ()
    """What the deployment would not tell."""


def declared_ids(flow: Mapping[str, Any]) -> frozenset[str]:
    """Every connection that a flow declares."""
    hops = {hop.get("connection") or "" for hop in flow["hops"]}
    return frozenset({*(flow.get("connections") or ()), *hops} - {""})


def connection_rows(
    flow: Mapping[str, Any], used: Used | None, kept_elsewhere: Sequence[str]
) -> tuple[list[dict[str, Any]], list[Gap]]:
    """A row per connection that is used or declared, and what nobody knows of them.

    Args:
        flow: as declared.
        used: what is known of the DAG; None where there is none.
        kept_elsewhere: patterns of ids that the environment or a secrets backend gives.
    """
    if used is None:
        return [], []
    gaps = list(used.unseen)
    declared = declared_ids(flow)
    named = used.named.named if used.named else frozenset()
    if used.named and used.named.hidden:
        lines = ", ".join(map(str, used.named.hidden))
        detail = f"ids of connections are worked out as the DAG runs, or defaults: lines {lines}"
        gaps.append(Gap(GapReason.UNPARSED, "connection/", detail))
    rows = []
    of_hops = {hop["connection"] for hop in flow["hops"] if hop.get("connection")}
    for one in sorted(named | declared):
        row = {
            "connection": one,
            # Without the source nobody knows, and no row is there to say otherwise.
            "used": one in named or used.named is None,
            "declared": one in declared,
            "missing": False,
            "in_clear": False,
            "elsewhere": False,
            "leads_to": "",
            "wanted": used.wanted.get(one, ""),
        }
        if one in used.leads:
            outside = any(fnmatchcase(one, pattern) for pattern in kept_elsewhere)
            gaps += _lead(row, used.leads[one], outside=outside, judged=one in of_hops)
        rows.append(row)
    return rows, gaps


def _lead(row: dict[str, Any], lead: Lead | None, *, outside: bool, judged: bool) -> Iterable[Gap]:
    """Fills in what the deployment says of one connection."""
    place = f"connection/{row['connection']}"
    if lead is None:
        row["missing"] = not outside
        if outside:
            detail = "it is kept outside of Airflow's own list, which shows nothing of it"
            yield Gap(GapReason.NOT_REPORTED, place, detail)
        return
    row["leads_to"] = lead.address
    row["in_clear"] = lead.transport == "plain"
    if lead.transport in ("unknown", "none"):
        detail = f"how a connection of the type {lead.kind or '(none)'} goes is not known here"
        yield Gap(GapReason.NOT_REPORTED, f"{place}/transport", detail)
    if not judged:
        return
    if not row["wanted"] or not lead.address:
        whose = "the connection" if row["wanted"] else "the store that its hop names"
        detail = f"{whose} tells no address that both could be compared by"
        yield Gap(GapReason.NOT_REPORTED, f"{place}/address", detail)
        return
    row["elsewhere"] = not _same(lead.address, row["wanted"])


def _same(one: str, other: str) -> bool:
    """Whether an address is among the store's; a port that is not named fits every other."""
    host, port = _parted(one)
    return any(
        host == wanted and (not port or not number or port == number)
        for wanted, number in map(_parted, other.split(","))
    )


def _parted(address: str) -> tuple[str, str]:
    host, colon, port = address.strip().rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.startswith("[")):
        host, port = address.strip(), ""
    host = host.strip("[]").rstrip(".").lower()
    return "localhost" if host in ("127.0.0.1", "::1") else host, port
