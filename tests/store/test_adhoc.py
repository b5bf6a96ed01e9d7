"""Runs beside the tracked ref: their own result, nothing opened, nothing closed, nobody told."""

from __future__ import annotations

from typing import Any

from compline.model import Failed, Target, TargetKind
from compline.store.findings import list_findings
from compline.store.ledger import adhoc_result, coverage
from compline.store.looks import last_looks
from compline.store.record import AdHocResult, record_adhoc
from compline.store.runs import start_run
from compline.store.shards import recorded_pairs
from compline.store.targets import list_targets, sync_targets

TEXT = "def f(x):\n    exec(x)\n    v = 1\n    exec(x)\n"
MAIN = {"a.py": TEXT}
BRANCH = {"a.py": "# more\n" + TEXT.replace("    v = 1\n    exec(x)\n", "") + "\n\nexec(y)\n"}


def scan_branch(site: Any, kit: Any, *looks: Any, **more: Any) -> tuple[int, AdHocResult]:
    run = start_run(site.store, "adhoc", site.now)
    seen = record_adhoc(
        site.store,
        run,
        more.pop("target", site.target),
        looks or [site.look(kit.scan(BRANCH), revision="b1")],
        now=site.now,
        changes={"c1": kit.change(MAIN, BRANCH)},
    )
    return run, seen


def test_a_feature_branch_closes_nothing_and_alerts_nobody(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(MAIN))
    findings, looks = list_findings(site.store), last_looks(site.store)
    run, seen = scan_branch(site, kit)
    assert list_findings(site.store) == findings
    assert last_looks(site.store) == looks
    assert site.worse() == ()
    assert [(item.place.path, item.place.line) for item in seen.new] == [("a.py", 6)]
    known = {(item.place.line, finding) for finding, item in seen.known}
    assert known == {(3, site.ids()["a.py", 2])}
    assert adhoc_result(site.store, run) == seen
    (row,) = coverage(site.store, run)
    assert (row.result, row.revision, row.observations) == ("adhoc", "b1", 2)
    # The next night is as if it had not been.
    recorded = site.night_of(kit.scan(MAIN))
    assert (recorded.opened, recorded.resolved) == ((), ())


def test_a_retry_keeps_the_first_answer(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(MAIN))
    run, seen = scan_branch(site, kit)
    again = record_adhoc(
        site.store, run, site.target, [site.look(kit.scan(BRANCH), revision="b1")], now=site.now
    )
    assert again == AdHocResult((), ())
    assert adhoc_result(site.store, run) == seen


def test_a_failed_scanner_can_be_tried_again(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(MAIN))
    run, _ = scan_branch(site, kit, site.look(Failed("time-out"), revision="b1"))
    assert recorded_pairs(site.store, run) == {("api", "bandit"): "failed"}
    record_adhoc(
        site.store, run, site.target, [site.look(kit.scan(BRANCH), revision="b1")], now=site.now
    )
    assert recorded_pairs(site.store, run) == {("api", "bandit"): "completed"}
    # Nobody said what has changed, so content decides: one is known, one is new.
    seen = adhoc_result(site.store, run)
    assert (len(seen.new), len(seen.known)) == (1, 1)


def test_another_tool_at_a_known_place_is_known(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(MAIN))
    looks = [site.look(kit.scan(MAIN, "semgrep", cwe=("CWE-95",)), "semgrep", "c1")]
    _, seen = scan_branch(site, kit, *looks)
    assert seen.new == ()
    assert {finding for finding, _ in seen.known} == set(site.ids().values())


def test_an_address_that_is_not_listed_is_kept_apart(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(MAIN))
    other = Target(TargetKind.REPOSITORY, "git.example.org/x", "https://git.example.org/x")
    run, seen = scan_branch(site, kit, site.look(kit.scan(BRANCH)), target=other)
    assert len(seen.new) == 2
    assert [row.name for row in list_targets(site.store)] == ["api"]
    assert [row.state for row in list_targets(site.store, adhoc=True)] == ["listed", "adhoc"]
    assert [row.target for row in coverage(site.store, run)] == ["git.example.org/x"]
    assert {look.target for look in last_looks(site.store).values()} == {"api"}
    # Discovery neither loses nor lists it; once it is listed, it is a target like others.
    assert sync_targets(site.store, [site.target], site.now).vanished == ()
    assert sync_targets(site.store, [site.target, other], site.now).returned == (other.name,)


def test_two_targets_in_one_run(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(MAIN))
    run = start_run(site.store, "adhoc", site.now)
    for name in ("one", "two"):
        target = Target(TargetKind.REPOSITORY, name, "file:///x")
        record_adhoc(site.store, run, target, [site.look(kit.scan(MAIN))], now=site.now)
    assert len(adhoc_result(site.store, run).new) == 4
