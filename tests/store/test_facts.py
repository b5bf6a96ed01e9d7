"""Facts in a store: one row per subject, written on change, and one regression row per change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from compline.findings.waivers import Source, Waiver, WaiverPolicy, WaiverState
from compline.model import (
    Completed,
    Confidence,
    Fact,
    Failed,
    FindingKind,
    Gap,
    GapReason,
    Observation,
    Place,
    RegressionKind,
    Severity,
)
from compline.store.check import check
from compline.store.facts import list_facts
from compline.store.gone import resolve_gone
from compline.store.ids import new_waiver_id
from compline.store.record import record_adhoc
from compline.store.runs import start_run
from compline.store.schema import facts
from compline.store.targets import sync_targets
from compline.store.waivers import add_waiver

SUBJECT = "grant/ann/registered_model/fraud"
READ = Fact(RegressionKind.PERMISSION_WIDENED, SUBJECT, "READ", 1, "ann on fraud")
EDIT = replace(READ, value="EDIT", rank=3)
SCANNER = "registry-permissions"


def beyond(severity: Severity = Severity.HIGH, title: str = "ann may EDIT fraud") -> Observation:
    return Observation(
        SCANNER, "grant-beyond-policy", FindingKind.ACCESS, severity, Confidence.HIGH, title,
        Place(SUBJECT), SUBJECT,
    )  # fmt: skip


def night(site: Any, *told: Fact, found: Any = (), gaps: Any = ()) -> Any:
    return site.night_of(Completed(tuple(found), tuple(gaps), told), f"night {site.night}", SCANNER)


def told(site: Any) -> list[tuple[str, str, str, str]]:
    rows = [view.regression for view in site.worse(site.run)]
    return [(one.kind.value, one.subject, one.title, one.detail) for one in rows]


@pytest.fixture(autouse=True)
def holds_at_the_end(site: Any) -> Any:
    yield
    assert [item for item in check(site.store) if item.broken] == []


def test_a_widened_permission_is_one_row_that_says_before_and_after(site: Any) -> None:
    night(site, READ)
    assert told(site) == []

    night(site, EDIT)

    assert told(site) == [
        (
            "permission-widened",
            f"api/{SUBJECT}",
            "ann on fraud: from READ to EDIT",
            "from READ to EDIT: what the service answers changed",
        )
    ]
    assert list_facts(site.store, "api") == {SCANNER: (EDIT,)}


def test_a_finding_that_opens_with_it_is_told_as_it_and_not_as_new(site: Any) -> None:
    night(site, READ)
    night(site, EDIT, found=[beyond()])

    (finding,) = site.open()
    assert told(site) == [
        (
            "permission-widened",
            finding.id,
            "ann on fraud: from READ to EDIT",
            "from READ to EDIT: what the service answers changed; ann may EDIT fraud",
        )
    ]
    (view,) = site.worse()
    assert view.regression.severity is Severity.HIGH


def test_a_finding_that_gets_graver_or_comes_back_with_it_as_well(site: Any) -> None:
    night(site, READ, found=[beyond(Severity.MEDIUM)])
    night(site, EDIT, found=[beyond(Severity.HIGH)])
    assert [kind for kind, *_ in told(site)] == ["permission-widened"]

    night(site)
    assert told(site) == []
    night(site, EDIT, found=[beyond()])
    assert [(kind, title) for kind, _, title, _ in told(site)] == [
        ("permission-widened", "ann on fraud: from nothing to EDIT")
    ]


def test_another_finding_is_told_beside_it(site: Any) -> None:
    other = replace(beyond(), subject="user/bob", place=Place("user/bob"))
    night(site, READ)
    night(site, EDIT, found=[beyond(), other])
    assert sorted(kind for kind, *_ in told(site)) == ["new", "permission-widened"]


def test_a_rerun_tells_and_writes_nothing_more(site: Any) -> None:
    night(site, READ)
    look = site.look(Completed((), (), (EDIT,)), SCANNER, "later")
    site.next_night()
    site.record(look)
    site.record(look)
    assert len(told(site)) == 1


def test_unchanged_facts_are_not_written(site: Any) -> None:
    night(site, READ)
    with site.store.reading() as connection:
        first = connection.execute(select(facts)).all()
    night(site, READ)
    with site.store.reading() as connection:
        assert connection.execute(select(facts)).all() == first


def test_a_failed_look_and_a_gap_keep_what_was_known(site: Any) -> None:
    night(site, READ)
    site.night_of(Failed("no connection"), "later", SCANNER)
    night(site, gaps=[Gap(GapReason.FORBIDDEN, "grant/")])
    assert list_facts(site.store, "api") == {SCANNER: (READ,)}
    night(site, EDIT)
    assert [title for *_, title, _ in told(site)] == ["ann on fraud: from READ to EDIT"]


def test_what_a_gap_hid_at_the_first_look_is_not_told_when_it_lifts(site: Any) -> None:
    night(site, gaps=[Gap(GapReason.FORBIDDEN, "grant/")])
    night(site, READ)
    assert told(site) == []
    assert list_facts(site.store, "api") == {SCANNER: (READ,)}


def test_an_ad_hoc_run_writes_none(site: Any) -> None:
    night(site, READ)
    run = start_run(site.store, "adhoc", site.now)
    look = site.look(Completed((), (), (EDIT,)), SCANNER, "now")
    record_adhoc(site.store, run, site.target, [look], now=site.now)
    assert list_facts(site.store, "api") == {SCANNER: (READ,)}
    assert site.worse() == ()


def test_an_older_look_that_comes_late_changes_nothing(site: Any) -> None:
    night(site, READ)
    late = site.next_night()
    at = site.now
    night(site, READ)
    look = site.look(Completed((), (), (EDIT,)), SCANNER, "late")
    assert site.record(look, at=at, run=late).rows[0].result == "superseded"
    assert list_facts(site.store, "api") == {SCANNER: (READ,)}


def test_a_subject_of_any_length_and_letters(site: Any) -> None:
    odd = replace(READ, subject="grant/" + "x" * 9000, value="R\0")
    night(site)
    night(site, odd)
    night(site, replace(odd, value="EDIT", rank=3))
    assert len(list_facts(site.store, "api")[SCANNER]) == 1


def test_thousands_at_once(site: Any) -> None:
    many = [replace(READ, subject=f"grant/u{n}/fraud") for n in range(3000)]
    night(site, *many)
    night(site, *[replace(one, value="USE", rank=2) for one in many])
    assert len(told(site)) == 3000


def test_a_target_that_is_gone_has_a_first_look_again(site: Any) -> None:
    night(site, READ, found=[beyond(Severity.LOW)])
    site.next_night()
    sync_targets(site.store, [], site.now)
    later = site.next_night()
    resolve_gone(site.store, later, site.now, site.now)
    assert list_facts(site.store, "api") == {}
    sync_targets(site.store, [site.target], site.now)
    night(site, EDIT)
    assert told(site) == []


def test_what_a_waiver_covers_is_told_to_nobody(site: Any) -> None:
    night(site, READ, found=[beyond()])
    (finding,) = site.open()
    waiver = Waiver(
        new_waiver_id(), Source.CLI, WaiverState.ACTIVE, "for the audit", "risk", site.now,
        site.now + timedelta(days=30), requester="ada", finding=finding.id,
    )  # fmt: skip
    add_waiver(site.store, waiver, WaiverPolicy(), site.now)
    night(site, EDIT, found=[beyond(title="ann may EDIT fraud, said otherwise")])
    assert told(site) == []
    assert list_facts(site.store, "api") == {SCANNER: (EDIT,)}
