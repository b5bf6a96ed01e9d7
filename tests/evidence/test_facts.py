"""Facts in what is kept as evidence: replayed, and told by `compline diff`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from compline.model import Completed, Fact, RegressionKind
from compline.pipeline.compare import compare_runs
from compline.pipeline.conclude import conclude
from compline.pipeline.replay import replay
from compline.store.schema import facts

READ = Fact(RegressionKind.PERMISSION_WIDENED, "grant/ann/fraud", "READ", 1, "ann on fraud")
EDIT = replace(READ, value="EDIT", rank=3)
SAID = "ann on fraud: from READ to EDIT"


def night(archive: Any, *told: Fact) -> int:
    with archive.session() as session:
        run: int = archive.begin(session)
        archive.look(session, run, Completed((), (), told), scanner="registry-permissions")
        conclude(session, run)
    return run


def test_a_replay_holds_the_facts_against_the_statement(archive: Any) -> None:
    night(archive, READ)
    last = night(archive, EDIT)
    with archive.session() as session:
        (look,) = replay(session, last)
        assert (look.verdict, look.differences) == ("same", ())
        with session.store.writing() as connection:
            connection.execute(update(facts).values(value="MANAGE", rank=4))
        (look,) = replay(session, last)
        assert look.differences == ("fact ann on fraud: from EDIT to MANAGE recorded",)


def test_the_difference_of_two_nights_tells_them(archive: Any) -> None:
    first, _, third = night(archive, READ), night(archive, READ), night(archive, EDIT)
    with archive.session() as session:
        assert compare_runs(session, first, third).facts == (f"api: {SAID}",)
        assert compare_runs(session, first, third - 1).facts == ()


def test_as_printed(small: Any, command: Any) -> None:
    first, second = night(small, READ), night(small, EDIT)
    done = command(small, "diff", str(first), str(second))
    assert f"api: {SAID}" in done.output
    done = command(small, "diff", str(first), str(second), "--format", "json")
    assert json.loads(done.output)["facts"] == [f"api: {SAID}"]
