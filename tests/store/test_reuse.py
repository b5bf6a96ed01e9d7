"""Nights in which nothing changed: ledger rows only, and only if that is really so."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from compline.findings.regressions import RegressionKind
from compline.model import Completed, Failed, Gap, GapReason, Look, Target, TargetKind
from compline.store.engine import Store
from compline.store.ledger import coverage
from compline.store.looks import last_looks
from compline.store.outbox import list_regressions
from compline.store.record import Reuse, record, record_reused
from compline.store.runs import start_run
from compline.store.targets import sync_targets

A = {"a.py": "exec(a)\nexec(b)\n"}


def reuse(site: Any, *reuses: Reuse) -> tuple[Reuse, ...]:
    site.next_night()
    return record_reused(site.store, site.run, reuses, looked_at=site.now, now=site.now)


def unchanged(kit: Any, **more: Any) -> Reuse:
    values = {"revision": "c1", "scan_key": kit.key.digest} | more
    return Reuse("api", "bandit", **values)


def test_it_stands_on_the_run_that_really_scanned(site: Any, kit: Any) -> None:
    gap = Gap(GapReason.VENDORED, "lib/", count=3)
    site.night_of(kit.scan(A), gaps=[gap], tool_version="1.9", evidence=("e" * 64,))
    scanned = site.run
    assert reuse(site, unchanged(kit)) == ()
    assert reuse(site, unchanged(kit)) == ()
    (row,) = coverage(site.store, site.run)
    assert (row.outcome, row.result, row.reused_from) == ("completed", "recorded", scanned)
    assert row.gaps == (gap,)
    assert (row.revision, row.tool_version, row.observations) == ("c1", "1.9", 2)
    assert row.evidence == ("e" * 64,)
    look = last_looks(site.store)["api", "bandit"]
    assert (look.run, look.scanned_run, look.gaps) == (site.run, scanned, 3)
    assert {finding.last_seen for finding in site.open()} == {site.now}


def test_a_retry_writes_nothing_twice(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    reuse(site, unchanged(kit))
    rows = coverage(site.store, site.run)
    again = record_reused(site.store, site.run, [unchanged(kit)], looked_at=site.now, now=site.now)
    assert again == ()
    assert coverage(site.store, site.run) == rows


def test_what_is_not_the_same_is_given_back(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    others = (
        unchanged(kit, revision="c2"),
        unchanged(kit, revision=""),
        unchanged(kit, scan_key=kit.other_key(rules="r2").digest),
        Reuse("api", "semgrep", "c1", kit.key.digest),
        Reuse("nobody", "bandit", "c1", kit.key.digest),
    )
    assert reuse(site, *others) == others
    assert coverage(site.store, site.run) == ()


def test_what_was_not_completed_is_not_reused(site: Any, kit: Any) -> None:
    site.night_of(Failed("no tool"))
    assert reuse(site, unchanged(kit)) != ()
    # But a failure after a completed look leaves that one standing.
    site.night_of(kit.scan(A))
    site.night_of(Failed("no tool"))
    assert reuse(site, unchanged(kit)) == ()


def test_what_is_held_is_not_reused(site: Any, kit: Any) -> None:
    many = {"a.py": "".join(f"exec(a{number})\n" for number in range(9))}
    site.night_of(kit.scan(many))
    site.night_of(())
    assert reuse(site, unchanged(kit)) == (unchanged(kit),)


def test_an_older_question_is_given_back(site: Any, kit: Any) -> None:
    old = site.next_night()
    asked = site.now
    site.night_of(kit.scan(A))
    back = record_reused(site.store, old, [unchanged(kit)], looked_at=asked, now=site.now)
    assert back == (unchanged(kit),)


def test_advisories_grow_old_though_nothing_changes(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    stale = unchanged(kit, warnings=("stale advisories: from 2024-12-01",))
    reuse(site, stale)
    told = list_regressions(site.store, run=site.run)
    assert [item.regression.kind for item in told] == [RegressionKind.ADVISORIES_STALE]
    assert coverage(site.store, site.run)[0].warnings == stale.warnings
    reuse(site, stale)
    assert list_regressions(site.store, run=site.run) == ()


def test_a_record_that_began_before_starts_again(site: Any, kit: Any) -> None:
    """Reuse moves the head; a record that has read the old one must not put it back."""
    site.night_of(kit.scan(A))
    late, at = site.next_night(), site.now
    reuse(site, unchanged(kit))
    recorded = site.record(site.look(()), run=late, at=at)
    assert [row.result for row in recorded.rows] == ["superseded"]


def test_a_thousand_targets_of_four_scanners(store: Store, kit: Any) -> None:
    names = [f"t{number}" for number in range(1_000)]
    scanners = ("bandit", "semgrep", "trivy", "pip-audit")
    sync_targets(
        store, [Target(TargetKind.REPOSITORY, name, "file:///x") for name in names], kit.start
    )
    first = start_run(store, "nightly", kit.start)
    for name in names[:20]:
        looks = [
            Look(name, scanner, Completed(()), revision="c1", scan_key=kit.key)
            for scanner in scanners
        ]
        record(store, first, name, looks, looked_at=kit.start, now=kit.start)
    # The rest is written as if recorded: only the night that follows is measured.
    with store.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO heads (target_id, scanner, outcome, run_id, looked_at,"
            " stale_advisories, held_lost, completed_at, scanned_run, revision, ref, scan_key,"
            " tool_version, advisory_date, sandbox, observations)"
            " SELECT t.id, h.scanner, h.outcome, h.run_id, h.looked_at, h.stale_advisories,"
            " h.held_lost, h.completed_at, h.scanned_run, h.revision, h.ref, h.scan_key,"
            " h.tool_version, h.advisory_date, h.sandbox, h.observations"
            " FROM targets t, heads h"
            " WHERE h.target_id = (SELECT min(target_id) FROM heads)"
            " AND t.id NOT IN (SELECT target_id FROM heads)"
        )
    at = kit.start + timedelta(days=1)
    run = start_run(store, "nightly", at)
    reuses = [Reuse(name, scanner, "c1", kit.key.digest) for name in names for scanner in scanners]
    started = time.process_time()
    assert record_reused(store, run, reuses, looked_at=at, now=at) == ()
    assert time.process_time() - started < 5
    started = time.process_time()
    looks_by_pair = last_looks(store)
    assert time.process_time() - started < 2
    assert len(looks_by_pair) == 4_000
    assert {look.run for look in looks_by_pair.values()} == {run}
    assert len(coverage(store, run)) == 4_000
