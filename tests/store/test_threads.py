"""When something is well again, as the store knows it."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from compline.alerts.routing import Router
from compline.config.alerts import Alerts
from compline.model import Failed, Gap, GapReason, RegressionKind, Severity, Skipped
from compline.store.alarms import end_alarm, raise_alarm
from compline.store.outbox import list_deliveries
from compline.store.routing import route
from compline.store.schema import findings, targets, threads

TWO = {"a.py": "exec(a)\n", "b.py": "exec(b)\n"}


class Told:
    """A console that hears everything, and what it has heard since the last time."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.seconds = 0
        numbers = itertools.count(1)
        self.router = Router(
            Alerts.model_validate({"from_severity": "info"}), "acme", lambda: f"d{next(numbers):06}"
        )

    def now(self) -> list[tuple[str, str]]:
        """(event, kind) of what is said now."""
        before = {one.id for one in list_deliveries(self.site.store, limit=1000)}
        self.seconds += 1
        at = self.site.now + timedelta(seconds=self.seconds)
        route(self.site.store, lambda inbox: self.router.plan(inbox, at), at)
        said = [one for one in list_deliveries(self.site.store) if one.id not in before]
        return sorted(
            (entry["event"], entry["kind"]) for one in said for entry in one.payload["entries"]
        )

    def whys(self) -> list[str]:
        return [
            entry["why"]
            for one in list_deliveries(self.site.store)
            for entry in one.payload["entries"]
            if entry["event"] == "resolved"
        ]


@pytest.fixture
def told(site: Any) -> Told:
    return Told(site)


def test_a_finding(site: Any, kit: Any, told: Told) -> None:
    site.night_of(())
    assert told.now() == []
    site.night_of(kit.scan(TWO), "c2")
    assert told.now() == [("opened", "new"), ("opened", "new")]
    assert told.now() == []
    site.night_of(kit.scan({"a.py": "exec(a)\n"}), "c3", changes={"c2": kit.change(TWO, {})})
    assert told.now() == [("resolved", "new")]
    assert told.whys() == ["resolved (code)"]
    site.night_of(kit.scan(TWO), "c4")
    assert told.now() == [("opened", "reopened")]
    assert told.now() == []


def test_merging_is_no_news(site: Any, kit: Any, told: Told) -> None:
    """Two that turn out to be one: nothing is said until that one ends, then in both threads."""
    site.night_of(())
    site.night_of(kit.scan(TWO), "c2")
    told.now()
    older, younger = sorted(one.id for one in site.open())
    merged = findings.update().where(findings.c.id == younger)
    with site.store.writing() as connection:
        connection.execute(merged.values(merged_into=older, state="resolved"))
    assert told.now() == []
    ended = findings.update().where(findings.c.id == older)
    with site.store.writing() as connection:
        connection.execute(ended.values(state="resolved", cause="code"))
    assert told.now() == [("resolved", "new"), ("resolved", "new")]


def test_a_waived_finding_is_settled(site: Any, kit: Any, told: Told) -> None:
    site.night_of(())
    site.night_of(kit.scan({"a.py": "exec(a)\n"}), "c2")
    told.now()
    with site.store.writing() as connection:
        connection.execute(findings.update().values(waived_until=site.now + timedelta(days=30)))
    assert told.now() == [("resolved", "new")]
    assert "waived until 2025-02" in told.whys()[0]


def test_coverage_by_a_failure(site: Any, kit: Any, told: Told) -> None:
    site.night_of(kit.scan(TWO))
    assert told.now() == [("opened", "baseline")]
    site.night_of(Failed("killed"))
    assert told.now() == [("opened", "coverage-lost")]
    site.night_of(Failed("killed"))
    assert told.now() == []
    site.night_of(kit.scan(TWO))
    assert told.now() == [("resolved", "coverage-lost")]


def test_coverage_by_a_gap(site: Any, kit: Any, told: Told) -> None:
    site.night_of(kit.scan(TWO))
    told.now()
    gap = Gap(GapReason.CRASHED, "b.py")
    site.night_of(kit.scan({"a.py": "exec(a)\n"}), gaps=[gap])
    assert told.now() == [("opened", "coverage-lost")]
    site.night_of(kit.scan({"a.py": "exec(a)\n"}), gaps=[gap])
    assert told.now() == []
    site.night_of(kit.scan(TWO))
    assert told.now() == [("resolved", "coverage-lost")]


def test_coverage_by_a_skip(site: Any, kit: Any, told: Told) -> None:
    site.night_of(kit.scan(TWO))
    told.now()
    site.night_of(Skipped("nothing to look at"))
    assert told.now() == [("opened", "coverage-lost")]
    assert told.now() == []


def test_old_advisories(site: Any, kit: Any, told: Told) -> None:
    site.night_of([kit.advisory()], scanner="pip-audit")
    told.now()
    old = {"warnings": ("stale advisories: of 2024-01-01",)}
    site.night_of([kit.advisory()], scanner="pip-audit", **old)
    assert told.now() == [("opened", "advisories-stale")]
    site.night_of([kit.advisory()], scanner="pip-audit", **old)
    assert told.now() == []
    site.night_of([kit.advisory()], scanner="pip-audit")
    assert told.now() == [("resolved", "advisories-stale")]


def test_a_held_drop(site: Any, kit: Any, told: Told) -> None:
    many = {f"f{n}.py": "exec(a)\n" for n in range(20)}
    site.night_of(kit.scan(many))
    told.now()
    site.night_of((), "c2", changes={"c1": kit.change(many, many)}, changed=0.0)
    assert told.now() == [("opened", "drop-held")]
    assert told.now() == []
    site.night_of(kit.scan(many), "c3", changes={"c1": kit.change(many, many)})
    assert told.now() == [("resolved", "drop-held")]


def test_a_target_that_is_no_longer_listed(site: Any, kit: Any, told: Told) -> None:
    site.night_of(kit.scan(TWO))
    told.now()
    site.night_of(Failed("killed"))
    told.now()
    with site.store.writing() as connection:
        connection.execute(targets.update().values(state="vanished"))
    assert told.now() == [("resolved", "coverage-lost")]
    assert told.whys() == ["the target is no longer listed"]


def test_alarms(site: Any, told: Told) -> None:
    store, kind = site.store, RegressionKind.SILENCE
    for _ in range(2):
        raise_alarm(store, kind, "nightly", Severity.HIGH, "it did not start", "", site.now)
    assert told.now() == [("opened", "silence")]
    raise_alarm(store, kind, "nightly", Severity.HIGH, "it did not start", "", site.now)
    assert told.now() == []
    assert end_alarm(store, kind, "nightly")
    assert not end_alarm(store, kind, "nightly")
    assert told.now() == [("resolved", "silence")]
    raise_alarm(store, kind, "nightly", Severity.HIGH, "it did not start", "", site.now)
    assert told.now() == [("opened", "silence")]
    with store.reading() as connection:
        assert len(connection.execute(threads.select()).all()) == 1
