"""Links between assets on both databases: who says so, when they end, what they raise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from compline.config.schema import Config
from compline.findings.deadlines import DeadlinePolicy
from compline.findings.lifecycle import Policy
from compline.findings.risk import RiskPolicy
from compline.model import Completed, Failed, Gap, GapReason, Link, Target, TargetKind
from compline.store.gone import resolve_gone
from compline.store.links import declare_links, list_links, refresh_reach
from compline.store.schema import findings
from compline.store.targets import list_targets, sync_targets
from compline.store.urgency import refresh_urgency

BUILT = Link("repository/api", "image/api", "is built into")
RUNS = Link("image/api", "endpoint/api-public", "runs in")


def known(site: Any) -> list[tuple[Link, str]]:
    return [(row.link, row.scanner) for row in list_links(site.store)]


def test_the_configurations_links_are_exactly_those_declared(site: Any) -> None:
    declare_links(site.store, [BUILT, RUNS, BUILT], site.start)
    declare_links(site.store, [BUILT], site.start)
    assert known(site) == [(BUILT, "declared")]
    declare_links(site.store, [], site.start)
    assert known(site) == []


def test_declaring_the_same_again_writes_nothing(site: Any, monkeypatch: Any) -> None:
    declare_links(site.store, [BUILT, RUNS], site.start)
    monkeypatch.setattr(site.store, "writing", lambda: pytest.fail("it takes the lock"))
    declare_links(site.store, [RUNS, BUILT, RUNS], site.start)
    assert known(site) == [(RUNS, "declared"), (BUILT, "declared")]


def test_links_of_a_target_end_when_it_is_gone_for_good(site: Any) -> None:
    declare_links(site.store, [RUNS], site.start)
    site.night_of(Completed((), (), links=(BUILT,)), scanner="lineage")
    sync_targets(site.store, [], site.start)
    assert resolve_gone(site.store, site.run, site.now, site.start) == 0
    assert known(site) == [(RUNS, "declared"), (BUILT, "lineage")], "a slip closes nothing"
    later = site.start + timedelta(days=1)
    assert resolve_gone(site.store, site.run, later, later) == 0
    assert known(site) == [(RUNS, "declared")]


def test_seen_links_end_when_a_whole_look_does_not_show_them(site: Any, kit: Any) -> None:
    def night(*links: Link, gaps: tuple[Gap, ...] = (), outcome: Any = None) -> None:
        seen = outcome or Completed((), gaps, links=links)
        site.night_of(seen, scanner="lineage")

    declare_links(site.store, [BUILT], site.start)
    night(BUILT, RUNS)
    assert known(site) == [(RUNS, "lineage"), (BUILT, "declared"), (BUILT, "lineage")]
    night(outcome=Failed("git did not answer"))
    night(RUNS, gaps=(Gap(GapReason.TRUNCATED),))
    assert known(site) == [(RUNS, "lineage"), (BUILT, "declared"), (BUILT, "lineage")]
    night(RUNS)
    assert known(site) == [(RUNS, "lineage"), (BUILT, "declared")]


def test_a_strangers_names_can_be_recorded(site: Any) -> None:
    odd = Link("dataset/\0\ud800", "repository/api", "is used\nby")
    site.night_of(Completed((), (), links=(odd,)), scanner="lineage")
    assert known(site) == [
        (Link("dataset/\ufffd\ufffd", "repository/api", "is used\ufffdby"), "lineage")
    ]


def test_what_a_target_reaches_raises_its_findings(site: Any, kit: Any) -> None:
    image = Target(TargetKind.IMAGE, "scoring", "scoring.tar")
    public = Target(TargetKind.ENDPOINT, "public", "https://x", labels={"exposure": "internet"})
    sync_targets(site.store, [site.target, image, public], site.start)
    declare_links(
        site.store,
        [
            Link("repository/api", "image/scoring", "is built into"),
            Link("image/scoring", "endpoint/public", "runs in"),
        ],
        site.start,
    )
    site.night_of([kit.advisory()])
    [finding] = site.open()
    refresh_reach(site.store, "exposure")
    assert {row.name: row.reaches for row in list_targets(site.store)} == {
        "api": ("internet",),
        "public": (),
        "scoring": ("internet",),
    }
    policy = RiskPolicy(exposure={"internet": 3})
    assert refresh_urgency(site.store, site.run, "1", DeadlinePolicy({}, ()), policy, site.now) == 1
    assert risk_of(site, finding.id) % 10 == 3
    # A record works it out in the same way.
    site.next_night()
    more = site.look([kit.advisory(), kit.advisory("b.txt", "CVE-9")], "bandit", "c2")
    site.record(more, policy=Policy(risk=policy))
    assert [risk_of(site, one.id) % 10 for one in site.open()] == [3, 3]
    declare_links(site.store, [], site.start)
    refresh_reach(site.store, "exposure")
    assert not any(row.reaches for row in list_targets(site.store))


def test_an_endpoint_without_the_label_raises_what_reaches_it(site: Any, kit: Any) -> None:
    served = Target(TargetKind.ENDPOINT, "served", "https://x")
    alone = Target(TargetKind.IMAGE, "alone", "alone.tar")
    sync_targets(site.store, [site.target, alone, served], site.start)
    declare_links(site.store, [Link("repository/api", "endpoint/served", "runs in")], site.start)
    refresh_reach(site.store, "exposure")
    assert {row.name: row.reaches for row in list_targets(site.store)} == {
        "api": ("endpoint",),
        "served": ("endpoint",),
        "alone": (),
    }
    assert Config(organisation="acme").risk.exposure["endpoint"] == 1


def risk_of(site: Any, finding: str) -> int:
    with site.store.reading() as connection:
        query = select(findings.c.risk).where(findings.c.id == finding)
        return int(connection.scalar(query))
