"""kill -9 at every step of routing and delivering: every delivery arrives, under one id."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from compline.model import RegressionKind, Severity
from compline.pipeline import notify as notify_step
from compline.pipeline.notify import notify
from compline.store.handle import Store
from compline.store.outbox import list_deliveries
from compline.store.routing import inbox_of
from compline.store.schema import metadata

CHANNELS = {"hook", "mail"}


def die_at(store: Store, step: int) -> Callable[..., None]:
    """Kills this process, as kill -9 does, at its so-manieth step: each statement and each commit
    of the store, and before and after each sending. Gives what counts a step."""
    left = step

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    # Its writer is the same engine with an option, and passes its events on.
    event.listen(store._engine, "before_cursor_execute", count)
    event.listen(store._engine, "commit", count)
    return count


def notify_and_die(desk: Any, step: int) -> bool:
    """In a process of its own; gives whether it was killed."""
    child = os.fork()
    if not child:
        try:
            with desk.session() as session:
                count = die_at(session.store, step)
                real = notify_step.send

                def send(*arguments: Any) -> str:
                    count()
                    note = real(*arguments)
                    count()  # the channel has said yes, and nobody knows
                    return note

                notify_step.send = send
                notify(session)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.fixture
def equipped(desk: Any, receiver: Any, mailbox: Any) -> Any:
    """Two channels that hear of everything."""
    desk.environment |= {
        "HOOK": f"http://{receiver.address}/",
        "KEY": "key",
        "MAIL": f"mailto://127.0.0.1:{mailbox.port}/?from=c@acme.example&to=a@acme.example"
        "&mode=insecure",
    }
    desk.alerts = {
        "channels": [
            {"name": "hook", "url": "env:HOOK", "signing_key": "env:KEY"},
            {"name": "mail", "url": "env:MAIL"},
        ]
    }
    return desk


def write(desk: Any, kit: Any, number: int) -> set[str]:
    """So many subjects."""
    lost = kit.regression("api/bandit", RegressionKind.COVERAGE_LOST, None)
    worse = [lost, kit.regression("CMP-1"), kit.regression("CMP-2", severity=Severity.CRITICAL)]
    desk.worse(*worse[:number])
    return {one.subject for one in worse[:number]}


def arrived(receiver: Any, mailbox: Any) -> Counter[tuple[str, str]]:
    """(channel, delivery id) to how often."""
    hooks = Counter(("hook", got.json["id"]) for got in receiver.got)
    mails = [str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in mailbox.mails]
    return hooks + Counter(("mail", number) for number in mails)


def check_all_arrived(
    desk: Any, receiver: Any, mailbox: Any, subjects: set[str]
) -> Counter[tuple[str, str]]:
    """After the dead sender's lease: everything is there, and nothing else. Gives what came."""
    start = desk.now
    desk.later(minutes=10)
    with desk.session() as session:
        notify(session)
        assert inbox_of(session.store, session.now()).fresh == ()
        sent = list_deliveries(session.store)
    desk.now = start
    assert {one.state for one in sent} == {"delivered"}
    assert sorted((one.channel, one.subject.removeprefix("coverage-lost:")) for one in sent) == (
        sorted((channel, subject) for channel in CHANNELS for subject in subjects)
    )
    came = arrived(receiver, mailbox)
    assert set(came) == {(one.channel, one.id) for one in sent}, "no id but the outbox's"
    return came


def test_at_every_step(
    equipped: Any, kit: Any, receiver: Any, mailbox: Any, tmp_path: Path
) -> None:
    subjects = write(equipped, kit, 1)
    fresh, work = tmp_path / "fresh", tmp_path / "work"
    shutil.copytree(work, fresh)
    twice = []
    step = 0
    killed = True
    while killed:
        step += 1
        shutil.rmtree(work)
        shutil.copytree(fresh, work)
        receiver.got.clear()
        mailbox.mails.clear()
        killed = notify_and_die(equipped, step)
        came = check_all_arrived(equipped, receiver, mailbox, subjects)
        doubled = [one for one, number in came.items() if number > 1]
        assert len(doubled) <= 1, "only what was under way when the sender died"
        assert sum(came.values()) - len(came) == len(doubled)
        twice += doubled
    assert step > 25
    # Between a channel's yes and our mark there are three steps: those, and only those.
    assert 2 * 2 <= len(twice) <= 2 * 4


def test_at_some_steps_on_postgresql(
    equipped: Any, kit: Any, receiver: Any, mailbox: Any, postgres_url: str
) -> None:
    equipped.environment["STORE"] = postgres_url
    equipped.sections["store"] = "env:STORE"
    for step in range(3, 60, 9):
        with equipped.session() as session, session.store.writing() as connection:
            names = ", ".join(metadata.tables)
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        subjects = write(equipped, kit, 3)
        receiver.got.clear()
        mailbox.mails.clear()
        notify_and_die(equipped, step)
        came = check_all_arrived(equipped, receiver, mailbox, subjects)
        assert sum(came.values()) - len(came) <= 1


def test_two_senders_at_once(
    equipped: Any, kit: Any, receiver: Any, mailbox: Any, postgres_url: str
) -> None:
    """Two processes, both databases: each delivery goes out once."""
    for url in ("", postgres_url):
        if url:
            equipped.environment["STORE"] = url
            equipped.sections["store"] = "env:STORE"
        receiver.got.clear()
        mailbox.mails.clear()
        subjects = write(equipped, kit, 3)
        children = []
        for _ in range(2):
            child = os.fork()
            if not child:
                code = 1
                try:
                    with equipped.session() as session:
                        notify(session)
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        came = check_all_arrived(equipped, receiver, mailbox, subjects)
        assert set(came.values()) == {1}
