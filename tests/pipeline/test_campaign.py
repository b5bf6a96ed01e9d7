"""A nightly and an ad hoc run and two deliverers at once, kill -9 at random moments.

Whatever dies when: after each round everything holds that must hold in a store, no finding's id
is lost, and in the end the store says what that of a twin says which nobody has disturbed, and
every delivery has arrived.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from compline.pipeline.notify import notify
from compline.pipeline.prune import prune_store
from compline.pipeline.session import Session
from compline.store.check import check
from compline.store.engine import Store, open_store
from compline.store.findings import list_findings
from compline.store.outbox import list_deliveries
from compline.store.schema import deliveries, metadata, regressions

FORK = multiprocessing.get_context("fork")
SEED = int(os.environ.get("COMPLINE_SEED", "0"))
ROUNDS = int(os.environ.get("COMPLINE_ROUNDS", "3"))
"""`make prove` runs 50 on each database."""
NAMES = ("one", "two", "three")


@pytest.fixture(params=["sqlite", "postgresql"])
def disturbed(request: pytest.FixtureRequest, organisation: Any, fake: Any, receiver: Any) -> Any:
    """Three repositories, a made-up scanner and one receiver of alerts."""
    fake("bandit")
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_session_url")
        with open_store(url) as store, store.writing() as connection:
            names = ", ".join(metadata.tables)
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        organisation.environment["STORE_URL"] = url
        organisation.sections["store"] = "env:STORE_URL"
    organisation.environment |= {
        "HOOK": f"http://{receiver.address}/",
        "HOOK_KEY": "0123456789abcdef0123456789abcdef",
    }
    channel = {"name": "hook", "url": "env:HOOK", "signing_key": "env:HOOK_KEY"}
    organisation.sections["alerts"] = {"console": False, "channels": [channel]}
    return organisation


def tree(dice: random.Random) -> dict[str, str]:
    """Some of twenty defects, in one of two files, now higher and now lower in it."""
    lines = [f"BAD {number}" for number in range(20) if dice.random() < 0.8]
    above = ["fine"] * dice.choice((0, 3, 40))
    return {f"part{dice.randint(0, 1)}.txt": "\n".join([*above, *lines, ""])}


def broken(store: Store) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.invariant.name, one.examples) for one in check(store) if one.broken]


def settled(organisation: Any) -> None:
    """PostgreSQL may still be busy with what the killed ones have sent."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with organisation.session() as session:
        if session.store.dialect == "postgresql":
            for _ in range(1_000):
                with session.store.reading() as connection:
                    if not connection.exec_driver_sql(query).scalar():
                        return
                time.sleep(0.01)
            pytest.fail("a killed one's connection stays")


def everything(organisation: Any) -> Counter[tuple[Any, ...]]:
    """The open findings without what is random or tells of the way there."""
    found = organisation.open().values()
    return Counter((one.target, one.rule, one.path, one.line, one.conditions) for one in found)


def upkeep(organisation: Any) -> None:
    with organisation.session() as session:
        prune_store(session, older_than=timedelta(seconds=1))


def deliverer(organisation: Any) -> None:
    with organisation.session() as session:
        for _ in range(20):
            notify(session)
            time.sleep(0.05)


def jobs(organisation: Any, dice: random.Random) -> Iterator[Any]:
    """What runs at once, in any order."""
    at_head = {"targets": (dice.choice(NAMES),)}
    beside = at_head | {"revision": "main"}
    work = [
        lambda: organisation.night(),
        lambda: organisation.night(**dice.choice((at_head, beside))),
        lambda: deliverer(organisation),
        lambda: deliverer(organisation),
        lambda: upkeep(organisation),
    ]
    dice.shuffle(work)
    yield from work


def test_nothing_is_lost_and_everything_holds(
    disturbed: Any, make: Any, receiver: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    dice = random.Random(20260301 + SEED)
    twin = make(tmp_path_factory.mktemp("twin"))
    for name in NAMES:
        content = tree(dice)
        for each in (disturbed, twin):
            each.commit(name, content)
    disturbed.night()
    killed = 0
    for _ in range(ROUNDS):
        ids = set(disturbed.findings())
        for name in dice.sample(NAMES, 2):
            content = tree(dice)
            for each in (disturbed, twin):
                each.commit(name, content)
        processes = [FORK.Process(target=job) for job in jobs(disturbed, dice)]
        for process in processes:
            process.start()
        doomed = dice.sample(processes, dice.randint(1, 4))
        for process in doomed:
            time.sleep(dice.uniform(0, 0.5))
            killed += process.is_alive()
            process.kill()
        for process in processes:
            process.join(120)
            assert process.exitcode == 0 or process in doomed
        settled(disturbed)
        with disturbed.session() as session:
            assert broken(session.store) == []
        assert ids <= set(disturbed.findings()), "an id is for ever"
    assert killed
    in_peace(disturbed)
    twin.night()
    assert everything(disturbed) == everything(twin)
    arrived(disturbed, receiver)


def in_peace(organisation: Any) -> None:
    """A night that nobody disturbs, when the leases of the dead have run out."""
    with pytest.MonkeyPatch.context() as patch:
        real = Session.now
        patch.setattr(Session, "now", lambda self: real(self) + timedelta(days=1))
        organisation.night()
        with organisation.session() as session:
            assert notify(session) == 0
            assert broken(session.store) == []


def arrived(organisation: Any, receiver: Any) -> None:
    with organisation.session() as session:
        waiting = [one for one in list_deliveries(session.store) if one.state != "delivered"]
        assert waiting == []
        with session.store.reading() as connection:
            sent = set(connection.scalars(select(deliveries.c.id)))
            unrouted = select(regressions.c.id).where(regressions.c.routed.is_(False))
            assert connection.execute(unrouted).all() == []
        subjects = {one.id for one in list_findings(session.store)}
    assert sent <= {one.json["id"] for one in receiver.got}
    assert sent
    assert subjects
