"""kill -9 at random moments: nothing lost, nothing closed, and the rerun ends where it should."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import psutil
import pytest

from compline.cli import scan as cli
from compline.model import Look, RunResult
from compline.pipeline import conclude, discover, plan
from compline.pipeline import scan as scan_step
from compline.pipeline.request import Request
from compline.pipeline.session import Session
from compline.scanners.interface import Job, ScanContext
from compline.store.outbox import list_regressions

FORK = multiprocessing.get_context("fork")
FUNCTION = "def work_{n}(text):\n    value = {n}\n    return eval(text, value)\n\n\n"
SEED = int(os.environ.get("COMPLINE_SEED", "0"))
"""`make prove` runs these tests with many."""
ABOVE = "".join(f"SETTING_{n} = {n}\n" for n in range(40))


def module(numbers: Sequence[int], above: str = "") -> str:
    return above + "".join(FUNCTION.format(n=n) for n in numbers)


def state(organisation: Any) -> Counter[tuple[Any, ...]]:
    """Findings as they stand, without their ids, which are random."""
    return Counter(
        (
            one.target, one.rule, one.path, one.line, str(one.state), one.conditions,
            tuple(sorted((w.scanner, w.state, w.path, w.line) for w in one.witnesses)),
        )
        for one in organisation.findings().values()
    )  # fmt: skip


def worse(organisation: Any) -> Counter[tuple[str, str]]:
    with organisation.session() as session:
        found = [view.regression for view in list_regressions(session.store)]
    subjects = Counter((one.kind.value, one.subject) for one in found)
    assert set(subjects.values()) <= {1}, "nothing is told twice"
    return Counter((one.kind.value, one.target) for one in found)


def start(action: Callable[[], object]) -> Any:
    process = FORK.Process(target=action)
    process.start()
    return process


def kill(process: Any) -> None:
    """With signal 9, and then no child of it may live on."""
    family = psutil.Process(process.pid).children(recursive=True) if process.is_alive() else []
    process.kill()
    process.join(30)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == [], "tools die with the process that started them"


def by_target(counted: Counter[tuple[Any, ...]]) -> dict[str, Counter[tuple[Any, ...]]]:
    names = {key[0] for key in counted}
    return {n: Counter({k: v for k, v in counted.items() if k[0] == n}) for n in names}


def test_the_scanning_process(
    equipped: Any, make: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The real bandit over two repositories; a twin that nobody kills shows how it should end."""
    twin = make(tmp_path_factory.mktemp("twin"))
    twin.home.joinpath("work").mkdir()
    twin.home.joinpath("work", "tools").symlink_to((equipped.home / "work" / "tools").resolve())
    moments = random.Random(20260101 + SEED)
    for number in range(5):
        # Each time the old code moves down or up and changes its file; one is new, one is gone.
        content = module(range(number, 12 + number), ABOVE * (number % 2))
        for name in ("one", "two"):
            for each in (equipped, twin):
                each.commit(name, {f"{name}{number // 2}.py": content, "calm.py": "x = 1\n"})
        began = time.monotonic()
        twin.night()
        lasted = time.monotonic() - began
        before, expected = state(equipped), state(twin)
        ids = set(equipped.findings())
        process = start(equipped.night)
        time.sleep(moments.uniform(0.02, lasted))
        kill(process)
        # Each target is as it was before, or as it is to be: nothing in between.
        between = by_target(state(equipped))
        for name, found in between.items():
            assert found in (by_target(before).get(name), by_target(expected)[name])
        assert ids <= set(equipped.findings())
        equipped.night()
        assert state(equipped) == expected
        assert worse(equipped) == worse(twin)
        assert ids <= set(equipped.findings())


@pytest.fixture
def many(organisation: Any, fake: Any, bad_lines: Any) -> Any:
    """Three repositories with hundreds of findings each, so that recording takes a while."""
    fake("bandit")
    organisation.listed = []
    return organisation


def tree(number: int) -> dict[str, str]:
    lines = [f"BAD {n}" for n in range(number * 20, 250 + number * 20)]
    return {f"part{number // 2}.txt": "\n".join(["fine"] * 40 * (number % 2) + lines) + "\n"}


def test_the_recording_process(
    many: Any, make: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Killed while it records; the same run is then taken up again, as Airflow's retry does."""
    twin = make(tmp_path_factory.mktemp("twin"))
    moments = random.Random(20260102 + SEED)
    for number in range(4):
        for name in ("one", "three", "two"):
            for each in (many, twin):
                each.commit(name, tree(number))
        twin.night()
        expected, before, ids = state(twin), state(many), set(many.findings())
        reader, writer = FORK.Pipe(duplex=False)
        process = start(lambda n=number, w=writer: one_try(many, f"night-{n}", w))  # type: ignore[misc]
        for _ in range(moments.randint(1, 3)):
            assert reader.poll(60)
            reader.recv()
        time.sleep(moments.uniform(0, 0.1))
        kill(process)
        for name, found in by_target(state(many)).items():
            assert found in (by_target(before).get(name), by_target(expected)[name])
        assert ids <= set(many.findings())
        assert retry(many, f"night-{number}") is RunResult.FINDINGS
        assert state(many) == expected
        assert worse(many) == worse(twin)


def one_try(organisation: Any, key: str, writer: Any) -> None:
    """A worker's task; tells before each record."""
    real = scan_step.record_target  # type: ignore[attr-defined]

    def telling(*arguments: Any) -> None:
        writer.send(b"x")
        real(*arguments)

    scan_step.record_target = telling  # type: ignore[attr-defined,assignment]
    with organisation.session() as session:
        run = discover.begin(session, "nightly", key, Request())
        for shard in range(plan.plan(session, run)):
            scan_step.scan_shard(session, run, shard, "worker/1")


def retry(organisation: Any, key: str) -> RunResult:
    """The retry comes when the dead worker's lease has run out."""
    with pytest.MonkeyPatch.context() as patch, organisation.session() as session:
        real = Session.now
        run = discover.begin(session, "nightly", key, Request())
        shards = plan.plan(session, run)
        patch.setattr(Session, "now", lambda self: real(self) + timedelta(minutes=3))
        for shard in range(shards):
            scan_step.scan_shard(session, run, shard, "worker/2")
        return conclude.conclude(session, run)


def test_a_nightly_and_an_ad_hoc_run_at_once(
    many: Any, fake: Any, bad_lines: Any, make: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two nights and an ad hoc look at the same targets, in three processes."""

    def slowly(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
        for job in jobs:
            time.sleep(0.05)
            yield bad_lines("bandit", job)

    fake("bandit", slowly)
    twin = make(tmp_path_factory.mktemp("twin"))
    for number in (0, 1):
        for name in ("one", "three", "two"):
            for each in (many, twin):
                each.commit(name, tree(number))
        twin.night()
        if not number:
            many.night()
    ids = set(many.findings())
    processes = [
        start(many.night),
        start(many.night),
        start(lambda: many.night(targets=("one",), revision="main")),
    ]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert state(many) == state(twin)
    assert worse(many) == worse(twin)
    assert ids <= set(many.findings())
    with many.session() as session:
        assert cli.run_once(session, Request())[1] is RunResult.FINDINGS
    assert state(many) == state(twin)
