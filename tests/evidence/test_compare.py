"""`compline diff` over a store: by events, by statements, and as it is printed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from compline.model import Completed, Look, Target, TargetKind
from compline.pipeline.compare import compare_runs, counts
from compline.pipeline.conclude import conclude
from compline.pipeline.manifest import with_statement
from compline.pipeline.request import BadRequest, Request
from compline.store.engine import StoreError
from compline.store.record import record_adhoc
from compline.store.runs import start_run


def two(kit: Any) -> tuple[Any, Any]:
    return kit.seen(1, "a" * 32), kit.seen(2, "b" * 32, place=kit.place("b.py"))


def test_opened_and_resolved_are_split_by_cause(archive: Any, kit: Any) -> None:
    stays, goes = two(kit)
    comes = kit.seen(3, "c" * 32, place=kit.place("c.py"))
    by_rules = kit.seen(4, "d" * 32, place=kit.place("d.py"), rule="B999")
    first = archive.run(stays, goes)
    second = archive.run(stays, comes)  # a new revision
    third = archive.run(
        stays, comes, by_rules, revision="c2", scan_key=replace(kit.key, rules="newer")
    )
    with archive.session() as session:
        night = compare_runs(session, first, second)
        assert counts(night.comparison) == {
            "opened": {"code": 1, "rules": 0, "advisories": 0, "other": 0},
            "resolved": {"code": 1, "rules": 0, "advisories": 0, "other": 0},
            "changed": {"code": 0, "rules": 0, "advisories": 0, "other": 0},
        }
        rules = compare_runs(session, second, third)
        assert [one.causes for one in rules.comparison.of("opened")] == [("rules",)]
        assert [one.causes for one in rules.comparison.moved] == [("rules",)]
        both = compare_runs(session, third, first)  # in whatever order they are given
        assert (both.before.id, both.after.id) == (first, third)
        assert len(both.comparison.of("opened")) == 2
        advisories = compare_runs(
            session,
            third,
            archive.run(stays, comes, by_rules, revision="c2",
                        scan_key=replace(kit.key, rules="newer", advisories="of today")),
        )  # fmt: skip
        assert advisories.comparison.differences == ()
        assert [one.causes for one in advisories.comparison.moved] == [("advisories",)]


def test_an_unchanged_night_differs_in_nothing(archive: Any, kit: Any) -> None:
    first, second = archive.run(kit.seen()), archive.reuse()
    with archive.session() as session:
        found = compare_runs(session, first, second).comparison
    assert (found.differences, found.moved) == ((), ())


def beside(archive: Any, session: Any, *observations: Any) -> int:
    """A run at another revision."""
    archive.night += 1
    request = Request(targets=("api",), revision="branch")
    run = start_run(session.store, "adhoc", archive.now, parameters=request.as_json())
    look = Look("api", "bandit", Completed(observations), revision="other")
    look = with_statement(session.evidence, look)
    target = Target(TargetKind.REPOSITORY, "api", "https://git.example.org/api")
    record_adhoc(session.store, run, target, [look], now=archive.now)
    conclude(session, run)
    return run


def test_a_run_beside_the_tracked_ref_is_compared_by_what_both_said(archive: Any, kit: Any) -> None:
    stays, goes = two(kit)
    first = archive.run(stays, goes)
    with archive.session() as session:
        second = beside(archive, session, stays, kit.seen(7, "e" * 32, place=kit.place("e.py")))
        found = compare_runs(session, first, second)
    assert found.by == "statements"
    told = {(one.what, one.finding) for one in found.comparison.differences}
    assert told == {("opened", "bandit:B102@e.py:1"), ("resolved", "bandit:B102@b.py:1")}
    assert {one.causes for one in found.comparison.differences} == {("code", "rules")}


def test_without_a_statement_it_says_so(archive: Any, kit: Any) -> None:
    first = archive.run(kit.seen())
    with archive.session() as session:
        second = beside(archive, session, kit.seen())
        for digest in list(session.evidence.digests()):
            session.evidence.remove(digest)
        found = compare_runs(session, first, second)
    assert found.comparison.differences == ()
    assert found.notes == (f"api/bandit: run {first} has no statement of it",)


def test_what_cannot_be_compared_is_refused(archive: Any, kit: Any) -> None:
    first = archive.run(kit.seen())
    with archive.session() as session:
        running = archive.begin(session)
        with pytest.raises(BadRequest, match="give two runs"):
            compare_runs(session, first, first)
        with pytest.raises(BadRequest, match=f"run {running} is not finished"):
            compare_runs(session, first, running)
        with pytest.raises(StoreError, match="there is no run 99"):
            compare_runs(session, first, 99)


def test_as_printed(small: Any, kit: Any, command: Any) -> None:
    first = small.run(kit.seen())
    second = small.run(kit.seen(3, "f" * 32, place=kit.place("f\x1b[31m.py")))
    done = command(small, "diff", str(first), str(second), "-f", "json")
    body = json.loads(done.stdout)
    assert body["counts"]["opened"]["code"] == body["counts"]["resolved"]["code"] == 1
    done = command(small, "diff", str(first), str(second))
    assert done.exit_code == 0
    assert "From run 1 to run 2" in done.output
    assert "\x1b" not in done.output
