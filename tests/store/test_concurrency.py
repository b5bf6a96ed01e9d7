"""Two at once, and one that is killed: the store is in the state of some order of whole records."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from compline.model import Failed
from compline.store import record as recording
from compline.store.engine import Store, open_store
from compline.store.findings import finding_events, list_findings
from compline.store.ledger import coverage
from compline.store.outbox import list_regressions
from compline.store.record import Recorded, Reuse, record, record_reused
from compline.store.runs import list_runs, start_run

LINES = [f"exec(a{number})\n" for number in range(40)]


def tree(*numbers: int) -> dict[str, str]:
    return {"a.py": "".join(LINES[number] for number in numbers)}


def together(*calls: Callable[[], object]) -> None:
    """Runs them at the same time; the first error of any is raised."""
    gate = threading.Barrier(len(calls))
    errors: list[BaseException] = []

    def start(call: Callable[[], object]) -> None:
        gate.wait()
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_of_two_looks_the_newer_one_counts(store: Store, store_url: str, kit: Any) -> None:
    """In whatever order they get through, three times over."""
    site = kit.site(store)
    site.night_of(kit.scan(tree(0, 1, 2)))
    known = site.ids()
    for _ in range(3):
        site.next_night()
        older, newer = (start_run(store, "adhoc", site.now) for _ in range(2))

        def look(run: int, hours: int, *numbers: int) -> None:
            with open_store(store_url) as mine:
                record(
                    mine,
                    run,
                    "api",
                    [site.look(kit.scan(tree(*numbers)), revision=f"c{run}")],
                    looked_at=site.now + timedelta(hours=hours),
                    now=site.now,
                )

        together(lambda: look(older, 1, 0, 5), lambda: look(newer, 2, 0, 1, 2))  # noqa: B023
        assert {finding.id for finding in site.open()} == set(known.values())
        rows = {run: coverage(store, run)[0].result for run in (older, newer)}
        assert rows[newer] == "recorded"
        assert rows[older] in {"recorded", "superseded"}


def test_two_scanners_at_once_agree_on_one_finding(store: Store, store_url: str, kit: Any) -> None:
    """Each sees the same lines; neither has seen the other's findings when it began to look."""
    site = kit.site(store)
    site.next_night()

    def look(scanner: str) -> None:
        with open_store(store_url) as mine:
            found = kit.scan(tree(*range(40)), scanner)
            record(
                mine,
                site.run,
                "api",
                [site.look(found, scanner)],
                looked_at=site.now,
                now=site.now,
            )

    together(lambda: look("bandit"), lambda: look("semgrep"), lambda: look("other"))
    found = site.open()
    assert len(found) == 40
    assert {len(finding.witnesses) for finding in found} == {3}
    assert {finding.conditions for finding in found} == {()}


