"""Writes docs/measurements.md from the campaign's results, and says what is missing."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import BOUNDS
from store_page import store_sections


def write_page(path: Path, state: dict[str, Any], missing: list[str]) -> None:
    """The whole page, made anew."""
    results = state["results"]
    parts = [
        "# Measurements",
        "",
        "Written by `make prove`; nothing here was typed in.",
        "",
        f"Seed {state['seed']}, {state['cores']} cores, {state['git']}.",
        *_commits(results),
        "",
    ]
    if missing:
        parts += [f"Not measured at this commit: {', '.join(missing)}.", ""]
    repositories = _named(results, "repository ")
    if repositories:
        parts += _repositories(repositories)
    parity = _named(results, "parity ")
    if parity:
        parts += _parity(parity)
    images = _named(results, "image ")
    if images:
        parts += _images(images)
    repetitions = _named(results, "bench ")
    if repetitions:
        parts += _bench(list(repetitions.values()), results.get("compared"))
    for name in ("airflow", "thousand", "tables"):
        if name in results:
            parts += ["", f"## {name.capitalize()}", "", "| figure | value |", "|---|---|"]
            parts += [
                f"| {key} | {value:.1f} |"
                for key, value in results[name].items()
                if key not in ("slice_seconds", "commit", "date")
            ]
    if "kills" in results:
        parts += [
            "",
            "## Kill -9",
            "",
            f"{results['kills']['seeds']} seeds, each: `{results['kills']['pytest']}`",
        ]
    identity = _named(results, "identity ")
    if identity:
        parts += [
            "",
            "## Identity under random edits",
            "",
            (
                f"{sum(one['examples'] for one in identity.values())} edited Python sources, a "
                "tenth as many in each of JavaScript, YAML and Dockerfiles, a fiftieth through "
                "git; the very same findings stay in all of them "
                f"({sum(one['seconds'] for one in identity.values()):.0f} s)."
            ),
        ]
    parts += store_sections(results)
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _commits(results: dict[str, Any]) -> list[str]:
    """When and at which commits; the measured folders are the same in all of them."""
    made = sorted({(one["date"], one["commit"]) for one in results.values()})
    return [f"Measured on {date} at commit {commit}." for date, commit in made]


def _named(results: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in results.items() if k.startswith(prefix)}


def _repositories(found: dict[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {r['files']} | {r['seconds']:.0f} | {r['unchanged_seconds']:.1f} "
        f"| {r['peak_mib']} | {r['findings']} | {_list(r['by_scanner'])} | {_list(r['gaps'])} |"
        for name, r in found.items()
    ]
    files = sum(r["files"] for r in found.values())
    seconds = sum(r["seconds"] for r in found.values())
    findings = sum(r["findings"] for r in found.values())
    dates = sorted({date for r in found.values() for date in r["advisories"]})
    return [
        "## Real repositories",
        "",
        (
            f"{len(found)} repositories, {files} files, {seconds:.0f} s, "
            f"{findings} findings; one cold `compline scan` each, its process with all children; "
            f"advisories of {', '.join(dates)}."
        ),
        "",
        "| repository | files | cold, s | unchanged, s | peak, MiB | findings | seen by | gaps |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _parity(found: dict[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {r['statements']} | {r['explained']} | {r['unexplained']} |"
        for name, r in found.items()
    ]
    examples = [f"- {name}: {e}" for name, r in found.items() for e in r["examples"]]
    total: Counter[str] = Counter()
    for one in found.values():
        total.update({k: one[k] for k in ("statements", "explained", "unexplained")})
    return [
        "## Parity with the tools run directly",
        "",
        (
            f"{total['statements']} statements of the tools; {total['explained']} differences are "
            f"explained by a gap or a stated exclusion, {total['unexplained']} are not."
        ),
        "",
        "| repository | statements | explained differences | unexplained |",
        "|---|---|---|---|",
        *rows,
        "",
        *(["Unexplained (at most 20 a repository):", "", *examples, ""] if examples else []),
    ]


def _images(found: dict[str, Any]) -> list[str]:
    return [
        "## Real images",
        "",
        "| image | MiB | seconds | peak, MiB | findings | by kind | gaps |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {r['mib']} | {r['seconds']:.1f} | {r['peak_mib']} | {r['findings']} "
            f"| {_list(r['by_kind'])} | {_list(r['gaps'])} |"
            for name, r in found.items()
        ),
        "",
    ]


def _bench(repetitions: Sequence[dict[str, Any]], compared: dict[str, Any] | None) -> list[str]:
    def median(phase: str) -> float:
        return statistics.median(s for one in repetitions for s in one["seconds"][phase])

    first, naive = repetitions[0], median("naive")
    return [
        "## Speed",
        "",
        (
            f"Repositories made from installed packages, {first['files']} files, "
            f"{first['changed_files']} changed in the third phase; medians of {len(repetitions)}; "
            f"the naive loop took {naive:.1f} s. "
            + (
                f"Findings compared one by one after each phase: {compared['unexplained']} differ "
                "without explanation."
                if compared
                else "The findings were not compared."
            )
        ),
        "",
        "| phase | seconds | ratio to the naive loop | bound | peak, MiB |",
        "|---|---|---|---|---|",
        *(
            f"| {phase} | {median(phase):.1f} | {median(phase) / naive:.3f} | {bound} "
            f"| {max(one['peak_mb'][phase] for one in repetitions)} |"
            for phase, bound in BOUNDS.items()
        ),
        "",
    ]


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{value} {key}" for key, value in sorted(counts.items())) or "none"
