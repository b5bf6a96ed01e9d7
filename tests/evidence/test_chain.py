"""One chain of manifests, whoever writes, whenever it is killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from typing import Any

import pytest

from compline.evidence.chain import make_link
from compline.evidence.locker import Locker
from compline.evidence.signing import SigningKeyUnusable
from compline.model import Completed, Failed
from compline.pipeline.accept import accept_drop
from compline.pipeline.conclude import conclude
from compline.pipeline.manifest import add_link
from compline.pipeline.verify import verify
from compline.store.holds import accept_drop as write_acceptance
from compline.store.manifests import last_manifest, manifest_rows


def test_every_run_has_a_link_that_names_the_one_before(archive: Any, kit: Any) -> None:
    runs = [archive.run(kit.seen()), archive.run(kit.seen(2), gaps=[kit.gap]), archive.reuse()]
    with archive.session() as session:
        rows = manifest_rows(session.store)
        assert [(row.number, row.run_id, row.kind) for row in rows] == [
            (number, run, "run") for number, run in enumerate(runs, 1)
        ]
        assert [row.previous for row in rows] == ["", rows[0].digest, rows[1].digest]
        said = json.loads(session.evidence.get_manifest(2, rows[1].digest))["said"]
        (ledger,) = said["ledger"]
        assert ledger["outcome"] == "completed"
        assert len(ledger["evidence"]) == 2
        assert ledger["gaps"] in said["gap_sets"]
        assert said["scan_keys"] == {kit.key.digest: ["tool", "1", "rules", "options", ""]}
        assert said["run"]["result"] == "findings"
        found = verify(session)
    assert found.problems == ()
    assert (found.links, found.rows, found.documents) == (3, 3, 4)
    assert found.head == f"3:{rows[2].digest}"


def test_concluding_again_changes_nothing(archive: Any, kit: Any) -> None:
    run = archive.run(kit.seen())
    with archive.session() as session:
        before = manifest_rows(session.store)
        conclude(session, run)
        assert manifest_rows(session.store) == before


def test_a_retry_that_could_look_after_all_gets_a_link_of_its_own(archive: Any, kit: Any) -> None:
    with archive.session() as session:
        run = archive.begin(session)
        archive.look(session, run, Failed("the tool is missing"))
        conclude(session, run)
        archive.look(session, run, Completed((kit.seen(),)))
        conclude(session, run)
        assert [row.run_id for row in manifest_rows(session.store)] == [run, run]
        assert verify(session).problems == ()


def test_a_run_that_was_killed_before_its_end_is_no_fault(archive: Any, kit: Any) -> None:
    """Killed between the manifest's file and the store's row, then concluded after all."""
    archive.run(kit.seen())
    with archive.session() as session:
        run = archive.begin(session)
        archive.look(session, run, Completed((kit.seen(),)))
        row = last_manifest(session.store)
        from compline.pipeline.manifest import link_of
        from compline.store.manifests import stated

        said = stated(session.store, run, "findings")
        link, content = make_link(link_of(row), "run", run, said, archive.now, None)
        session.evidence.put_manifest(link.number, content)
        found = verify(session)
        assert found.problems == ()
        assert "was killed while it was concluded" in found.notes[0]
        conclude(session, run)
        assert verify(session).problems == ()
        assert len(manifest_rows(session.store)) == 2


def _conclude_many(archive: Any, runs: list[int], start: Any) -> None:
    with archive.session() as session:
        start.wait()
        for run in runs:
            conclude(session, run)


def test_many_at_once_make_one_chain(archive: Any, kit: Any) -> None:
    runs = []
    with archive.session() as session:
        for _ in range(12):
            run = archive.begin(session)
            archive.look(session, run, Completed((kit.seen(),)))
            runs.append(run)
    context = multiprocessing.get_context("fork")
    start = context.Barrier(3)
    workers = [
        context.Process(target=_conclude_many, args=(archive, runs[place::3], start))
        for place in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    with archive.session() as session:
        rows = manifest_rows(session.store)
        assert [row.number for row in rows] == list(range(1, 13))
        assert sorted(row.run_id for row in rows) == runs
        assert verify(session).problems == ()


def _conclude_forever(archive: Any, runs: list[int]) -> None:
    with archive.session() as session:
        for run in runs:
            conclude(session, run)


def test_kills_at_any_moment_leave_one_chain(archive: Any, kit: Any) -> None:
    runs = []
    with archive.session() as session:
        for _ in range(40):
            run = archive.begin(session)
            archive.look(session, run, Completed((kit.seen(),)))
            runs.append(run)
    context = multiprocessing.get_context("fork")
    for patience in (0.02, 0.05, 0.08, 0.11):
        worker = context.Process(target=_conclude_forever, args=(archive, runs))
        worker.start()
        time.sleep(patience)
        if worker.pid is not None:
            os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        with archive.session() as session:
            assert verify(session).problems == ()
    _conclude_forever(archive, runs)
    with archive.session() as session:
        rows = manifest_rows(session.store)
        assert [row.number for row in rows] == list(range(1, 41))
        assert sorted(row.run_id for row in rows) == runs
        assert verify(session).problems == ()


def test_signed_by_a_key_of_the_configuration(small: Any, kit: Any, keys: Any) -> None:
    small.run(kit.seen())
    small.sections["evidence"] = {"signing_key": "env:SIGNING_KEY"}
    small.environment["SIGNING_KEY"] = keys[0].replace("\n", "\\n")
    small.run(kit.seen())
    with small.session() as session:
        first, second = manifest_rows(session.store)
        assert (first.signature, bool(second.signature)) == ("", True)
        found = verify(session)
        assert found.problems == ()
        assert found.signed == 1
    assert keys[0] not in "".join(
        path.read_text("latin-1") for path in small.home.rglob("*") if path.is_file()
    )


def test_a_key_that_is_none_says_how_to_make_one(small: Any, kit: Any) -> None:
    small.sections["evidence"] = {"signing_key": "env:SIGNING_KEY"}
    small.environment["SIGNING_KEY"] = "hunter22 is no key"
    with pytest.raises(SigningKeyUnusable, match="`compline evidence keygen`") as caught:
        small.run(kit.seen())
    assert "hunter22" not in str(caught.value)


def test_a_link_for_somebody_elses_number_is_taken_back(
    small: Any, kit: Any, monkeypatch: Any
) -> None:
    """Both make the third link; one of them makes the fourth after all."""
    small.run(kit.seen())
    with small.session() as session:
        first = last_manifest(session.store)
        put = Locker.put_manifest
        other: list[Any] = []

        def slow(locker: Locker, number: int, content: bytes) -> str:
            if not other:
                other.append(replace)
                add_link(session, "prune", None, {"removed": [], "by": "another"})
            return put(locker, number, content)

        monkeypatch.setattr(Locker, "put_manifest", slow)
        link = add_link(session, "prune", None, {"removed": []})
        assert first is not None
        assert link.number == first.number + 2
        assert len(session.evidence.manifests()) == 3
        assert verify(session).problems == ()


def test_a_held_drop_that_a_person_believes_is_in_the_chain(archive: Any, kit: Any) -> None:
    many = [kit.seen(n, str(n) * 32, place=kit.place(f"f{n}.py")) for n in range(8)]
    archive.run(*many)
    archive.run(many[0], revision="c1")  # held: nothing has changed
    with archive.session() as session:
        accepted = accept_drop(session, "api", "bandit", by="ann", reason="the rule is gone")
        assert len(accepted.resolved) == 7
        last = last_manifest(session.store)
        assert last is not None
        assert last.run_id == accepted.run
        assert verify(session).problems == ()


def test_a_decision_whose_process_died_gets_its_link_with_the_next_run(
    archive: Any, kit: Any
) -> None:
    many = [kit.seen(n, str(n) * 32, place=kit.place(f"f{n}.py")) for n in range(8)]
    archive.run(*many)
    archive.run(many[0], revision="c1")
    with archive.session() as session:
        accepted = write_acceptance(
            session.store, "api", "bandit", by="ann", reason="x", now=archive.now
        )
        found = verify(session)
        assert found.problems == ()
        assert found.notes == (f"run {accepted.run}, a person's decision, waits for its manifest",)
    archive.run(many[0])
    with archive.session() as session:
        assert verify(session).notes == ()
        assert accepted.run in {row.run_id for row in manifest_rows(session.store)}


@pytest.mark.parametrize("place", ["memory", "s3"])
def test_nights_whose_evidence_lies_elsewhere(
    small: Any, kit: Any, place: str, request: pytest.FixtureRequest
) -> None:
    url = "memory://nights/evidence"
    if place == "s3":
        url = request.getfixturevalue("moto_s3")("nights")
    small.sections["evidence"] = {"url": url}
    small.run(kit.seen())
    small.run(kit.seen(2))
    with small.session() as session:
        found = verify(session)
        assert (found.problems, found.links, found.documents) == ((), 2, 4)
        session.evidence.remove(next(iter(session.evidence.digests())))
        assert [each.kind for each in verify(session).problems] == ["missing"]
    assert list((small.home / "evidence").rglob("*.gz")) == []
