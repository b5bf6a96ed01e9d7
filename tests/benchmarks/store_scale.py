"""The store at scale: recording a large report, and reading a store of a million findings."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import corpus
import million
import psutil
import report
from sqlalchemy import func, select

from compline.codec import load_observation
from compline.model import (
    Completed,
    FindingKind,
    Look,
    Observation,
    ScanKey,
    Severity,
    State,
    Target,
    TargetKind,
)
from compline.store.engine import Store, open_store
from compline.store.findings import (
    AsOf,
    Condition,
    FindingFilter,
    count_matching,
    list_findings,
    total_findings,
)
from compline.store.record import Recorded, record
from compline.store.runs import start_run
from compline.store.schema import heads, targets, witnesses
from compline.store.targets import sync_targets

sys.path.append(str(Path(__file__).parents[1] / "shared"))  # the server that the tests use
DATABASES = ("sqlite", "postgresql")
LEAST = {"first": 5_000, "unchanged": 15_000, "shifted": 3_000}
"""Findings a second."""
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


class Peak:
    """Peak of this process's memory while something runs, sampled each 20 ms."""

    def __init__(self) -> None:
        self.mib = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._over.wait(0.02):
            self.mib = max(self.mib, process.memory_info().rss >> 20)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


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
            with Peak() as peak:
                seconds, done = _record(store, "large", commit, number, made)
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
        results = measure(store)
        return {
            "fill seconds": filled,
            "open findings": size.open,
            "events": size.events,
            "GiB": on_disk["all"] / 2**30,
            "bytes by table": {name: value for name, value in on_disk.items() if value >> 20},
            **results,
        }


def measure(store: Store) -> dict[str, Any]:
    """What is asked of a store that is full already."""
    dice = random.Random(corpus.SEED)
    chosen = list(_filters(dice))
    results = {
        "page": _percentiles(_pages(store, chosen)),
        "later page": _percentiles(_later(store, chosen, dice)),
        "count": _percentiles(_counts(store, chosen)),
        "totals": _percentiles(iter([lambda: total_findings(store)] * 20)),
    }
    return results | {"night": night(store)}


def _filters(dice: random.Random) -> Iterator[FindingFilter]:
    """Every filter by itself, many pairs and triples, and none."""
    now = million.T0 + timedelta(days=million.NIGHTS + 1)
    # Half of all looks are asked for the largest targets.
    names = [f"target-{n}" for n in (1, 2, 3, 5, 10, 50, 300, 900)]
    parts: list[Callable[[], dict[str, Any]]] = [
        lambda: {"severities": (dice.choice(list(Severity)),)},
        lambda: {"at_least": dice.choice((Severity.HIGH, Severity.CRITICAL))},
        lambda: {"targets": tuple(dice.sample(names, dice.choice((1, 1, 3))))},
        lambda: {"scanners": (dice.choice(million._SCANNERS),)},
        lambda: {"kinds": (dice.choice(list(FindingKind)),)},
        lambda: {"conditions": (dice.choice(list(Condition)),)},
        lambda: {"without": (Condition.WAIVED,)},
    ]
    for number in range(200):
        state = dice.choice(((State.OPEN,), (State.OPEN,), (State.OPEN,), (State.RESOLVED,), ()))
        values: dict[str, Any] = {}
        if number < 5 * len(parts):
            values |= parts[number % len(parts)]()
        elif number < 190:
            for part in dice.sample(parts, dice.choice((2, 2, 3))):
                values |= part()
        yield FindingFilter(states=state, now=now, stale_since=now - timedelta(days=14), **values)


def _pages(store: Store, chosen: list[FindingFilter]) -> Iterator[Callable[[], object]]:
    for one in chosen:
        yield lambda one=one: list_findings(store, one, limit=50, as_of=_as_of(one))  # type: ignore[misc]


def _counts(store: Store, chosen: list[FindingFilter]) -> Iterator[Callable[[], object]]:
    for one in chosen:
        yield lambda one=one: count_matching(store, one)  # type: ignore[misc]


def _later(
    store: Store, chosen: list[FindingFilter], dice: random.Random
) -> Iterator[Callable[[], object]]:
    """The page after a random one of the first ten."""
    for one in chosen[::3]:
        found = list_findings(store, one, limit=500)
        if found:
            last = dice.choice(found).id
            yield lambda one=one, last=last: list_findings(  # type: ignore[misc]
                store, one, limit=50, after=last, as_of=_as_of(one)
            )


def _as_of(one: FindingFilter) -> AsOf:
    assert one.now is not None
    assert one.stale_since is not None
    return AsOf(one.now, one.stale_since)


def _percentiles(calls: Iterator[Callable[[], object]]) -> dict[str, float]:
    taken = []
    for call in calls:
        began = time.monotonic()
        call()
        taken.append((time.monotonic() - began) * 1_000)
    taken.sort()
    return {
        "calls": len(taken),
        "median ms": statistics.median(taken),
        "p95 ms": taken[int(len(taken) * 0.95)],
        "worst ms": taken[-1],
    }


def night(store: Store) -> dict[str, float]:
    """Seconds of recording one target's night: about 2,000 findings, 20 of them changed."""
    name, known = _target(store, 2_000)
    taken = []
    for number in range(6):
        at = million.T0 + timedelta(days=million.NIGHTS + 2 + number)
        run = start_run(store, "nightly", at, key=f"measured {number}")
        known = [_moved_on(one, index, number) for index, one in enumerate(known)]
        looks = [
            Look(
                *(name, scanner, Completed(tuple(o for o in known if o.scanner == scanner))),
                revision=f"night-{number}",
                scan_key=ScanKey(scanner, "1"),
            )
            for scanner in sorted({one.scanner for one in known})
        ]
        began = time.monotonic()
        done = record(store, run, name, looks, looked_at=at, now=at, ref="refs/heads/main")
        if not number:  # resolves what lay in gaps or was held besides
            continue
        taken.append(time.monotonic() - began)
        if (len(done.opened), len(done.resolved)) != (20, 20):
            raise SystemExit(f"{len(done.opened)} opened, {len(done.resolved)} resolved, not 20")
    return {"findings": len(known), "median s": statistics.median(taken), "worst s": max(taken)}


def _target(store: Store, size: int) -> tuple[str, list[Observation]]:
    """The target with about so many statements, the ones by a single scanner first."""
    with store.reading() as connection:
        sizes = select(heads.c.target_id, func.sum(heads.c.observations).label("number"))
        rows = connection.execute(sizes.group_by(heads.c.target_id)).all()
        chosen = min(rows, key=lambda row: abs(row.number - size)).target_id
        name = connection.scalar(select(targets.c.name).where(targets.c.id == chosen))
        found = connection.execute(
            select(witnesses.c.finding_id, witnesses.c.observation)
            .where(witnesses.c.target_id == chosen, witnesses.c.state == "seen")
            .order_by(witnesses.c.id)
        ).all()
    seen = Counter(row.finding_id for row in found)
    known = [(seen[row.finding_id], load_observation(row.observation)) for row in found]
    known.sort(key=lambda item: (item[0], item[1].kind is not FindingKind.CODE))
    return str(name), [one for _, one in known]


def _moved_on(one: Observation, index: int, night: int) -> Observation:
    """The first twenty are of other code in another file each night; the others stay."""
    if index >= 20:
        return one
    value = f"changed-{index}-{night}"
    place = replace(one.place, blob="", symbol=value, path=f"new/{value}.py")
    return replace(one, place=place, fingerprints=(("py-ast/1", value), ("tokens/1", value)))


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
            f"{verdict}  peak {found[f'{phase} MiB']} MiB",
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
