"""The part of docs/measurements.md about the store at scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importing import PHASES
from results import Result
from sections import heading, named
from store_scale import LEAST, NIGHTLY_SECONDS, PAGE_MS


def store_sections(results: Mapping[str, Result]) -> list[str]:
    """What was measured of it; nothing for nothing."""
    parts = []
    recorded = named(results, "recording ")
    if recorded:
        parts += _recording(recorded)
    full = named(results, "million ")
    if full:
        parts += _million(full)
    campaigns = named(results, "campaign ")
    if campaigns:
        rounds = sum(one.figures["rounds"] for one in campaigns.values())
        parts += [
            "",
            *heading("Two runs and two deliverers at once, under kill -9", campaigns),
            (
                f"{rounds} rounds on each database in {len(campaigns)} campaigns; after each "
                "round `compline db check` held, and each ended as its undisturbed twin did."
            ),
        ]
    return parts


def _recording(measured: Mapping[str, Result]) -> list[str]:
    found = {kind: one.figures for kind, one in measured.items()}
    size = next(iter(found.values()))["findings"]
    return [
        "",
        *heading("Recording a large report", measured),
        (
            f"{size} findings in 1,300 files, findings a second of the whole import: fetching, "
            "reading against the sources, masking, evidence. Unchanged: the same file again; "
            "repeated: the same findings in another file; shifted: forty lines put above, nothing "
            "opened or closed, every line updated."
        ),
        "",
        "| database | first time | unchanged | repeated | shifted | peak, MiB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {kind} | {' | '.join(_rate(one, phase) for phase in PHASES)} "
            f"| {max(peak for _, peak in one['import'].values())} |"
            for kind, one in found.items()
        ),
        "| bound | " + " | ".join(str(LEAST.get(phase, "")) for phase in PHASES) + " | |",
        "",
        "Recording alone:",
        "",
        "| database | first time | unchanged | shifted | own CPU, s | peak, MiB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {kind} | {one['first']:.0f} | {one['unchanged']:.0f} | {one['shifted']:.0f} "
            f"| {_cpu(one)} | {max(one[f'{phase} MiB'] for phase in LEAST)} |"
            for kind, one in found.items()
        ),
        "| bound | " + " | ".join(str(least) for least in LEAST.values()) + " | | |",
    ]


def _rate(one: dict[str, Any], phase: str) -> str:
    # By name: JSON has them in another order.
    return f"{one['import'][phase][0]:.0f}"


def _cpu(one: dict[str, float]) -> str:
    return ", ".join(f"{one[f'{phase} CPU seconds']:.2f}" for phase in LEAST)


def _million(measured: Mapping[str, Result]) -> list[str]:
    found = {kind: one.figures for kind, one in measured.items()}
    any_one = next(iter(found.values()))
    parts = [
        "",
        *heading("A store of a million findings", measured),
        (
            f"{any_one['open findings']:,} open findings, {any_one['events']:,} events, a thousand "
            "targets of which the largest has a tenth; single filters, pairs and triples of state, "
            f"severity, target, scanner, kind and condition. Bound for p95: {PAGE_MS} ms."
        ),
        "",
        "| database | what | calls | median, ms | p95, ms | worst, ms |",
        "|---|---|---|---|---|---|",
    ]
    names = {
        "page": "first 50 rows",
        "later page": "50 rows behind a cursor",
        "count": "filtered count, exact up to 10,000",
        "totals": "totals by state and severity",
    }
    for kind, one in found.items():
        parts += [
            f"| {kind} | {label} | {one[key]['calls']} | {one[key]['median ms']:.1f} "
            f"| {one[key]['p95 ms']:.1f} | {one[key]['worst ms']:.1f} |"
            for key, label in names.items()
        ]
    parts += [
        "",
        "| database | one target's night, s | bound | GiB | by table, MiB |",
        "|---|---|---|---|---|",
    ]
    for kind, one in found.items():
        night, tables = one["night"], one["bytes by table"]
        sizes = sorted((size, name) for name, size in tables.items() if name != "all")
        largest = ", ".join(f"{name} {size >> 20}" for size, name in reversed(sizes[-4:]))
        parts.append(
            f"| {kind} | {night['median s']:.2f} (worst {night['worst s']:.2f}, "
            f"{night['findings']} findings, 20 changed) | {NIGHTLY_SECONDS} "
            f"| {one['GiB']:.2f} | {largest} |"
        )
    return parts
