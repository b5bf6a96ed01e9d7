"""`make prove`: the campaigns at full size, slice by slice; writes docs/measurements.md.

Each slice stays under ten minutes and its result is kept, so that an interrupted campaign goes on
where it was. A result counts while what it measures is unchanged: the library, the DAGs, the locked
requirements and this folder. Each is printed with the commit that it was made at.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import corpus
import slices
from page import write_page
from running import ROOT
from store_scale import DATABASES

_HOME = ROOT / ".compline" / "prove"
_MEASURED = ("include", "dags", "plugins", "requirements", "tests/benchmarks")


@dataclass(frozen=True)
class Slice:
    """One piece of the campaign."""

    name: str
    run: Callable[[], dict[str, Any]]


def planned(repos: Path | None) -> list[Slice]:
    """Every slice, in order."""
    found = []
    if repos is not None:
        clones = _HOME / "repositories"
        clones.mkdir(parents=True, exist_ok=True)
        for entry in slices.candidates(repos):
            name = entry.name.replace("+", "--")
            found.append(
                Slice(f"repository {name}", lambda e=entry: slices.repository(e, _HOME, clones))
            )
            found.append(Slice(f"parity {name}", lambda e=entry: slices.parity(e, _HOME, clones)))
    found += [
        Slice("image bookworm", lambda: slices.image("bookworm", (), _HOME)),
        Slice("image bookworm-python", lambda: slices.image(
            "bookworm", ("python3-flask", "python3-jinja2", "nginx-light"), _HOME)),
        Slice("kills", slices.kills),
        *(Slice(f"identity {n + 1}", lambda n=n: slices.identity(100 + n)) for n in range(20)),
        *(Slice(f"bench {n + 1}", lambda n=n: slices.bench(_HOME, n)) for n in range(3)),
        Slice("compared", lambda: slices.compared(_HOME)),
        Slice("airflow", lambda: slices.airflow(_HOME)),
        Slice("thousand", lambda: slices.thousand(_HOME)),
        Slice("tables", lambda: slices.tables(_HOME)),
        *(Slice(f"recording {k}", lambda k=k: slices.recording(_HOME, k)) for k in DATABASES),
        *(Slice(f"million {k}", lambda k=k: slices.million(_HOME, k)) for k in DATABASES),
        *(Slice(f"campaign {n + 1}", lambda n=n: slices.campaign(n, 5)) for n in range(10)),
    ]  # fmt: skip
    return found


def main() -> int:
    """Runs what is missing; 1 if a slice failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repos", type=Path, help="folder of git repositories")
    parser.add_argument("--only", help="slices whose name begins so")
    parser.add_argument("--seconds", type=float, help="begin no slice after this time")
    given = parser.parse_args()
    _HOME.mkdir(parents=True, exist_ok=True)
    commit = corpus.git(ROOT, "rev-parse", "HEAD").strip()
    if corpus.git(ROOT, "status", "--porcelain", "--", *_MEASURED).strip():
        commit += " with uncommitted changes"
    state = _load()
    began, failed = time.monotonic(), []
    plan = planned(given.repos)
    for one in plan:
        if one.name in state["results"] or not one.name.startswith(given.only or ""):
            continue
        if given.seconds and time.monotonic() - began > given.seconds:
            break
        print(f"== {one.name}", flush=True)
        started = time.monotonic()
        try:
            result = one.run()
        except (Exception, SystemExit) as error:  # the other slices still run
            failed.append(one.name)
            print(f"   FAILED: {error}", flush=True)
            continue
        state["results"][one.name] = {
            **result,
            "slice_seconds": time.monotonic() - started,
            "commit": commit,
            "date": datetime.now(UTC).date().isoformat(),
        }
        _save(state)
        print(f"   {json.dumps(result)[:400]}", flush=True)
    missing = [one.name for one in plan if one.name not in state["results"]]
    write_page(ROOT / "docs" / "measurements.md", state, missing)
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(state['results'])} slices done, {len(missing)} missing; docs/measurements.md")
    return 1 if failed else 0


def _load() -> dict[str, Any]:
    measured = [corpus.git(ROOT, "rev-parse", f"HEAD:{path}").strip() for path in _MEASURED]
    path = _HOME / "state.json"
    if path.exists():
        state: dict[str, Any] = json.loads(path.read_text())
        if state["measured"] == measured:
            return state
    return {
        "measured": measured,
        "seed": corpus.SEED,
        "cores": len(os.sched_getaffinity(0)),
        "git": subprocess.run(
            ["git", "--version"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "results": {},
    }


def _save(state: dict[str, Any]) -> None:
    (_HOME / "state.json").write_text(json.dumps(state, indent=2))


if __name__ == "__main__":
    sys.exit(main())
