"""Old evidence goes, but nothing that a statement still stands on; the chain stays whole."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from compline.evidence.locker import Locker
from compline.model import Completed
from compline.pipeline.conclude import conclude
from compline.pipeline.retention import prune_evidence
from compline.pipeline.verify import verify
from compline.store.manifests import manifest_rows
from compline.store.proofs import look_evidence

KEEP = {"keep_days": 1, "keep_runs": 1}


def grow_old(archive: Any) -> None:
    """Every file was written long ago."""
    before = time.time() - 10 * 86_400
    for path in (archive.home / "evidence").rglob("*.gz"):
        os.utime(path, (before, before))


def left(archive: Any) -> set[int]:
    """Runs of which all evidence is there; of the others none is."""
    with archive.session() as session:
        whole = set()
        for run in range(1, archive.night + 1):
            there = {
                session.evidence.has(digest)
                for digests in look_evidence(session.store, run).values()
                for digest in digests
            }
            assert len(there) <= 1, run
            if there == {True}:
                whole.add(run)
        return whole


@pytest.fixture
def old(archive: Any) -> Any:
    archive.sections["evidence"] = KEEP
    return archive


def prune(archive: Any, **more: Any) -> int:
    with archive.session() as session:
        removed = len(prune_evidence(session, **more).removed)
        assert verify(session).problems == ()
    return removed


def test_what_nothing_stands_on_goes(old: Any, kit: Any) -> None:
    for night in range(4):  # each opens one finding, and closes the one before
        old.run(kit.seen(night, str(night) * 32, place=kit.place(f"f{night}.py")))
    grow_old(old)
    assert prune(old, dry_run=True) == 6
    assert left(old) == {1, 2, 3, 4}
    assert prune(old) == 6
    assert left(old) == {4}
    with old.session() as session:
        assert [row.kind for row in manifest_rows(session.store)] == ["run"] * 4 + ["prune"]
    assert prune(old) == 0
    with old.session() as session:
        assert len(manifest_rows(session.store)) == 5


def test_a_reused_result_keeps_what_it_stands_on(old: Any, kit: Any) -> None:
    old.run()
    scanned = old.run()
    for _ in range(3):
        old.reuse()
    grow_old(old)
    prune(old)
    assert left(old) == {scanned}


def test_an_open_finding_keeps_the_looks_that_saw_it_first_and_last(old: Any, kit: Any) -> None:
    first = old.run(kit.seen(place=kit.place("broken.py")))
    old.run(kit.seen(2, place=kit.place("broken.py")))
    last = old.run(kit.seen(3, place=kit.place("broken.py")))
    old.run(gaps=[kit.gap])  # nobody can look there any more
    newest = old.run(gaps=[kit.gap], revision="c9")
    grow_old(old)
    prune(old)
    assert left(old) == {first, last, newest}


def test_a_removed_document_that_was_not_pruned_is_still_missing(old: Any, kit: Any) -> None:
    for night in range(3):
        old.run(kit.seen(night, str(night) * 32, place=kit.place(f"f{night}.py")))
    grow_old(old)
    prune(old)
    with old.session() as session:
        ((_, (digest, _)),) = look_evidence(session.store, 3).items()
        session.evidence.remove(digest)
        assert [(each.kind, each.what) for each in verify(session).problems] == [
            ("missing", f"evidence {digest}")
        ]


def test_what_a_run_under_way_has_put_stays(old: Any, kit: Any) -> None:
    old.run(kit.seen(place=kit.place("a.py")))
    old.run(kit.seen(place=kit.place("b.py")))
    grow_old(old)
    with old.session() as session:
        run = old.begin(session)
        content = b'{"scanner":"bandit","night":1}'  # the very report of the first night
        digest = session.evidence.put(content)
        prune_evidence(session)
        old.look(session, run, Completed(()), evidence=(digest,))
        conclude(session, run)
        assert session.evidence.get(digest) == content
        assert verify(session).problems == ()


def test_killed_between_the_link_and_the_files(
    old: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for night in range(3):
        old.run(kit.seen(night, str(night) * 32, place=kit.place(f"f{night}.py")))
    grow_old(old)
    remove = Locker.remove
    calls: list[str] = []

    def dies(locker: Locker, digest: str) -> None:
        calls.append(digest)
        if len(calls) == 2:
            raise KeyboardInterrupt
        remove(locker, digest)

    monkeypatch.setattr(Locker, "remove", dies)
    with old.session() as session, pytest.raises(KeyboardInterrupt):
        prune_evidence(session)
    monkeypatch.undo()
    with old.session() as session:
        assert verify(session).problems == ()
    assert prune(old) == 3
    assert left(old) == {3}


def test_documents_that_no_look_names_go_too(old: Any, kit: Any) -> None:
    old.run(kit.seen())
    with old.session() as session:
        digest = session.evidence.put(b'{"of":"a run that was killed"}')
        assert prune_evidence(session).unclaimed == 0
    grow_old(old)
    with old.session() as session:
        assert prune_evidence(session).unclaimed == 1
        assert not session.evidence.has(digest)
