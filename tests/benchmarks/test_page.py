"""docs/measurements.md is what the results say, and says how old they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Script = Callable[[str], ModuleType]
DOCS = Path(__file__).parents[2] / "docs"
NEW, OLD = "b" * 40, "a" * 40


@pytest.fixture
def result(script: Script) -> Callable[..., Any]:
    def make(name: str, commit: str, code: str, figures: dict[str, Any], note: str = "") -> Any:
        return script("results").Result(
            name, commit, "2026-11-23", {"include": code}, "2 cores", figures, note=note
        )

    return make


def rendered(script: Script, found: list[Any], planned: tuple[str, ...] = ()) -> str:
    by_name = {one.name: one for one in found}
    return str(script("page").render(by_name, [*by_name, *planned], NEW))


def sections(page: str) -> str:
    return page[page.index("## ") :]


def repetition(seconds: float, **more: Any) -> dict[str, Any]:
    phases = ("naive", "cold", "unchanged", "changed", "advisories")
    return {
        "files": 9, "changed_files": 1, "unexplained": 0,
        "seconds": {phase: [seconds if phase == "cold" else 10.0] for phase in phases},
        "peak_mb": dict.fromkeys(phases, 100), **more,
    }  # fmt: skip


def test_the_committed_page_is_that_of_the_committed_results(script: Script) -> None:
    found = script("results").load(DOCS / "measurements.json")
    assert len(found) > 30
    page = (DOCS / "measurements.md").read_text(encoding="utf-8")
    assert sections(rendered(script, list(found.values()))) == sections(page)


def test_each_section_says_when_and_where(script: Script, result: Callable[..., Any]) -> None:
    kills = {"seeds": 3, "pytest": "2 passed"}
    page = rendered(script, [result("kills", OLD, "x", kills, note="rounded")])
    said = f"Measured on 2026-11-23 at commit {OLD}; 2 cores; rounded."
    assert f"## Kill -9\n\n{said}\n\n3 seeds, each: `2 passed`\n" in page


def test_results_of_one_section_may_differ_in_it(
    script: Script, result: Callable[..., Any]
) -> None:
    figures = {"statements": 5, "explained": 1, "unexplained": 1, "examples": ["missing x"]}
    page = rendered(
        script, [result("parity b", NEW, "y", figures), result("parity a", OLD, "x", figures)]
    )
    assert (
        f"- Measured on 2026-11-23 at commit {OLD}; 2 cores: a.\n"
        f"- Measured on 2026-11-23 at commit {NEW}; 2 cores: b.\n\n10 statements of the tools; 2 "
    ) in page
    assert page.index("| b | 5 | 1 | 1 |") < page.index("| a | 5 | 1 | 1 |")
    assert "- a: missing x" in page


def test_what_is_old_or_missing_is_named(script: Script, result: Callable[..., Any]) -> None:
    rows = {"rows": [["night, s", 2.0]]}
    found = [
        result("airflow", OLD, "y", rows),
        result("thousand", OLD, "x", rows),
        result("kills", NEW + " with uncommitted changes", "y", {"seeds": 1, "pytest": "1 passed"}),
    ]
    page = rendered(script, found, ("million sqlite", "compared"))
    assert f"Measured at an older commit than {NEW}, of the same code: airflow.\n" in page
    assert f"Measured at an older commit than {NEW}, of other code: thousand.\n" in page
    assert "Never measured: million sqlite, compared.\n" in page
    assert "older" not in rendered(script, found[2:])
    assert "Never" not in rendered(script, found)


def test_no_median_is_of_several_codes(script: Script, result: Callable[..., Any]) -> None:
    found = [
        result("bench 1", NEW, "y", repetition(1.0)),
        result("bench 2", OLD, "x", repetition(5.0)),
        result("bench 3", OLD, "x", repetition(7.0)),
        result("compared", NEW, "y", {"unexplained": 4}),
    ]
    first, second = rendered(script, found).split("## Speed\n")[1:]
    assert "medians of 1;" in first
    assert "one by one after each phase: 4 differ" in first
    assert "| cold | 1.0 | 0.100 |" in first
    assert "medians of 2;" in second
    assert "were not compared" in second
    assert "| cold | 6.0 | 0.600 |" in second


def test_what_is_itself_a_median_says_so(script: Script, result: Callable[..., Any]) -> None:
    found = [result("bench 2", OLD, "x", repetition(5.0, **{"medians of": 3}))]
    assert "medians of 3;" in rendered(script, found)


RATES = {"first": 7, "unchanged": 8, "repeated": 9, "shifted": 6}


def test_the_store_at_scale(script: Script, result: Callable[..., Any]) -> None:
    phases = ("first", "unchanged", "shifted")
    recording: dict[str, Any] = {
        "findings": 13,
        # In the order in which JSON keeps them.
        "import": {name: (rate, 300 + rate) for name, rate in sorted(RATES.items())},
    }
    for phase in phases:
        recording |= {phase: 5.0, f"{phase} MiB": 70, f"{phase} CPU seconds": 0.5}
    asked = {"calls": 2, "median ms": 1.0, "p95 ms": 2.0, "worst ms": 3.0}
    million = {
        "open findings": 1_000_000, "events": 2, "GiB": 1.5,
        "night": {"median s": 0.5, "worst s": 0.75, "findings": 2000},
        "bytes by table": {"a": 1 << 20, "all": 15 << 20, "b": 2 << 20, "c": 3 << 20,
                           "d": 4 << 20, "e": 5 << 20},
        **dict.fromkeys(("page", "later page", "count", "totals"), asked),
    }  # fmt: skip
    page = rendered(
        script,
        [
            result("recording sqlite", NEW, "x", recording),
            result("million postgresql", NEW, "x", million),
            *(result(f"campaign {n}", NEW, "x", {"rounds": 5, "pytest": ""}) for n in (1, 2)),
            *(result(f"identity {n}", NEW, "x", {"examples": 25, "seconds": 1.5}) for n in (1, 2)),
        ],
    )
    assert "| sqlite | 5 | 5 | 5 | 0.50, 0.50, 0.50 | 70 |" in page
    assert "| sqlite | 7 | 8 | 9 | 6 | 309 |" in page
    assert "| bound | 5000 | 15000 |  | 3000 | |" in page
    assert "| bound | 5000 | 15000 | 3000 | | |" in page
    assert "| postgresql | totals by state and severity | 2 | 1.0 | 2.0 | 3.0 |" in page
    assert "| 1.50 | e 5, d 4, c 3, b 2 |" in page
    assert "10 rounds on each database in 2 campaigns" in page
    assert "50 edited Python sources" in page
    assert "in all of them (3 s)" in page
