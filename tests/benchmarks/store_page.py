"""The part of docs/measurements.md about the store at scale."""

from __future__ import annotations

from typing import Any

from importing import PHASES
from store_scale import DATABASES, LEAST, NIGHTLY_SECONDS, PAGE_MS


def store_sections(results: dict[str, Any]) -> list[str]:
    """What was measured of it; nothing for nothing."""
    parts = []
    recorded = {
        kind: results[f"recording {kind}"] for kind in DATABASES if f"recording {kind}" in results
    }
    if recorded:
        parts += _recording(recorded)
    full = {kind: results[f"million {kind}"] for kind in DATABASES if f"million {kind}" in results}
    if full:
        parts += _million(full)
    campaigns = [one for name, one in results.items() if name.startswith("campaign ")]
    if campaigns:
        rounds = sum(one["rounds"] for one in campaigns)
        parts += [
            "",
            "## Two runs and two deliverers at once, under kill -9",
            "",
            (
                f"{rounds} rounds on each database in {len(campaigns)} campaigns; after each "
                "round `compline db check` held, and each ended as its undisturbed twin did."
            ),
        ]
    return parts


def _recording(found: dict[str, Any]) -> list[str]:
    size = next(iter(found.values()))["findings"]
    return [
        "",
        "## Recording a large report",
        "",
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
            f"| {kind} | {' | '.join(f'{rate:.0f}' for rate, _ in one['import'].values())} "
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
    ]


def _cpu(one: dict[str, Any]) -> str:
    return ", ".join(f"{one[f'{phase} CPU seconds']:.2f}" for phase in LEAST)


def _million(found: dict[str, Any]) -> list[str]:
    any_one = next(iter(found.values()))
    parts = [
        "",
        "## A store of a million findings",
        "",
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
        largest = ", ".join(
            f"{name} {size >> 20}" for name, size in list(tables.items())[:4] if name != "all"
        )
        parts.append(
            f"| {kind} | {night['median s']:.2f} (worst {night['worst s']:.2f}, "
            f"{night['findings']} findings, 20 changed) | {NIGHTLY_SECONDS} "
            f"| {one['GiB']:.2f} | {largest} |"
        )
    return parts
