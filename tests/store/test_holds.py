"""A person believes a held look: at once, with name and reason, and undone by a later look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compline.findings.lifecycle import Policy
from compline.findings.policy import HoldLimits
from compline.model import RegressionKind, State
from compline.store.check import check
from compline.store.engine import StoreError
from compline.store.findings import finding_events, get_finding
from compline.store.holds import accept_drop
from compline.store.ledger import coverage
from compline.store.looks import base_revisions, last_looks
from compline.store.runs import get_run

MANY = {"a.py": "".join(f"exec(a{number})\n" for number in range(10))}
FEW = {"a.py": "".join(f"exec(a{number})\n" for number in range(3))}


@pytest.fixture(autouse=True)
def sound(site: Any) -> Iterator[None]:
    """Whatever a test has done, the store's invariants hold after it."""
    yield
    broken = [(one.invariant.name, one.examples) for one in check(site.store) if one.broken]
    assert broken == []


def drop(site: Any, kit: Any, revision: str = "c2") -> None:
    """Ten findings, then three of them though nothing changed."""
    site.night_of(kit.scan(MANY))
    still = kit.change(MANY, MANY, changed=0.01)
    site.night_of(kit.scan(MANY)[:3], revision, changes={"c1": still})


def test_a_held_drop_is_accepted_at_once(site: Any, kit: Any) -> None:
    drop(site, kit)
    assert len(site.open()) == 10
    held = site.run
    done = accept_drop(
        site.store, "api", "bandit", by="ada", reason="moved to another rule", now=site.now
    )
    assert (done.revision, done.witnesses, len(done.resolved)) == ("c2", 7, 7)
    assert len(site.open()) == 3
    assert all("held" not in one.conditions for one in site.open())
    gone = get_finding(site.store, done.resolved[0])
    assert (gone.state, gone.cause, gone.resolved_at) == (State.RESOLVED, "accepted", site.now)
    event = finding_events(site.store, gone.id)[-1]
    assert (event.kind, event.run) == ("resolved", done.run)
    assert event.data["by"] == "ada"
    assert event.data["reason"] == "moved to another rule"
    # The held look is the last completed one now: reusable, and what is compared with.
    look = last_looks(site.store)["api", "bandit"]
    assert (look.held, look.revision, look.scanned_run) == (False, "c2", held)
    assert base_revisions(site.store, "api") == {"bandit": "c2"}
    [row] = coverage(site.store, done.run)
    assert (row.outcome, row.result, row.reused_from) == ("completed", "accepted", held)
    assert row.reason == "accepted by ada: moved to another rule"
    assert get_run(site.store, done.run).finished == site.now


def test_a_later_look_undoes_it(site: Any, kit: Any) -> None:
    drop(site, kit)
    done = accept_drop(site.store, "api", "bandit", by="ada", reason="why", now=site.now)
    site.night_of(kit.scan(MANY), "c2")
    assert {one.id for one in site.open()} >= set(done.resolved)
    kinds = [one.regression.kind for one in site.worse(site.run)]
    assert kinds == [RegressionKind.REOPENED] * 7


def test_what_another_scanner_sees_stays_open(site: Any, kit: Any) -> None:
    site.next_night()
    site.record(site.look(kit.scan(MANY)), site.look(kit.scan(MANY, "semgrep"), "semgrep"))
    site.night_of((), "c1")
    done = accept_drop(site.store, "api", "bandit", by="ada", reason="why", now=site.now)
    assert (done.resolved, done.witnesses) == ((), 10)
    assert len(site.open()) == 10
    kinds = [event.kind for event in finding_events(site.store, site.open()[0].id)]
    assert kinds[-1] == "witness-gone"


def test_nothing_held_is_an_error(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(MANY))
    with pytest.raises(StoreError, match="no drop of bandit is held at api"):
        accept_drop(site.store, "api", "bandit", by="ada", reason="why", now=site.now)
    with pytest.raises(StoreError, match="no target 'web'"):
        accept_drop(site.store, "web", "bandit", by="ada", reason="why", now=site.now)
    site.night_of((), "c1")
    accept_drop(site.store, "api", "bandit", by="ada", reason="why", now=site.now)
    with pytest.raises(StoreError, match="no drop of bandit is held at api"):
        accept_drop(site.store, "api", "bandit", by="ada", reason="again", now=site.now)


def test_a_failed_look_after_it_does_not_hide_the_held_one(site: Any, kit: Any) -> None:
    from compline.model import Failed

    drop(site, kit)
    site.night_of(Failed("no tool"), "c3")
    done = accept_drop(site.store, "api", "bandit", by="ada", reason="why", now=site.now)
    assert (done.revision, len(done.resolved)) == ("c2", 7)
    assert last_looks(site.store)["api", "bandit"].outcome == "failed"


def test_the_limits_are_the_policys(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(MANY))
    site.next_night()
    wide = Policy(hold=HoldLimits(share=0.8, at_least=5))
    recorded = site.record(site.look(kit.scan(MANY)[:3]), policy=wide)
    assert [row.result for row in recorded.rows] == ["recorded"]
    assert len(recorded.resolved) == 7
