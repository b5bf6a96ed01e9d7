"""Proves at every scan that a suite still finds what is known to be wrong.

Recorded answers of a bad store go through the same parser and the same runner as the real ones.
"""

from __future__ import annotations

import json
from dataclasses import replace

from compline.model import MISSED_CANARY
from compline.scanners.expectations import gx_runner
from compline.scanners.expectations.collector import Asked, collector, folder
from compline.scanners.expectations.findings import hold_against
from compline.scanners.expectations.inventory import frame_of
from compline.scanners.expectations.policy import POLICY_COLUMNS, POLICY_FRAME, BoundSuite, bind
from compline.scanners.expectations.suite import Expectation
from compline.scanners.expectations.suite_file import built_in


class CanaryMissed(Exception):
    """A known defect was not reported, so nothing that the suite says can be trusted."""


def prove_built_in(kind: str, asked: Asked) -> None:
    """Holds the built-in suite of a kind against recorded answers that break all of it.

    `asked` is the target to be asked: what it needs of the collector is what is proved.

    Raises:
        CanaryMissed: names the expectations that said nothing.
        CannotJudge, CannotCollect: the recorded answers cannot even be read or judged.
    """
    suite = built_in(kind)
    answers = json.loads((folder(kind) / "canary.json").read_text(encoding="utf-8"))
    bound = bind(suite, answers.get("policy") or {})
    inventory = collector(kind).recorded(answers, replace(asked, values=bound.values))
    if "policy_rows" in answers:
        # A policy in which everything is wrong at once cannot be written as one.
        policy = frame_of(POLICY_COLUMNS, answers["policy_rows"])
        inventory = replace(inventory, frames={**inventory.frames, POLICY_FRAME: policy})
    verdict = hold_against(bound, inventory, "canary")
    found = {observation.rule for observation in verdict.observations}
    _missed(sorted({expectation.id for expectation in suite.expectations} - found))


def prove_own(suite: BoundSuite) -> tuple[str, ...]:
    """Tries each expectation that has a `canary` row on it; gives the ids of those without one.

    Raises:
        CanaryMissed: names the expectations that did not report their row.
        CannotJudge: one of them raised.
    """
    by_frame: dict[str, list[Expectation]] = {}
    for expectation in suite.expectations:
        if expectation.canary is not None:
            by_frame.setdefault(expectation.frame, []).append(expectation)
    missed = []
    for expectations in by_frame.values():
        rows = [expectation.canary or {} for expectation in expectations]
        columns = sorted({column for row in rows for column in row})
        frame = frame_of(columns, [{c: row.get(c) for c in columns} for row in rows])
        for number, judged in enumerate(gx_runner.judge(frame, expectations)):
            if number not in {*judged.unexpected, *judged.empty} and not judged.whole:
                missed.append(judged.expectation.id)
    _missed(missed)
    return tuple(e.id for e in suite.expectations if e.canary is None)


def _missed(ids: list[str]) -> None:
    if ids:
        raise CanaryMissed(
            f"the check {MISSED_CANARY}: a known defect was not reported by {', '.join(ids)}: "
            "the suite or the installed great-expectations or pandas does not do what it did"
        )
