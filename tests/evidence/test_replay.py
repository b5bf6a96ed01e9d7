"""The same statements once more, from evidence; what cannot be made again is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update

from compline.codec import dump_observation
from compline.model import Failed
from compline.pipeline.conclude import conclude
from compline.pipeline.replay import Replayed, replay
from compline.store.engine import StoreError
from compline.store.proofs import look_evidence
from compline.store.schema import ledger, witnesses


def one(archive: Any, run: int) -> Replayed:
    with archive.session() as session:
        (found,) = replay(session, run)
    return found


def test_the_latest_look_says_the_same(archive: Any, kit: Any) -> None:
    run = archive.run(kit.seen(), kit.seen(9, "c" * 32), gaps=[kit.gap])
    found = one(archive, run)
    assert (found.verdict, found.differences, found.observations) == ("same", (), 2)
    assert found.compared == ("ledger", "witnesses")
    reused = one(archive, archive.reuse())
    assert (reused.verdict, reused.compared) == ("same", ("ledger", "witnesses"))


def test_of_an_older_look_the_ledger_is_left(archive: Any, kit: Any) -> None:
    run = archive.run(kit.seen())
    archive.run(kit.seen(3))
    found = one(archive, run)
    assert (found.verdict, found.compared) == ("same", ("ledger",))
    assert "later looks have changed its witnesses" in found.cannot


def test_a_changed_witness_is_told(archive: Any, kit: Any) -> None:
    run = archive.run(kit.seen())
    with archive.session() as session, session.store.writing() as connection:
        other = dump_observation(kit.seen(rule="B999")).decode()
        connection.execute(update(witnesses).values(observation=other))
    found = one(archive, run)
    assert found.verdict == "different"
    assert found.differences == (
        "not there again: B102 app.py:1",
        "only there again: B999 app.py:1",
    )


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        ("observations", 7, "number of observations: 1"),
        ("revision", "elsewhere", "revision: c1"),
        ("gap_set", None, "gaps: "),
    ],
)
def test_a_changed_ledger_is_told(
    archive: Any, kit: Any, column: str, value: Any, word: str
) -> None:
    run = archive.run(kit.seen(), gaps=[kit.gap])
    with archive.session() as session, session.store.writing() as connection:
        connection.execute(update(ledger).values({column: value}))
    found = one(archive, run)
    assert found.verdict == "different"
    assert any(each.startswith(word) for each in found.differences)


def test_a_look_that_failed_said_nothing(archive: Any) -> None:
    with archive.session() as session:
        run = archive.begin(session)
        archive.look(session, run, Failed("no tool"))
        conclude(session, run)
    found = one(archive, run)
    assert (found.verdict, found.cannot) == ("nothing", ("failed: no tool",))


def test_without_evidence_it_cannot(archive: Any, kit: Any) -> None:
    run = archive.run(kit.seen())
    with archive.session() as session:
        for digests in look_evidence(session.store, run).values():
            for digest in digests:
                session.evidence.remove(digest)
    found = one(archive, run)
    assert found.verdict == "cannot"
    assert "is missing" in found.cannot[0]


def test_answers_on_releases_are_held_against_what_was_said(archive: Any, kit: Any) -> None:
    """pip-audit's own evidence: one answer was not made into a finding, one finding has none."""
    answers = {"name": "jinja2", "version": "2.0", "advisories": [["GHSA-1"], ["GHSA-2"]]}
    with archive.session() as session:
        report = session.evidence.put(json.dumps({"releases": [answers]}).encode())
        run = archive.begin(session)
        said = [kit.advisory("GHSA-1"), kit.advisory("GHSA-3")]
        archive.look(session, run, kit.completed(said), scanner="pip-audit", evidence=(report,))
        conclude(session, run)
    found = one(archive, run)
    assert found.compared[-1] == "the answers on releases"
    assert found.differences == (
        "not said: pypi:jinja2 2.0 GHSA-2",
        "said without a report: pypi:jinja2 2.0 GHSA-3",
    )


def test_an_unknown_run(archive: Any) -> None:
    with archive.session() as session, pytest.raises(StoreError, match="there is no run 7"):
        replay(session, 7)


def test_the_command_says_it_by_its_exit_code(small: Any, kit: Any, command: Any) -> None:
    run = small.run(kit.seen())
    done = command(small, "replay", str(run), "-f", "json")
    assert (done.exit_code, json.loads(done.stdout)[0]["verdict"]) == (0, "same")
    with small.session() as session, session.store.writing() as connection:
        connection.execute(update(ledger).values(observations=7))
    done = command(small, "replay", str(run))
    assert done.exit_code == 1
    assert "1 different" in done.output
    with small.session() as session:
        for digest in list(session.evidence.digests()):
            session.evidence.remove(digest)
    assert command(small, "replay", str(run)).exit_code == 3
