"""A channel that refuses gets its message later, once; what never gets through is a dead letter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from compline.alerts.channels import Envelope
from compline.alerts.messages import Message
from compline.findings.graph import Reach
from compline.model import RegressionKind, Severity
from compline.pipeline import notify as notify_step
from compline.pipeline.notify import MOST_ATTEMPTS, backoff, deliver, notify
from compline.store.outbox import claim_deliveries, list_deliveries, retry_delivery

KEY = "k" * 32


@pytest.fixture
def hooked(desk: Any, receiver: Any) -> Any:
    """One signed webhook hears of everything."""
    desk.environment |= {"HOOK": f"http://{receiver.address}/", "KEY": KEY}
    desk.alerts = {"channels": [{"name": "hook", "url": "env:HOOK", "signing_key": "env:KEY"}]}
    return desk


def states(session: Any) -> dict[str, str]:
    return {one.channel: one.state for one in list_deliveries(session.store)}


def test_it_is_tried_again_later_and_delivered_once(hooked: Any, receiver: Any, kit: Any) -> None:
    hooked.worse(kit.regression())
    receiver.refuse = 3
    with hooked.session() as session:
        for attempt in range(3):
            assert notify(session) == 1
            assert notify(session) == 0, "not yet due"
            [one] = list_deliveries(session.store)
            assert (one.state, one.error, one.attempts) == (
                "pending", "the receiver answers 503", attempt + 1,
            )  # fmt: skip
            hooked.now = one.not_before
        assert notify(session) == 0
        hooked.later(days=1)
        assert notify(session) == 0
    [got] = receiver.got
    ids = {one.headers["Idempotency-Key"] for one in (*receiver.refused, got)}
    assert len(ids) == 1
    assert len(receiver.refused) == 3


def test_retry_after_is_honoured(hooked: Any, receiver: Any, kit: Any) -> None:
    hooked.worse(kit.regression())
    receiver.refuse, receiver.status, receiver.headers = 1, 429, {"Retry-After": "3600"}
    with hooked.session() as session:
        notify(session)
        [one] = list_deliveries(session.store)
        assert one.not_before >= hooked.now + timedelta(hours=1)


def test_the_waits_grow_and_differ() -> None:
    middle = [backoff(attempt, None, 0.5) for attempt in range(1, MOST_ATTEMPTS)]
    assert middle[:4] == [60, 120, 240, 480]
    assert middle == sorted(middle)
    assert middle[-1] == 4 * 3600
    assert 36 * 3600 < sum(middle) < 60 * 3600
    assert backoff(3, None, 0.0) == 180
    assert backoff(3, None, 1.0) == 300
    assert backoff(1, 500.0, 0.5) == 500
    assert backoff(5, 1.0, 0.5) == 960


def test_what_is_refused_for_ever_is_a_dead_letter_that_can_be_retried(
    hooked: Any, receiver: Any, kit: Any
) -> None:
    hooked.worse(kit.regression())
    receiver.refuse = 1_000
    with hooked.session() as session:
        for _ in range(MOST_ATTEMPTS):
            assert notify(session) == 1
            hooked.later(hours=6)
        [dead] = list_deliveries(session.store, state="dead")
        assert dead.error == "the receiver answers 503"
        assert notify(session) == 0
        assert len(receiver.refused) == MOST_ATTEMPTS
        receiver.refuse = 0
        retry_delivery(session.store, dead.id, session.now())
        assert deliver(session) == 0
        assert states(session) == {"hook": "delivered"}
    assert [one.json["id"] for one in receiver.got] == [dead.id]


def test_a_sender_that_died_gives_the_delivery_back(hooked: Any, receiver: Any, kit: Any) -> None:
    hooked.worse(kit.regression())
    with hooked.session() as session:
        notify_step.route_all(session)
        [claimed] = claim_deliveries(session.store, "dies now", session.now())
        assert deliver(session) == 0
        assert receiver.got == [], "its lease holds"
        hooked.later(minutes=3)
        deliver(session)
    assert [one.json["id"] for one in receiver.got] == [claimed.id]


def test_the_end_never_overtakes_the_beginning(hooked: Any, receiver: Any, kit: Any) -> None:
    lost = kit.regression("api/bandit", RegressionKind.SILENCE, None, target="")
    hooked.worse(lost)
    receiver.refuse = 1
    with hooked.session() as session:
        notify(session)
        hooked.later(seconds=10)
        assert notify(session) == 0  # no alarm is on: well again, while the first still waits
        assert len(list_deliveries(session.store)) == 2
        assert receiver.got == []
        hooked.later(minutes=5)
        notify(session)
    first, last = receiver.got
    assert (first.json["event"], last.json["event"]) == ("opened", "resolved")
    assert first.json["thread"] == last.json["thread"] == first.json["id"]
    assert last.json["closes"] == [first.json["id"]]


def test_one_broken_channel_does_not_stop_the_others(
    hooked: Any, receiver: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = notify_step.channel_at

    class Crashing:
        def send(self, _message: Message, _envelope: Envelope) -> str:
            raise TypeError("a library's bug at hunter2")

    def place(url: str, key: str = "", seconds: float = 20) -> Any:
        return Crashing() if "crash" in url else real(url, key, seconds)

    monkeypatch.setattr(notify_step, "channel_at", place)
    hooked.environment["CRASH"] = "json://crash-hunter2"
    hooked.alerts["channels"] += [
        {"name": "broken", "url": "env:NOT_SET"},
        {"name": "crashing", "url": "env:CRASH"},
    ]
    hooked.worse(kit.regression())
    with hooked.session() as session:
        assert notify(session) == 2
        found = {one.channel: one for one in list_deliveries(session.store)}
    assert {name: one.state for name, one in found.items()} == {
        "broken": "pending", "crashing": "pending", "hook": "delivered",
    }  # fmt: skip
    assert "NOT_SET" in found["broken"].error
    assert found["crashing"].error == "the channel crashed (TypeError)"
    assert "hunter2" not in "\n".join(hooked.told)
    assert len(receiver.got) == 1


def test_a_channel_that_is_down_costs_two_tries_a_time(
    hooked: Any, receiver: Any, kit: Any
) -> None:
    hooked.alerts["flood"] = 20
    hooked.worse(*(kit.regression(f"CMP-{number}") for number in range(15)))
    receiver.refuse = 1_000
    with hooked.session() as session:
        assert notify(session) == 2
        receiver.refuse = 0
        assert notify(session) == 0
        assert len(receiver.got) == 13
        hooked.later(minutes=5)
        assert notify(session) == 0
    assert len({one.json["id"] for one in receiver.got}) == 15


def test_a_channel_that_is_no_longer_configured(hooked: Any, receiver: Any, kit: Any) -> None:
    hooked.worse(kit.regression())
    with hooked.session() as session:
        notify_step.route_all(session)
    hooked.alerts = {}
    with hooked.session() as session:
        assert deliver(session) == 1
        [one] = list_deliveries(session.store)
    assert one.error == "channel hook is no longer configured"
    assert receiver.got == []


def test_severities_and_quiet_hours_from_the_configuration(
    hooked: Any, receiver: Any, kit: Any
) -> None:
    quiet = {"start": "11:00", "end": "13:00", "break_through": "critical"}
    hooked.alerts["rules"] = [
        {"name": "all", "to": ["hook"], "quiet": quiet, "when": {"severity": "high"}}
    ]
    hooked.worse(
        kit.regression("CMP-1"),
        kit.regression("CMP-2", severity=Severity.LOW),
        kit.regression("CMP-3", severity=Severity.CRITICAL),
    )
    with hooked.session() as session:
        notify(session)
        assert [one.json["entries"][0]["subject"] for one in receiver.got] == ["CMP-3"]
        hooked.later(hours=1)
        notify(session)
        notify(session)
    assert [one.json["entries"][0]["subject"] for one in receiver.got] == ["CMP-3", "CMP-1"]


def test_the_graph_is_loaded_only_where_there_is_something_to_tell(
    hooked: Any, receiver: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []

    def reach_by_target(session: Any) -> Any:
        loaded.append(session)
        return lambda _name: Reach(("endpoint/scoring",), 1)

    monkeypatch.setattr("compline.pipeline.route.reach_by_target", reach_by_target)
    hooked.alerts["rules"] = [{"name": "all", "to": ["hook"], "digest": {"time": "08:00"}}]
    with hooked.session() as session:
        notify(session)
        assert loaded == [], "nothing is there"
        hooked.worse(kit.regression("api/bandit", RegressionKind.SILENCE, None, target="api"))
        notify(session)
        notify(session)
        assert len(loaded) == 1, "it waits for the morning, and nothing is due"
        hooked.later(days=1)
        notify(session)
    assert len(loaded) == 2
    (message,) = receiver.got
    assert message.json["entries"][0]["reaches"] == ["endpoint/scoring"]
