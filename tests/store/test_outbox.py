"""The outbox: routed once, claimed by one, lost by nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from compline.store.engine import StoreError
from compline.store.outbox import (
    Draft,
    RegressionView,
    claim_deliveries,
    list_deliveries,
    list_regressions,
    mark_delivered,
    mark_failed,
    retry_delivery,
    route_regressions,
)

Later = Callable[[float], datetime]


def each(views: Sequence[RegressionView]) -> Iterator[Draft]:
    for view in views:
        yield Draft("chat", view.regression.subject, {"title": view.regression.title})


@pytest.fixture
def worse(site: Any, kit: Any) -> Any:
    """A site where three findings are new since the baseline."""
    site.night_of(())
    site.night_of(kit.scan({"a.py": "exec(a)\nexec(b)\nexec(c)\n"}))
    return site


class TestRouting:
    def test_each_is_routed_once(self, worse: Any, later: Later) -> None:
        assert route_regressions(worse.store, each, later(0)) == 3
        assert route_regressions(worse.store, each, later(1)) == 0
        assert all(view.routed for view in list_regressions(worse.store))
        waiting = list_deliveries(worse.store)
        assert {item.subject for item in waiting} == {
            view.regression.subject for view in list_regressions(worse.store)
        }
        assert {(item.state, item.channel, item.attempts) for item in waiting} == {
            ("pending", "chat", 0)
        }

    def test_a_router_that_breaks_loses_nothing(self, worse: Any, later: Later) -> None:
        def broken(views: Sequence[RegressionView]) -> Iterator[Draft]:
            yield Draft("chat", "a", {})
            raise RuntimeError

        with pytest.raises(RuntimeError):
            route_regressions(worse.store, broken, later(0))
        assert list_deliveries(worse.store) == ()
        assert not any(view.routed for view in list_regressions(worse.store))
        assert route_regressions(worse.store, each, later(1)) == 3

    def test_a_router_may_drop_and_join(self, worse: Any, later: Later) -> None:
        def joined(views: Sequence[RegressionView]) -> Iterator[Draft]:
            yield Draft("chat", "api", {"count": len(views)}, run=views[0].run)

        assert route_regressions(worse.store, joined, later(0)) == 1
        (delivery,) = list_deliveries(worse.store)
        assert (delivery.payload, delivery.run) == ({"count": 3}, worse.run)

    def test_by_run(self, worse: Any, later: Later) -> None:
        assert route_regressions(worse.store, each, later(0), run=worse.run - 1) == 0
        assert route_regressions(worse.store, each, later(0), run=worse.run) == 3
        assert {item.run for item in list_deliveries(worse.store)} == {worse.run}

    def test_listing(self, worse: Any) -> None:
        views = list_regressions(worse.store)
        assert [view.id for view in views] == sorted(view.id for view in views)
        assert list_regressions(worse.store, limit=2) == views[1:]
        assert list_regressions(worse.store, run=1) == ()


class TestDelivering:
    def test_a_claim_is_one_senders(self, worse: Any, later: Later) -> None:
        store = worse.store
        route_regressions(store, each, later(0))
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
        assert mark_delivered(store, mine[0].id, "three", later(61))
        assert not mark_delivered(store, mine[0].id, "three", later(62))
        done = list_deliveries(store, state="delivered")
        assert [(item.id, item.delivered_at) for item in done] == [(mine[0].id, later(61))]

    def test_a_refusal_waits_and_then_is_given_up(self, worse: Any, later: Later) -> None:
        store = worse.store
        route_regressions(store, each, later(0))
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
        assert one.id not in {item.id for item in claim_deliveries(store, "x", later(9999))}
        retry_delivery(store, one.id, later(10_000))
        (due,) = claim_deliveries(store, "x", later(10_000))
        assert due.id == one.id

    def test_what_was_delivered_is_not_tried_again(self, worse: Any, later: Later) -> None:
        route_regressions(worse.store, each, later(0))
        (one,) = claim_deliveries(worse.store, "one", later(0), limit=1)
        mark_delivered(worse.store, one.id, "one", later(1))
        for name in (one.id, "nobody"):
            with pytest.raises(StoreError, match="waits: see `compline alerts list`"):
                retry_delivery(worse.store, name, later(2))
