"""What is asked of a store that is full: pages, counts, totals, and one target's night."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import corpus
import million
from sqlalchemy import func, select

from compline.codec import load_observation
from compline.model import Completed, FindingKind, Look, Observation, ScanKey, Severity, State
from compline.store.engine import Store
from compline.store.findings import (
    AsOf,
    Condition,
    FindingFilter,
    count_matching,
    list_findings,
    total_findings,
)
from compline.store.record import record
from compline.store.runs import start_run
from compline.store.schema import heads, targets, witnesses


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
