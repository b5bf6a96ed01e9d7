"""`make prove`: the campaigns at full size, slice by slice; writes docs/measurements.json and .md.

Each slice stays under ten minutes, and its result is written at once with the commit, the day and
the hashes of what it measured: the library, the DAGs, the locked requirements and this folder. It
is current while these are what lies here. Only what is missing or not current is run, so that an
interrupted campaign goes on where it was; older results stay on the page, which names their commit.
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
import page
import results
import slices
from large_model import large_model
from running import ROOT
from store_scale import DATABASES

_HOME = ROOT / ".compline" / "prove"
_PAGE = ROOT / "docs" / "measurements.md"
_JSON = _PAGE.with_suffix(".json")


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
        Slice("large model", lambda: large_model(_HOME)),
        Slice("kills", slices.kills),
        *(Slice(f"identity {n + 1}", lambda n=n: slices.identity(100 + n)) for n in range(20)),
        *(Slice(f"bench {n + 1}", lambda n=n: slices.bench(_HOME, n)) for n in range(3)),
        Slice("compared", lambda: slices.compared(_HOME)),
        Slice("airflow", lambda: slices.airflow(_HOME)),
        Slice("thousand", lambda: slices.thousand(_HOME)),
        Slice("registry", lambda: slices.registry(_HOME)),
        Slice("models by proxy", lambda: slices.models(_HOME, 5_000, bucket=False)),
        Slice("models in a bucket", lambda: slices.models(_HOME, 5_000, bucket=True)),
        Slice("models in a bucket, all different", lambda: slices.models(
            _HOME, 5_000, bucket=True, contents=10_000)),
        Slice("tables", lambda: slices.tables(_HOME)),
        *(Slice(f"recording {k}", lambda k=k: slices.recording(_HOME, k)) for k in DATABASES),
        *(Slice(f"million {k}", lambda k=k: slices.million(_HOME, k)) for k in DATABASES),
        *(Slice(f"campaign {n + 1}", lambda n=n: slices.campaign(n, 5)) for n in range(10)),
    ]  # fmt: skip
    return found


def main() -> int:
    """Runs what is missing or not current; 1 if a slice failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repos", type=Path, help="folder of git repositories")
    parser.add_argument("--only", default="", metavar="NAME", help="slices whose name begins so")
    parser.add_argument("--again", action="store_true", help="run what is current too")
    parser.add_argument("--seconds", type=float, help="begin no slice after this time")
    parser.add_argument("--page", action="store_true", help="run nothing: write the page anew")
    given = parser.parse_args()
    _HOME.mkdir(parents=True, exist_ok=True)
    plan = {one.name: one for one in planned(given.repos)}
    found = results.load(_JSON)
    names = results.to_run(found, plan, results.trees(ROOT), only=given.only, again=given.again)
    began, failed = time.monotonic(), []
    for name in [] if given.page else names:
        if given.seconds and time.monotonic() - began > given.seconds:
            break
        print(f"== {name}", flush=True)
        now = results.trees(ROOT)
        try:
            found[name] = _measured(plan[name], now)
        except (Exception, SystemExit) as error:  # the other slices still run
            failed.append(name)
            print(f"   FAILED: {error}", flush=True)
            if name in found and found[name].measured == now:
                del found[name]  # the same code does not give it again
        results.save(_JSON, found)
    _PAGE.write_text(
        page.render(found, list(plan), results.newest(ROOT, found.values())), encoding="utf-8"
    )
    left = results.to_run(found, plan, results.trees(ROOT))
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(plan) - len(left)} slices are current, {len(left)} missing or older; "
          f"{_PAGE.relative_to(ROOT)}")  # fmt: skip
    return 1 if failed else 0


def _measured(one: Slice, now: dict[str, str]) -> results.Result:
    commit, started = results.commit(ROOT, now), time.monotonic()
    figures = one.run()
    if results.trees(ROOT) != now:
        raise SystemExit("what is measured was changed meanwhile")
    print(f"   {json.dumps(figures)[:400]}", flush=True)
    return results.Result(
        *(one.name, commit, datetime.now(UTC).date().isoformat(), now, _setup(), figures),
        slice_seconds=time.monotonic() - started,
    )


def _setup() -> str:
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    return f"seed {corpus.SEED}, {len(os.sched_getaffinity(0))} cores, {git.stdout.strip()}"


if __name__ == "__main__":
    sys.exit(main())
