"""A channel that refuses gets its message later, once; what never gets through is a dead letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from compline.alerts.channels import DeliveryFailed
from compline.pipeline import notify as notify_step
from compline.pipeline.notify import notify
from compline.pipeline.session import Session
from compline.store.outbox import (
    claim_deliveries,
    list_deliveries,
    list_regressions,
    retry_delivery,
)


@dataclass
class Receiver:
    """Stands where Apprise stands."""

    refuses: bool = False
    got: list[str] = field(default_factory=list)
    tried: int = 0

    def send(self, subject: str, body: str) -> None:
        self.tried += 1
        if self.refuses:
            raise DeliveryFailed("503, busy")
        self.got.append(f"{subject}\n{body}")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """What `env:PAGER` leads to."""
    made = Receiver()

    def apprise(url: str) -> Receiver:
        assert url == "json://pager.example.org"
        return made

    monkeypatch.setattr(notify_step, "AppriseChannel", apprise)
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[timedelta]]:
    """How far the session's clock is ahead."""
    ahead = [timedelta(0)]
    real = Session.now
    monkeypatch.setattr(Session, "now", lambda self: real(self) + ahead[0])
    return iter([ahead]).__next__()  # type: ignore[return-value]


@pytest.fixture
def alerted(organisation: Any, fake: Any, receiver: Receiver) -> Any:
    """After the night that made something worse; its alert could not be delivered."""
    fake("bandit")
    organisation.environment["PAGER"] = "json://pager.example.org"
    organisation.sections["alerts"] = {"channels": [{"name": "pager", "url": "env:PAGER"}]}
    organisation.commit("web", {"a.txt": "BAD old\n"})
    organisation.night()
    assert receiver.tried == 0, "nobody is told of what was there before the first look"
    organisation.commit("web", {"a.txt": "BAD old\nBAD new\n"})
    receiver.refuses = True
    night = organisation.night()
    assert receiver.tried == 1
    assert any("pager: 503, busy" in line for line in night.told)
    assert any("ALERT [Compline acme] web: 1 new" in line for line in night.told), "the console"
    return organisation


def states(session: Any) -> dict[str, str]:
    return {one.channel: one.state for one in list_deliveries(session.store)}


def test_it_is_tried_again_later_and_delivered_once(
    alerted: Any, receiver: Receiver, clock: list[timedelta]
) -> None:
    receiver.refuses = False
    with alerted.session() as session:
        assert states(session) == {"pager": "pending", "console": "delivered"}
        assert notify(session) == 0, "not yet due"
        assert receiver.got == []
        clock[0] = timedelta(minutes=5)
        assert notify(session) == 0
        assert len(receiver.got) == 1
        assert "1 new" in receiver.got[0]
        clock[0] = timedelta(hours=5)
        notify(session)
        assert len(receiver.got) == 1
        assert states(session) == {"pager": "delivered", "console": "delivered"}


def test_the_unchanged_night_tells_nothing_new(alerted: Any, receiver: Receiver) -> None:
    receiver.refuses = False
    alerted.night()
    with alerted.session() as session:
        assert len(list_deliveries(session.store)) == 2
        assert len(list_regressions(session.store)) == 1


def test_what_is_refused_for_ever_is_a_dead_letter_that_can_be_retried(
    alerted: Any, receiver: Receiver, clock: list[timedelta]
) -> None:
    with alerted.session() as session:
        waits = []
        for _ in range(30):
            [pending] = list_deliveries(session.store, state="pending") or [None]
            if pending is None:
                break
            waits.append(pending.not_before - session.now())
            clock[0] += timedelta(hours=5)
            assert notify(session) == 1
        assert receiver.tried == 10
        assert waits == sorted(waits)[: len(waits)] or waits[0] < waits[-1], "ever longer"
        [dead] = list_deliveries(session.store, state="dead")
        assert dead.error == "503, busy"
        clock[0] += timedelta(days=1)
        notify(session)
        assert receiver.tried == 10
        receiver.refuses = False
        retry_delivery(session.store, dead.id, session.now())
        assert notify(session) == 0
        assert len(receiver.got) == 1
        assert states(session)["pager"] == "delivered"


def test_a_sender_that_died_gives_the_delivery_back(
    alerted: Any, receiver: Receiver, clock: list[timedelta]
) -> None:
    receiver.refuses = False
    with alerted.session() as session:
        clock[0] = timedelta(minutes=5)
        [claimed] = claim_deliveries(session.store, "dies now", session.now())
        notify(session)
        assert receiver.got == [], "its lease holds"
        clock[0] = timedelta(minutes=10)
        notify(session)
        assert len(receiver.got) == 1
        [done] = [one for one in list_deliveries(session.store) if one.channel == "pager"]
        assert done.id == claimed.id


def test_one_broken_channel_does_not_stop_the_others(
    organisation: Any, fake: Any, receiver: Receiver
) -> None:
    fake("bandit")
    organisation.environment["PAGER"] = "json://pager.example.org"
    organisation.sections["alerts"] = {
        "channels": [
            {"name": "broken", "url": "env:NOT_SET"},
            {"name": "pager", "url": "env:PAGER"},
        ]
    }
    organisation.commit("web", {"a.txt": "fine\n"})
    organisation.night()
    organisation.commit("web", {"a.txt": "BAD\n"})
    organisation.night()
    assert len(receiver.got) == 1
    with organisation.session() as session:
        found = {one.channel: one for one in list_deliveries(session.store)}
    assert found["broken"].state == "pending"
    assert "NOT_SET" in found["broken"].error


def test_a_channel_that_crashes_does_not_stop_the_others(
    organisation: Any, fake: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crashing:
        def __init__(self, url: str) -> None:
            self.url = url

        def send(self, subject: str, body: str) -> None:
            if "crash" in self.url:
                raise TypeError(f"a library's bug at {self.url}")
            receiver.send(subject, body)

    fake("bandit")
    monkeypatch.setattr(notify_step, "AppriseChannel", Crashing)
    organisation.environment |= {"A": "json://crash-hunter2", "B": "json://fine"}
    organisation.sections["alerts"] = {
        "channels": [{"name": "a", "url": "env:A"}, {"name": "b", "url": "env:B"}]
    }
    organisation.commit("web", {"a.txt": "fine\n"})
    organisation.night()
    organisation.commit("web", {"a.txt": "BAD\n"})
    night = organisation.night()
    assert len(receiver.got) == 1
    with organisation.session() as session:
        found = {one.channel: one for one in list_deliveries(session.store)}
    assert (found["a"].state, found["b"].state) == ("pending", "delivered")
    assert "TypeError" in found["a"].error
    assert "hunter2" not in found["a"].error + "\n".join(night.told)
