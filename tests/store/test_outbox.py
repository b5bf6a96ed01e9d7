"""The outbox: routed once, claimed by one, in order, lost by nobody."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from compline.store.digests import Wait
from compline.store.engine import StoreError
from compline.store.outbox import (
    claim_deliveries,
    count_dead,
    deliveries_about,
    list_deliveries,
    mark_delivered,
    mark_failed,
    retry_dead,
    retry_delivery,
)
from compline.store.routing import Draft, Inbox, Plan, inbox_of, route
from compline.store.worse import list_regressions

Later = Callable[[float], datetime]
NUMBERS = itertools.count(1)


def each(inbox: Inbox) -> Plan:
    """A message for every regression."""
    return Plan(
        tuple(
            Draft(f"d{next(NUMBERS):06}", "chat", view.regression.subject, {"title": "x"})
            for view in inbox.fresh
        )
    )


@pytest.fixture
def worse(site: Any, kit: Any, later: Later) -> Any:
    """A site where three findings are new since the baseline, which was told."""
    site.night_of(())
    route(site.store, lambda _inbox: Plan(), later(0))
    site.night_of(kit.scan({"a.py": "exec(a)\nexec(b)\nexec(c)\n"}))
    return site


class TestRouting:
    def test_each_is_routed_once(self, worse: Any, later: Later) -> None:
        assert len(inbox_of(worse.store, later(0)).fresh) == 3
        assert len(route(worse.store, each, later(0)).drafts) == 3
        assert route(worse.store, each, later(1)).drafts == ()
        assert all(view.routed for view in list_regressions(worse.store))
        waiting = list_deliveries(worse.store)
        assert {item.subject for item in waiting} == {one.id for one in worse.open()}
        assert {(item.state, item.channel, item.attempts) for item in waiting} == {
            ("pending", "chat", 0)
        }
        assert all(item.thread == item.id for item in waiting)

    def test_a_router_that_breaks_loses_nothing(self, worse: Any, later: Later) -> None:
        def broken(inbox: Inbox) -> Plan:
            waits = [Wait("chat", "daily", view.id, later(0)) for view in inbox.fresh]
            drafts = each(inbox).drafts
            return Plan((*drafts, drafts[0]), waits=tuple(waits))  # the same id twice

        with pytest.raises(Exception, match=r"(?i)unique"):
            route(worse.store, broken, later(0))
        assert list_deliveries(worse.store) == ()
        assert len(inbox_of(worse.store, later(0)).fresh) == 3
        assert len(route(worse.store, each, later(1)).drafts) == 3

    def test_only_what_was_looked_up(self, worse: Any, later: Later) -> None:
        first = inbox_of(worse.store, later(0)).fresh[0]
        assert len(route(worse.store, each, later(0), only=[first.id]).drafts) == 1
        assert len(inbox_of(worse.store, later(0)).fresh) == 2

    def test_what_waits_comes_when_it_is_due(self, worse: Any, later: Later) -> None:
        def wait(inbox: Inbox) -> Plan:
            assert inbox.due == ()
            return Plan(
                waits=tuple(Wait("chat", "daily", view.id, later(60)) for view in inbox.fresh)
            )

        seen: list[Inbox] = []

        def look(inbox: Inbox) -> Plan:
            seen.append(inbox)
            return Plan(done=tuple(entry.id for entry in inbox.due))

        route(worse.store, wait, later(0))
        for seconds in (59, 60, 61):
            route(worse.store, look, later(seconds))
        assert [len(inbox.due) for inbox in seen] == [0, 3, 0]
        assert {entry.view.regression.subject for entry in seen[1].due} == {
            one.id for one in worse.open()
        }

    def test_listing(self, worse: Any, later: Later) -> None:
        views = list_regressions(worse.store, run=worse.run)
        assert [view.id for view in views] == sorted(view.id for view in views)
        assert list_regressions(worse.store, limit=2) == views[1:]
        assert list_regressions(worse.store, since=worse.now) == views
        assert list_regressions(worse.store, since=later(10**7)) == ()


class TestDelivering:
    def test_a_claim_is_one_senders(self, worse: Any, later: Later) -> None:
        store = worse.store
        route(store, each, later(0))
        mine = claim_deliveries(store, "one", later(0), lease_seconds=60, limit=2)
        rest = claim_deliveries(store, "two", later(0), lease_seconds=60)
        assert (len(mine), len(rest)) == (2, 1)
        assert not {item.id for item in mine} & {item.id for item in rest}
        assert claim_deliveries(store, "three", later(59)) == ()
        # Both have died: everything is due again, under the same ids.
        again = claim_deliveries(store, "three", later(60), lease_seconds=60)
        assert {item.id for item in again} == {item.id for item in (*mine, *rest)}
        assert {item.attempts for item in again} == {2}
        assert not mark_delivered(store, mine[0].id, "one", later(61))
        assert mark_delivered(store, mine[0].id, "three", later(61), note="1 was refused")
        assert not mark_delivered(store, mine[0].id, "three", later(62))
        [done] = list_deliveries(store, state="delivered")
        assert (done.id, done.delivered_at, done.error) == (mine[0].id, later(61), "1 was refused")

    def test_a_refusal_waits_and_then_is_given_up(self, worse: Any, later: Later) -> None:
        store = worse.store
        route(store, each, later(0))
        (one,) = claim_deliveries(store, "one", later(0), limit=1)
        assert mark_failed(store, one.id, "one", later(1), error="503\0", retry_at=later(90))
        claimed = {item.id for item in claim_deliveries(store, "one", later(89))}
        assert one.id not in claimed
        assert len(claimed) == 2
        (again,) = claim_deliveries(store, "two", later(90), limit=5)
        assert (again.id, again.attempts) == (one.id, 2)
        mark_failed(store, one.id, "two", later(91), error="404", retry_at=None)
        (dead,) = list_deliveries(store, state="dead")
        assert (dead.id, dead.error) == (one.id, "404")
        assert count_dead(store) == {"chat": 1}
        assert one.id not in {item.id for item in claim_deliveries(store, "x", later(9999))}
        retry_delivery(store, one.id, later(10_000))
        (due,) = claim_deliveries(store, "x", later(10_000))
        assert due.id == one.id
        mark_failed(store, one.id, "x", later(10_001), error="404", retry_at=None)
        assert retry_dead(store, later(10_002)) == 1
        assert count_dead(store) == {}

    def test_what_was_delivered_is_not_tried_again(self, worse: Any, later: Later) -> None:
        route(worse.store, each, later(0))
        (one,) = claim_deliveries(worse.store, "one", later(0), limit=1)
        mark_delivered(worse.store, one.id, "one", later(1))
        for name in (one.id, "nobody"):
            with pytest.raises(StoreError, match="waits: see `compline alerts list`"):
                retry_delivery(worse.store, name, later(2))

    def test_a_channel_can_be_left_alone(self, worse: Any, later: Later) -> None:
        route(worse.store, each, later(0))
        assert claim_deliveries(worse.store, "one", later(0), without={"chat"}) == ()
        assert len(claim_deliveries(worse.store, "one", later(0), without={"mail"})) == 3


def test_a_thread_goes_out_in_its_order(worse: Any, later: Later) -> None:
    store = worse.store

    def say(number: str, thread: str, channel: str = "chat") -> Callable[[Inbox], Plan]:
        return lambda _inbox: Plan((Draft(number, channel, "s", {}, thread),))

    route(store, say("b-first", "b-first"), later(0))
    route(store, say("a-second", "b-first"), later(1))
    route(store, say("c-other", "c-other"), later(2))
    first = claim_deliveries(store, "one", later(3))
    assert [item.id for item in first] == ["b-first", "c-other"]
    assert claim_deliveries(store, "two", later(4)) == ()
    mark_delivered(store, "c-other", "one", later(4))
    mark_failed(store, "b-first", "one", later(5), error="503", retry_at=later(500))
    assert claim_deliveries(store, "two", later(6)) == (), "the end never comes before the start"
    (again,) = claim_deliveries(store, "two", later(500))
    mark_delivered(store, again.id, "two", later(501))
    (last,) = claim_deliveries(store, "two", later(502))
    assert (last.id, last.thread) == ("a-second", "b-first")
    # One that was given up holds nobody up.
    route(store, say("d-first", "d-first"), later(600))
    route(store, say("d-second", "d-first"), later(601))
    (dead,) = claim_deliveries(store, "two", later(602))
    mark_failed(store, dead.id, "two", later(603), error="404", retry_at=None)
    assert [item.id for item in claim_deliveries(store, "two", later(604))] == ["d-second"]


def test_what_was_said_of_a_finding(worse: Any, later: Later) -> None:
    from compline.alerts.routing import Router  # the level above writes threads
    from compline.config.alerts import Alerts

    alerts = Alerts.model_validate({"from_severity": "info", "flood": 2})
    router = Router(alerts, "acme", lambda: f"d{next(NUMBERS):06}")
    route(worse.store, lambda inbox: router.plan(inbox, later(0)), later(0))
    [flood] = list_deliveries(worse.store)
    for finding in worse.open():
        assert [one.id for one in deliveries_about(worse.store, finding.id)] == [flood.id]
    assert deliveries_about(worse.store, "CMP-NOBODY") == ()
