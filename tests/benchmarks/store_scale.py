"""The store at scale: recording a large report, and reading a store of a million findings."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asking
import million
import report
from importing import PHASES, importing
from peak import Peak

from compline.model import (
    Completed,
    Look,
    ScanKey,
    Target,
    TargetKind,
)
from compline.store.engine import Store, open_store
from compline.store.findings import (
    FindingFilter,
    list_findings,
)
from compline.store.record import Recorded, record
from compline.store.runs import start_run
from compline.store.targets import sync_targets

sys.path.append(str(Path(__file__).parents[1] / "shared"))  # the server that the tests use
DATABASES = ("sqlite", "postgresql")
LEAST = {"first": 5_000, "unchanged": 15_000, "shifted": 3_000}
"""Findings a second, of a whole import; recording alone is shown beside it."""
PAGE_MS, NIGHTLY_SECONDS = 100, 1.0


@contextmanager
def database(kind: str, home: Path) -> Iterator[str]:
    """URL of an empty store; PostgreSQL with its defaults, durable as in production."""
    if kind == "sqlite":
        yield f"sqlite:///{home / 'store.db'}"
        return
    from postgres import postgres_database, serving_postgres

    with serving_postgres() as server, postgres_database(server) as url:
        yield url


def recording(kind: str, home: Path) -> dict[str, Any]:
    """Findings a second: a report of 13,000, unchanged, shifted by forty lines."""
    made = report.build(home / "report")
    with database(kind, home) as url, open_store(url) as store:
        target = Target(TargetKind.REPOSITORY, "large", "https://git.example.org/large")
        sync_targets(store, [target], million.T0)
        results: dict[str, Any] = {"findings": len(made.first.observations)}
        for number, (phase, commit) in enumerate(
            (("first", made.first), ("unchanged", made.first), ("shifted", made.shifted))
        ):
            before = time.process_time()
            with Peak() as peak:
                seconds, done = _record(store, "large", commit, number, made)
            results[f"{phase} CPU seconds"] = time.process_time() - before
            changed = len(done.opened) + len(done.reopened) + len(done.resolved)
            if changed != (len(commit.observations) if phase == "first" else 0):
                raise SystemExit(f"{phase}: {changed} findings were opened or closed")
            results[phase] = len(commit.observations) / seconds
            results[f"{phase} MiB"] = peak.mib
        lines = {
            (one.path, one.line) for one in list_findings(store, FindingFilter(targets=("large",)))
        }
        if lines != {(one.place.path, one.place.line) for one in made.shifted.observations}:
            raise SystemExit("the lines are not those of the shifted files")
    (home / "import").mkdir()
    with database(kind, home / "import") as url:
        results["import"] = importing(url, home / "report", made)
    return results


def _record(
    store: Store, target: str, commit: report.Commit, number: int, made: report.Report
) -> tuple[float, Recorded]:
    at = million.T0 + timedelta(days=number)
    run = start_run(store, "import", at, key=f"import {number}")
    look = Look(
        *(target, "semgrep", Completed(commit.observations)),
        revision=commit.revision,
        scan_key=ScanKey("semgrep", "1"),
    )
    began = time.monotonic()
    done = record(
        *(store, run, target, [look]),
        looked_at=at,
        now=at,
        ref="refs/heads/main",
        changes={made.first.revision: made.change},
    )
    return time.monotonic() - began, done


def reading(kind: str, home: Path, size: million.Size) -> dict[str, Any]:
    """Milliseconds of pages, counts and totals, and a night's record, over a full store."""
    with database(kind, home) as url, open_store(url) as store:
        began = time.monotonic()
        million.fill(store, size)
        filled = time.monotonic() - began
        on_disk = million.bytes_on_disk(store)
        results = asking.measure(store)
        return {
            "fill seconds": filled,
            "open findings": size.open,
            "events": size.events,
            "GiB": on_disk["all"] / 2**30,
            "bytes by table": {name: value for name, value in on_disk.items() if value >> 20},
            **results,
        }


def main() -> int:
    """Measures on both databases; 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=1_000_000, help="open ones, for reading")
    parser.add_argument("--only", choices=DATABASES)
    given = parser.parse_args()
    missed = 0
    share = given.findings / 1_000_000
    size = million.Size(
        *(int(value * share) for value in (1_000_000, 150_000, 10_000, 5_000_000)), targets=1_000
    )
    for kind in DATABASES if given.only is None else (given.only,):
        with tempfile.TemporaryDirectory(prefix="compline-scale-") as folder:
            home = Path(folder)
            missed += say_recording(kind, recording(kind, home))
            (home / "million").mkdir()
            missed += say_reading(kind, reading(kind, home / "million", size))
    return 1 if missed else 0


def say_recording(kind: str, found: dict[str, Any]) -> int:
    """Prints one database's figures; gives how many bounds are missed."""
    missed = 0
    for phase, least in LEAST.items():
        missed += found[phase] < least
        verdict = "within" if found[phase] >= least else "UNDER"
        print(
            f"{kind:<10} record {phase:<10} {found[phase]:8.0f} findings/s  bound {least}  "
            f"{verdict}  own CPU {found[f'{phase} CPU seconds']:.2f} s  "
            f"peak {found[f'{phase} MiB']} MiB",
            flush=True,
        )
    for phase in PHASES:
        rate, peak = found["import"][phase]
        print(
            f"{kind:<10} whole import {phase:<10} {rate:8.0f} findings/s  peak {peak} MiB",
            flush=True,
        )
    return missed


def say_reading(kind: str, found: dict[str, Any]) -> int:
    """The same of reading."""
    missed = 0
    for what in ("page", "later page", "count", "totals"):
        one = found[what]
        missed += one["p95 ms"] > PAGE_MS
        verdict = "within" if one["p95 ms"] <= PAGE_MS else "OVER"
        print(
            f"{kind:<10} {what:<10} p95 {one['p95 ms']:6.1f} ms  median {one['median ms']:6.1f}  "
            f"worst {one['worst ms']:6.1f}  bound {PAGE_MS}  {verdict}",
            flush=True,
        )
    one = found["night"]
    missed += one["worst s"] > NIGHTLY_SECONDS
    print(
        f"{kind:<10} a night's record of {one['findings']} findings, 20 changed: "
        f"median {one['median s']:.2f} s, worst {one['worst s']:.2f} s, bound {NIGHTLY_SECONDS}",
        flush=True,
    )
    if "GiB" in found:
        print(f"{kind:<10} {found['open findings']} open findings, {found['events']} events: "
              f"{found['GiB']:.2f} GiB", flush=True)  # fmt: skip
    return missed


if __name__ == "__main__":
    sys.exit(main())
