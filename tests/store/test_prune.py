"""Retention in the store, sort by sort; what the ledger needs is in tests/evidence."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from compline.findings.decision import EventKind
from compline.model import Gap, GapReason, RunResult, State
from compline.store import prune as pruning
from compline.store.check import check
from compline.store.engine import Store
from compline.store.findings import FindingFilter, finding_events, list_findings
from compline.store.leases import acquire
from compline.store.prune import PASSING, Cuts, old_runs
from compline.store.runs import finish_run
from compline.store.schema import (
    deliveries,
    digest_entries,
    gap_sets,
    regressions,
    scan_keys,
    threads,
)


def prune(store: Store, cut: datetime, *, dry_run: bool = False) -> dict[str, int]:
    cuts = Cuts(cut, cut, cut, cut, keep_runs=1)
    looks = old_runs(store, cuts)
    done = pruning.prune(store, looks, cuts, cut, dry_run=dry_run)
    counts = {one.what: one.number for one in done if one.number}
    assert [one.invariant.name for one in check(store) if one.broken] == []
    return counts


def kinds(store: Store, finding: str) -> Counter[str]:
    return Counter(event.kind for event in finding_events(store, finding))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_BATCH", 2)


def test_every_kind_of_event_is_decided_on() -> None:
    """A new kind: may it go once its finding was resolved long ago? Then add it to PASSING."""
    stays = {EventKind.OPENED, EventKind.MERGED, EventKind.PARTED}
    assert {*PASSING, *stays} == set(EventKind)
    assert not PASSING & stays


@pytest.mark.usefixtures("small_batches")
def test_events_of_what_was_resolved_long_ago(site: Any, kit: Any) -> None:
    rules = [{"scan_key": kit.other_key(rules=f"r{n}")} for n in range(20)]
    both = kit.scan({"a.py": "exec(a)\n", "b.py": "exec(b)\n"})
    one = kit.scan({"a.py": "exec(a)\n"})
    for night in range(3):  # one finding comes and goes, three times
        site.night_of(both, **rules[night])
        site.night_of(one, **rules[night + 5])
    site.night_of(kit.scan({"a.py": "exec(a)\n" + "exec(n)\n" * 4}), **rules[9])
    site.night_of(one, **rules[10])  # four more are resolved lately
    [first] = [f.id for f in list_findings(site.store) if f.path == "b.py"]
    [still] = site.open()
    assert kinds(site.store, first) == Counter(opened=1, resolved=3, reopened=2)
    cut = kit.start + timedelta(days=8)
    before = prune(site.store, cut, dry_run=True)
    assert kinds(site.store, first) == Counter(opened=1, resolved=3, reopened=2)
    done = prune(site.store, cut)
    assert done["events of resolved findings"] == before["events of resolved findings"] == 4
    assert kinds(site.store, first) == Counter(opened=1, resolved=1)
    assert kinds(site.store, still.id) == Counter(opened=1)
    lately = list_findings(site.store, FindingFilter(states=(State.RESOLVED,)))
    assert {tuple(kinds(site.store, f.id)) for f in lately} == {("opened", "resolved")}
    assert "events of resolved findings" not in prune(site.store, cut)
    site.night_of(both, **rules[11])
    assert kinds(site.store, first) == Counter(opened=1, resolved=1, reopened=1)
    assert prune(site.store, cut + timedelta(days=90)) is not None


@pytest.mark.usefixtures("small_batches")
def test_alerts(site: Any, kit: Any) -> None:
    """Ten of each; what is open, waits or is recent stays."""
    site.next_night()
    old, young = site.now - timedelta(days=100), site.now
    with site.store.writing() as connection:
        for number in range(10):
            at = young if number == 0 else old
            told = connection.execute(
                insert(regressions)
                .values(
                    run_id=site.run, target_id=1, scanner="bandit", kind="new", severity="high",
                    subject=f"subject {number}", title="t", detail="d", at=at, routed=number != 1,
                )
                .returning(regressions.c.id)
            ).scalar_one()  # fmt: skip
            name = str(uuid.uuid4())
            connection.execute(
                insert(deliveries).values(
                    id=name, run_id=site.run, channel="mail", subject=f"subject {number}",
                    thread=name, payload={}, attempts=1, not_before=at, error="", created_at=at,
                    state="pending" if number == 1 else "dead" if number == 2 else "delivered",
                    delivered_at=None if number in (1, 2) else at,
                )
            )  # fmt: skip
            if number in (1, 3, 4):
                connection.execute(
                    insert(threads).values(
                        channel="mail", subject=f"subject {number}", rule="all", kind="new",
                        about=f"subject {number}", target="api", scanner="bandit",
                        severity="high", title="t", root=name, opened_at=at, last_sent_at=at,
                        state="closed" if number == 4 else "open", reminders=0,
                    )
                )  # fmt: skip
            if number == 5:
                entry = {"channel": "mail", "rule": "all", "due_at": young}
                connection.execute(insert(digest_entries).values(regression_id=told, **entry))
    cut = young - timedelta(days=1)
    done = prune(site.store, cut)
    # Left: the young one, what waits, what is dead, and what an open thread began with.
    assert done["deliveries that were taken"] == 6
    # Left: the young one, what is not routed, what a thread is about, what a digest waits for.
    assert done["regressions that were routed"] == 5
    with site.store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(deliveries)) == 4
        left = set(connection.scalars(select(regressions.c.subject)))
    assert left == {f"subject {number}" for number in (0, 1, 3, 4, 5)}


def test_what_no_look_refers_to(site: Any, kit: Any) -> None:
    gaps = [[Gap(GapReason.UNPARSED, f"{n}.py")] for n in range(3)]
    for night in range(3):
        key = kit.other_key(rules=f"r{night}")
        site.night_of((), gaps=gaps[night], scan_key=key)
        finish_run(site.store, site.run, RunResult.CLEAN, site.now)
    done = prune(site.store, site.now)
    assert done["looks in the ledger"] == 2
    assert done["gaps and ScanKeys of no look"] == 4
    with site.store.reading() as connection:
        for table in (gap_sets, scan_keys):
            assert connection.scalar(select(func.count()).select_from(table)) == 1
    site.night_of((), gaps=gaps[0], scan_key=kit.other_key(rules="r0"))


def test_cache_and_leases(site: Any, kit: Any) -> None:
    site.next_night()
    acquire(site.store, "old", "me", site.now, 60)
    site.store.cache.put_many("bandit", kit.key, {"a": b"1", "b": b"2"})
    assert prune(site.store, site.now) == {}
    later = site.now + timedelta(days=10_000)
    assert prune(site.store, later, dry_run=True)["cached results"] == 2
    done = prune(site.store, later)
    assert (done["leases that ran out"], done["cached results"]) == (1, 2)
    assert site.store.cache.get_many("bandit", kit.key, ["a", "b"]) == {}
    site.store.cache.put_many("bandit", kit.key, {"a": b"1"})