def test_what_came_in_between_is_taken_into_account(
    store: Store, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deterministic: another run records after this one has read and before it writes."""
    site = kit.site(store)
    site.night_of(kit.scan(tree(0, 1)))
    other = start_run(store, "adhoc", site.now)
    site.next_night()
    calls = 0
    decide = recording.decide

    def slow(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            record(
                store,
                other,
                "api",
                [site.look(kit.scan(tree(0, 1), "semgrep"), "semgrep")],
                looked_at=site.now,
                now=site.now,
            )
        return decide(*arguments)

    monkeypatch.setattr(recording, "decide", slow)
    site.record(site.look(kit.scan(tree(0, 1)), revision="c2"))
    assert calls == 3  # the other's, this one's in vain, and this one's again
    assert {len(finding.witnesses) for finding in site.open()} == {2}


def test_reusing_and_recording_at_once(store: Store, store_url: str, kit: Any) -> None:
    site = kit.site(store)
    site.night_of(kit.scan(tree(0, 1)))
    site.next_night()
    night, hand = (start_run(store, kind, site.now) for kind in ("nightly", "adhoc"))
    refused: list[Reuse] = []

    def reuse() -> None:
        with open_store(store_url) as mine:
            wanted = [Reuse("api", "bandit", "c1", kit.key.digest)]
            refused.extend(record_reused(mine, night, wanted, looked_at=site.now, now=site.now))

    def look() -> None:
        with open_store(store_url) as mine:
            record(
                mine,
                hand,
                "api",
                [site.look(kit.scan(tree(0)), revision="c2")],
                looked_at=site.now + timedelta(hours=1),
                now=site.now,
            )

    together(reuse, look)
    assert len(site.open()) == 1
    assert len(coverage(store, hand)) == 1
    assert len(coverage(store, night)) + len(refused) == 1


# Nights that open, close, reopen, move, fall into a gap and fail.
NIGHTS: tuple[tuple[int, ...] | None, ...] = (
    tuple(range(20)),
    tuple(range(25)),
    tuple(range(3, 25)),
    None,
    tuple(range(30)),
    tuple(range(29, -1, -1)),
)


def live(site: Any, kit: Any) -> None:
    """All nights from the first; what is recorded already is left as it is."""
    site.night = 0
    for number, content in enumerate(NIGHTS):
        site.next_night()
        if content is None:
            site.record(site.look(Failed("killed"), revision=f"c{number}"))
            continue
        files = tree(*content)
        site.record(
            site.look(kit.scan(files), revision=f"c{number}"),
            site.look(kit.scan(files, "semgrep"), "semgrep", f"c{number}"),
        )


def picture(store: Store) -> tuple[object, ...]:
    """The store's content without what is random.

    Runs are counted: PostgreSQL's sequence leaves out the number of one that was killed at birth.
    """
    found = list_findings(store)
    told = list_regressions(store)
    happened = [event for finding in found for event in finding_events(store, finding.id)]
    runs = sorted({event.run for event in happened} | {view.run for view in told})
    events = Counter((runs.index(event.run), event.kind) for event in happened)
    names = {finding.id: finding.witnesses[0].fingerprint for finding in found}
    return (
        sorted(
            (
                finding.state,
                finding.cause,
                [(w.scanner, w.state, w.fingerprint, w.line) for w in finding.witnesses],
            )
            for finding in found
        ),
        sorted(events.items()),
        sorted(
            (runs.index(view.run), view.regression.kind, names.get(view.regression.subject, ""))
            for view in told
        ),
    )


def recorded_nights(store: Store) -> int:
    """How many nights are recorded, and that none is recorded in part."""
    rows = [len(coverage(store, run.id)) for run in reversed(list_runs(store))]
    expected = [2 if content is not None else 1 for content in NIGHTS]
    done = [number for number in rows if number]
    assert done == expected[: len(done)]
    return len(done)


def wait_for_server(store: Store) -> None:
    """PostgreSQL may still be busy with what the killed client has sent."""
    if store.dialect == "postgresql":
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for _ in range(500):
            with store.reading() as connection:
                if not connection.exec_driver_sql(query).scalar():
                    return
            time.sleep(0.01)
        pytest.fail("the killed client's connection stays")


def test_killed_at_any_moment_nothing_is_lost(
    store: Store, store_url: str, kit: Any, tmp_path: Any
) -> None:
    """Twelve kills; after each the store is exactly as after some whole number of nights."""
    pictures: list[tuple[object, ...]] = [([], [], [])]
    with open_store(f"sqlite:///{tmp_path / 'undisturbed.db'}") as whole:
        other = kit.site(whole)
        record_all = other.record

        def watched(*looks: Any, **more: Any) -> Recorded:
            recorded: Recorded = record_all(*looks, **more)
            pictures.append(picture(whole))
            return recorded

        other.record = watched
        live(other, kit)
    assert len(pictures) == len(NIGHTS) + 1
    dice = random.Random(20250101 + int(os.environ.get("COMPLINE_SEED", "0")))
    seen = set()
    for moment in [dice.randint(1, 70) for _ in range(12)]:
        store.close()  # a connection must not cross the fork
        child = os.fork()
        if not child:
            with open_store(store_url) as mine:
                die_at_statement(mine, moment)
                live(kit.site(mine), kit)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        wait_for_server(store)
        nights = recorded_nights(store)
        assert picture(store) == pictures[nights]
        seen.add(nights)
    assert len(seen) > 1
    live(kit.site(store), kit)
    assert recorded_nights(store) == len(NIGHTS)
    assert picture(store) == pictures[-1]


def die_at_statement(store: Store, number: int) -> None:
    """Kills this process, as kill -9 does, at its so-manieth statement, commits included."""
    left = number

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    for engine in (store._engine, store._writer):
        event.listen(engine, "before_cursor_execute", count)
        event.listen(engine, "commit", count)
