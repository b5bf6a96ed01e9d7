"""`compline db prune`: old looks go from the ledger, and the chain of manifests knows of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from compline.model import Completed
from compline.pipeline.prune import prune_store
from compline.pipeline.verify import verify
from compline.store.check import check
from compline.store.manifests import manifest_rows
from compline.store.schema import ledger

KEEP = {"ledger_days": 1, "keep_runs": 1}


@pytest.fixture
def old(archive: Any) -> Any:
    archive.sections["retention"] = KEEP
    return archive


def looks(archive: Any) -> list[int]:
    with archive.session() as session, session.store.reading() as connection:
        return sorted(connection.scalars(select(ledger.c.run_id)))


def prune(archive: Any, **more: Any) -> int:
    with archive.session() as session:
        pruned = {one.what: one.number for one in prune_store(session, **more)}
        assert [one.invariant.name for one in check(session.store) if one.broken] == []
        assert verify(session).problems == ()
    return pruned["looks in the ledger"]


def test_looks_that_nothing_stands_on_go(old: Any, kit: Any) -> None:
    for night in range(4):  # each opens one finding, and closes the one before
        old.run(kit.seen(night, str(night) * 32, place=kit.place(f"f{night}.py")))
    assert prune(old, dry_run=True) == 3
    assert looks(old) == [1, 2, 3, 4]
    assert prune(old) == 3
    assert looks(old) == [4]
    assert prune(old) == 0
    with old.session() as session:
        assert [row.kind for row in manifest_rows(session.store)] == ["run"] * 4 + ["prune"]


def test_what_a_reused_result_stands_on_stays(old: Any) -> None:
    old.run()
    scanned = old.run()
    last = [old.reuse() for _ in range(3)][-1]
    prune(old)
    assert looks(old) == [scanned, last]


def test_what_an_open_finding_stands_on_stays(old: Any, kit: Any) -> None:
    """The look that saw it first, and the one that saw it last though a gap hides it since."""
    first = old.run(kit.seen())
    last = old.run(kit.seen())
    old.run(gaps=[kit.gap])
    broken = kit.seen(place=kit.place("broken.py"), code="e" * 32)
    opened = old.run(kit.seen(), broken)
    hidden = [old.run(kit.seen(), gaps=[kit.gap]) for _ in range(3)]
    prune(old)
    assert {first, opened, hidden[-1]} <= set(looks(old))
    assert last not in looks(old)


def test_a_run_that_is_not_finished_stays(old: Any, kit: Any) -> None:
    with old.session() as session:
        begun = old.begin(session)
        old.look(session, begun, Completed(()))
    old.run()
    old.run()
    prune(old)
    assert begun in looks(old)


def test_more_missing_than_the_chain_tells_is_tampering(old: Any, kit: Any) -> None:
    for _ in range(3):
        old.run(kit.seen())
    prune(old)
    with old.session() as session:
        with session.store.writing() as connection:
            connection.execute(delete(ledger).where(ledger.c.run_id == 3))
        assert [one.kind for one in verify(session).problems] == ["missing"]


def test_age_given_by_hand(archive: Any) -> None:
    archive.sections["retention"] = {"keep_runs": 1}
    for _ in range(3):
        archive.run()
    assert prune(archive, older_than=timedelta(days=30_000)) == 0
    assert prune(archive) == 2
