"""Renders docs/measurements.md from the campaign's results, and says which are old or missing."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from bench import BOUNDS
from results import Result
from sections import heading, named
from store_page import store_sections


def render(results: Mapping[str, Result], planned: Sequence[str], newest: str) -> str:
    """The whole page.

    Args:
        results: by name of their slices, in the order of rows.
        planned: names of all slices that there are.
        newest: hash of the newest commit that results are of.
    """
    parts = [
        "# Measurements",
        "",
        "Written by `make prove` from measurements.json; nothing here was typed in.",
        "",
        *_ages(results, planned, newest),
    ]
    repositories = named(results, "repository ")
    if repositories:
        parts += _repositories(repositories)
    parity = named(results, "parity ")
    if parity:
        parts += _parity(parity)
    images = named(results, "image ")
    if images:
        parts += _images(images)
    for repetitions in _by_code(named(results, "bench ")):
        parts += _bench(repetitions, results.get("compared"))
    for name in (
        "airflow",
        "thousand",
        "registry",
        "models by proxy",
        "models in a bucket",
        "models in a bucket, all different",
        "tables",
    ):
        if name in results:
            parts += ["", *heading(name.capitalize(), {name: results[name]})]
            parts += ["| figure | value |", "|---|---|"]
            parts += [f"| {key} | {value:.1f} |" for key, value in results[name].figures["rows"]]
    if "large model" in results:
        large = results["large model"].figures
        parts += [
            "",
            *heading("Large models", {"large model": results["large model"]}),
            (
                f"{large['gib']} GiB in two files, a bad pickle in one of them: found by "
                f"{' and '.join(large['witnesses'])} in {large['seconds']:.0f} s, with at most "
                f"{large['peak_mib']} MiB in use by the whole process tree; unchanged, "
                f"{large['unchanged_seconds']:.0f} s."
            ),
        ]
    if "kills" in results:
        kills = results["kills"]
        parts += ["", *heading("Kill -9", {"kills": kills})]
        parts += [f"{kills.figures['seeds']} seeds, each: `{kills.figures['pytest']}`"]
    identity = named(results, "identity ")
    if identity:
        figures = [one.figures for one in identity.values()]
        parts += [
            "",
            *heading("Identity under random edits", identity),
            (
                f"{sum(one['examples'] for one in figures)} edited Python sources, a "
                "tenth as many in each of JavaScript, YAML and Dockerfiles, a fiftieth through "
                "git; the very same findings stay in all of them "
                f"({sum(one['seconds'] for one in figures):.0f} s)."
            ),
        ]
    parts += store_sections(results)
    return "\n".join(parts) + "\n"


def _ages(results: Mapping[str, Result], planned: Sequence[str], newest: str) -> list[str]:
    """Which slices are of an older commit than the newest, and which were never measured."""
    latest = [one.measured for one in results.values() if one.commit.startswith(newest)]
    older = [one for one in results.values() if newest and not one.commit.startswith(newest)]
    kinds = {
        f"Measured at an older commit than {newest}, of the same code": [
            one.name for one in older if one.measured in latest
        ],
        f"Measured at an older commit than {newest}, of other code": [
            one.name for one in older if one.measured not in latest
        ],
        "Never measured": [name for name in planned if name not in results],
    }
    return [
        line
        for kind, names in kinds.items()
        if names
        for line in (f"{kind}: {', '.join(names)}.", "")
    ]


def _by_code(found: Mapping[str, Result]) -> list[dict[str, Result]]:
    """Repetitions that measured the same code: no median is of several."""
    groups: list[dict[str, Result]] = []
    for name, one in found.items():
        for group in groups:
            if next(iter(group.values())).measured == one.measured:
                group[name] = one
                break
        else:
            groups.append({name: one})
    return groups


def _repositories(measured: Mapping[str, Result]) -> list[str]:
    found = {name: one.figures for name, one in measured.items()}
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
        *heading("Real repositories", measured),
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


def _parity(measured: Mapping[str, Result]) -> list[str]:
    found = {name: one.figures for name, one in measured.items()}
    rows = [
        f"| {name} | {r['statements']} | {r['explained']} | {r['unexplained']} |"
        for name, r in found.items()
    ]
    examples = [f"- {name}: {e}" for name, r in found.items() for e in r["examples"]]
    total: Counter[str] = Counter()
    for one in found.values():
        total.update({k: one[k] for k in ("statements", "explained", "unexplained")})
    return [
        *heading("Parity with the tools run directly", measured),
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


def _images(measured: Mapping[str, Result]) -> list[str]:
    found = {name: one.figures for name, one in measured.items()}
    return [
        *heading("Real images", measured),
        "| image | MiB | seconds | peak, MiB | findings | by kind | gaps |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {r['mib']} | {r['seconds']:.1f} | {r['peak_mib']} | {r['findings']} "
            f"| {_list(r['by_kind'])} | {_list(r['gaps'])} |"
            for name, r in found.items()
        ),
        "",
    ]


def _bench(measured: Mapping[str, Result], compared: Result | None) -> list[str]:
    repetitions = [one.figures for one in measured.values()]
    first = repetitions[0]

    def median(phase: str) -> float:
        return statistics.median(s for one in repetitions for s in one["seconds"][phase])

    naive, number = median("naive"), first.get("medians of", len(repetitions))
    shown = {f"bench {name}": one for name, one in measured.items()}
    if compared and compared.measured == next(iter(measured.values())).measured:
        shown |= {"compared": compared}
        said = (
            f"Findings compared one by one after each phase: {compared.figures['unexplained']} "
            "differ without explanation."
        )
    else:
        said = "The findings were not compared."
    return [
        *heading("Speed", shown),
        (
            f"Repositories made from installed packages, {first['files']} files, "
            f"{first['changed_files']} changed in the third phase; medians of {number}; "
            f"the naive loop took {naive:.1f} s. {said}"
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
