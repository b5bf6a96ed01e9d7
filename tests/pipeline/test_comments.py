"""Comments that ask to be ignored, through whole nights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from compline.findings.waivers import Source, WaiverState
from compline.model import (
    Completed,
    Look,
    RunResult,
)
from compline.scanners.interface import Job, ScanContext
from compline.store.waiver_views import WaiverView, list_waivers

TREE = {"a.txt": "BAD one\n", "b.txt": "fine\n"}


def waivers(organisation: Any) -> tuple[WaiverView, ...]:
    with organisation.session() as session:
        return list_waivers(session.store)


@pytest.fixture
def obedient(fake: Any, bad_lines: Any) -> Any:
    """A scanner that says which of the bad lines ask to be ignored."""

    def place(organisation: Any, name: str = "bandit") -> None:
        def behave(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
            for job in jobs:
                look = bad_lines(name, job)
                lines = {
                    path: text.splitlines()
                    for path, text in organisation.trees[job.target.name][-1].items()
                }
                seen = [
                    replace(item, suppression="nosec")
                    if "nosec" in lines[item.place.path][item.place.line - 1]
                    else item
                    for item in look.outcome.observations
                ]
                yield replace(look, outcome=Completed(tuple(seen)))

        fake(name, behave)

    return place


class TestComments:
    def test_switched_on_they_are_waivers_with_author_and_commit(
        self, organisation: Any, obedient: Any
    ) -> None:
        obedient(organisation)
        organisation.commit("web", {**TREE, "a.txt": "BAD one # nosec\nBAD two\n"})
        assert organisation.night().result is RunResult.FINDINGS
        assert waivers(organisation) == ()
        organisation.sections["ignore"] = {"honour_inline": True}
        # Nothing has changed in the repository, and yet its comments count from now on.
        night = organisation.night()
        assert "scan" in {line.split(":")[0] for line in night.told}
        [view] = waivers(organisation)
        assert (view.waiver.source, view.findings) == (Source.INLINE, 1)
        assert view.waiver.origin["commit"] == organisation.git("web", "rev-parse", "main")
        assert view.waiver.owner == "Demo Developer <developer@demo.example>"
        # The other line still counts.
        assert night.result is RunResult.FINDINGS
        # Now that all is known, an unchanged night is one again.
        third = organisation.night()
        assert {row.reused_from for row in third.rows} == {night.run}
        organisation.sections["ignore"] = {"honour_inline": False}
        organisation.night()
        assert [one.waiver.state for one in waivers(organisation)] == [WaiverState.WITHDRAWN]

    def test_what_is_new_and_ignored_is_told_to_nobody(
        self, organisation: Any, obedient: Any
    ) -> None:
        obedient(organisation)
        organisation.sections["ignore"] = {"honour_inline": True}
        organisation.commit("web", {"b.txt": "fine\n"})
        organisation.night()
        second = organisation.commit("web", {"b.txt": "fine\nBAD one # nosec\n"})
        night = organisation.night()
        assert organisation.worse(night.run) == []
        assert night.result is RunResult.CLEAN
        [view] = waivers(organisation)
        assert view.waiver.origin == {
            "path": "b.txt",
            "line": 2,
            "comment": "nosec",
            "commit": second,
            "author": "Demo Developer <developer@demo.example>",
            "at": view.waiver.origin["at"],
        }

    def test_an_ignore_file_is_a_waiver_of_its_own_lines(
        self, organisation: Any, fake: Any
    ) -> None:
        organisation.scanners = ("semgrep",)
        fake("semgrep")
        organisation.sections["ignore"] = {"honour_inline": True}
        tree = {"tests/a.txt": "BAD one\n", "a.txt": "BAD two\n", ".semgrepignore": "tests/\n"}
        organisation.commit("web", tree)
        night = organisation.night()
        [view] = waivers(organisation)
        assert (view.findings, view.waiver.origin["line"]) == (1, 1)
        assert view.waiver.selector.targets == ("web",)
        [told] = organisation.worse(night.run)
        assert told.title == "first look at web: 1 finding"
        organisation.commit("web", {**tree, ".semgrepignore": "other/\n", "tests/b.txt": "BAD x\n"})
        organisation.night()
        states = sorted(one.waiver.state for one in waivers(organisation))
        assert states == [WaiverState.ACTIVE, WaiverState.WITHDRAWN]
        assert [one.conditions for one in organisation.open().values()] == [(), (), ()]
