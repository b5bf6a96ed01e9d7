"""Runs beside the tracked ref: their own result, which closes nothing and alerts nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from compline.model import Look, RegressionKind, RunResult
from compline.pipeline import conclude, discover, plan
from compline.pipeline.request import BadRequest, Request
from compline.scanners.interface import Job, ScanContext
from compline.store.ledger import adhoc_result
from compline.store.outbox import list_deliveries, list_regressions
from compline.store.targets import list_targets

MAIN = {"a.txt": "first BAD\nfine\n"}
FEATURE = {"a.txt": "first BAD\nfine\n", "b.txt": "BAD, and new\n"}


def seen(organisation: Any, run: int) -> tuple[list[str], list[str]]:
    """Paths of what is new, ids of what is known."""
    with organisation.session() as session:
        result = adhoc_result(session.store, run)
    return [one.place.path for one in result.new], [finding for finding, _ in result.known]


def silent(organisation: Any) -> bool:
    """Whether nobody was told of anything but what the first night has found."""
    with organisation.session() as session:
        told = {view.regression.kind for view in list_regressions(session.store)}
        runs = {delivery.run for delivery in list_deliveries(session.store)}
    return told <= {RegressionKind.BASELINE} and runs <= {1}


@pytest.fixture
def tracked(organisation: Any, fake: Any) -> Any:
    fake("bandit")
    organisation.commit("web", MAIN)
    organisation.night()
    organisation.git("web", "branch", "keep")
    return organisation


def branch(organisation: Any, name: str, tree: dict[str, str]) -> None:
    """A branch with one commit on top of main; main stays where it was."""
    head = organisation.git("web", "rev-parse", "main")
    trees = list(organisation.trees["web"])
    organisation.commit("web", tree)
    organisation.git("web", "branch", "--force", name, "main")
    tip = organisation.git("web", "rev-parse", name)
    organisation.rewrite("web", trees)
    # The repository was written anew: bring the branch's commit in as a second history.
    organisation.rewrite("side", [*trees, tree], listed=False)
    organisation.git("web", "fetch", "-q", organisation.url("side"), f"main:{name}")
    assert organisation.git("web", "rev-parse", name) == tip
    assert organisation.git("web", "rev-parse", "main") == head


def test_a_feature_branch(tracked: Any) -> None:
    before = tracked.findings()
    branch(tracked, "feature", FEATURE)
    night = tracked.night(targets=("web",), revision="feature")
    assert night.result is RunResult.FINDINGS
    assert night.row("web", "bandit").result == "adhoc"
    assert night.row("web", "bandit").revision == tracked.git("web", "rev-parse", "feature")
    assert seen(tracked, night.run) == (["b.txt"], list(before))
    assert tracked.findings() == before
    assert silent(tracked)
    assert any("1 new against the tracked ref" in line for line in night.told)
    # The next night of the tracked ref neither scans again nor sees the branch.
    after = tracked.night()
    assert after.row("web", "bandit").reused_from is not None
    assert set(tracked.findings()) == set(before)


def test_a_branch_that_mends_everything_closes_nothing(tracked: Any) -> None:
    before = tracked.findings()
    branch(tracked, "mended", {"a.txt": "fine\n"})
    night = tracked.night(targets=("web",), revision="mended")
    assert night.result is RunResult.CLEAN
    assert seen(tracked, night.run) == ([], [])
    assert tracked.findings() == before
    assert silent(tracked)


def test_an_unlisted_address(tracked: Any) -> None:
    before = tracked.findings()
    tracked.commit("guest", MAIN, listed=False)
    night = tracked.night(other=tracked.url("guest"))
    assert night.result is RunResult.FINDINGS
    [row] = night.rows
    assert (row.target, row.outcome) == (f"adhoc:{tracked.url('guest')}", "completed")
    assert seen(tracked, night.run) == (["a.txt"], [])
    assert tracked.findings() == before
    assert silent(tracked)
    with tracked.session() as session:
        assert [one.name for one in list_targets(session.store)] == ["web"]
    # A second time it is the same, and nothing is known of the first.
    again = tracked.night(other=tracked.url("guest"))
    assert seen(tracked, again.run) == (["a.txt"], [])


def test_an_unlisted_address_that_does_not_answer(tracked: Any) -> None:
    night = tracked.night(other=tracked.url("nobody"))
    assert night.result is RunResult.INCOMPLETE
    [row] = night.rows
    assert row.outcome == "failed"
    assert row.reason


def test_a_dead_ad_hoc_task_is_filled(tracked: Any, fake: Any) -> None:
    def dies(_jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
        raise KeyboardInterrupt
        yield

    fake("bandit", dies)
    with tracked.session() as session:
        request = Request(other=tracked.url("web"))
        run = discover.begin(session, "adhoc", "form-1", request)
        plan.plan(session, run)
        assert conclude.conclude(session, run) is RunResult.INCOMPLETE


def test_a_revision_that_is_not_there(tracked: Any) -> None:
    night = tracked.night(targets=("web",), revision="no-such-branch")
    assert night.result is RunResult.INCOMPLETE
    assert "no-such-branch" in night.row("web", "bandit").reason
    assert len(tracked.open()) == 1


def test_what_is_not_listed_opens_no_run(tracked: Any) -> None:
    with pytest.raises(BadRequest, match="no target named wbe; listed are: web"):
        tracked.night(targets=("wbe",))
