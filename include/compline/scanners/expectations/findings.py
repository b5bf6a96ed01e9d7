"""Holds a bound suite against an inventory; rows that are not as expected become findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from compline.model import FindingKind, Observation, Place
from compline.scanners.expectations import gx_runner
from compline.scanners.expectations.gx_runner import CannotJudge, Judged
from compline.scanners.expectations.inventory import (
    Inventory,
    as_text,
    evidence_text,
    frame_of,
    records,
)
from compline.scanners.expectations.policy import POLICY_COLUMNS, POLICY_FRAME, BoundSuite
from compline.scanners.expectations.suite import PLACEHOLDER, Expectation
from compline.scanners.services import escaped, one_line

_COLUMNS_OF_EVIDENCE = 24


@dataclass(frozen=True)
class Verdict:
    """What a suite says of an inventory."""

    observations: tuple[Observation, ...]
    """One per expectation and resource, in the suite's order."""
    asked: tuple[tuple[str, int], ...]
    """(id, rows looked at) of every expectation that was held against a frame."""


def hold_against(suite: BoundSuite, inventory: Inventory, scanner: str) -> Verdict:
    """The suite's verdict on the inventory; frames that the store refused are left out.

    Raises:
        CannotJudge: an expectation raised, a frame is missing or empty where rows are expected,
            or nothing at all could be asked.
    """
    frames = dict(inventory.frames)
    # A canary brings a policy frame of its own, in which everything is wrong at once.
    frames.setdefault(POLICY_FRAME, frame_of(POLICY_COLUMNS, suite.policy_rows()))
    _check_required(suite, frames, inventory)
    by_frame: dict[str, list[Expectation]] = {}
    for expectation in suite.expectations:
        name = expectation.frame
        if name in inventory.refused:
            continue
        if name not in frames:
            known = ", ".join(sorted(frames))
            raise CannotJudge(f"expectation {expectation.id}: no frame {name!r}; there are {known}")
        if not expectation.optional or expectation.columns <= set(frames[name].columns):
            by_frame.setdefault(name, []).append(expectation)
    if not any(name != POLICY_FRAME for name in by_frame):
        raise CannotJudge(
            "no expectation of the suite applies to what was collected: check the suite's frames, "
            "the declared columns and the rights of the account"
        )
    observations: dict[tuple[str, str], Observation] = {}
    asked = []
    for name, expectations in by_frame.items():
        rows = records(frames[name])
        for judged in gx_runner.judge(frames[name], expectations):
            if judged.expectation.rows == "required" and not judged.looked_at:
                if _is_in_a_gap(judged.expectation, inventory):
                    continue
                raise CannotJudge(
                    f"expectation {judged.expectation.id}: no row of {name} is what it is about"
                )
            asked.append((judged.expectation.id, judged.looked_at))
            for observation in _observations(judged, rows, scanner):
                key = (observation.rule, observation.subject)
                observations[key] = _worse(observations.get(key), observation)
    return Verdict(tuple(observations.values()), tuple(asked))


def _check_required(suite: BoundSuite, frames: Mapping[str, Any], inventory: Inventory) -> None:
    for name in sorted(suite.required - set(inventory.refused)):
        if name not in frames or frames[name].empty:
            why = next((f" ({gap.path}: {gap.detail})" for gap in inventory.gaps), "")
            raise CannotJudge(
                f"the store shows no {name} at all, where there must be some{why}: does the "
                "account have its rights, and the target its right address?"
            )


def _is_in_a_gap(expectation: Expectation, inventory: Inventory) -> bool:
    """Whether the one resource that it asks about is among those that the store hides."""
    resource = PLACEHOLDER.sub(
        lambda match: as_text(expectation.row_condition.get(match[1])), expectation.resource
    )
    return any(gap.path and gap.covers(resource) for gap in inventory.gaps)


def _observations(judged: Judged, rows: list[dict[str, Any]], scanner: str) -> list[Observation]:
    expectation = judged.expectation
    if judged.whole:
        subject = f"frame/{expectation.frame}"
        if not PLACEHOLDER.search(expectation.resource):
            subject = expectation.resource
        details: tuple[tuple[str, str], ...] = (("observed", one_line(judged.observed)),)
        title = PLACEHOLDER.sub("", expectation.title)
        return [_observation(expectation, subject, title, details, scanner)]
    found = []
    for number in sorted({*judged.unexpected, *judged.empty}):
        row = rows[number]
        subject = _name(expectation, row, number)
        title = PLACEHOLDER.sub(
            lambda match, row=row: evidence_text(match[1], row[match[1]]),  # type: ignore[misc]
            expectation.title,
        )
        details = tuple(
            (column, evidence_text(column, value))
            for column, value in list(row.items())[:_COLUMNS_OF_EVIDENCE]
        )
        if number in judged.empty:
            details = (("because", "the value is missing, so it cannot be as expected"), *details)
        found.append(_observation(expectation, subject, title, details, scanner))
    return found


def _name(expectation: Expectation, row: Mapping[str, Any], number: int) -> str:
    for column in PLACEHOLDER.findall(expectation.resource):
        if not as_text(row[column]):
            raise CannotJudge(
                f"row {number + 1} of {expectation.frame} has no {column}, which names the "
                f"resource for expectation {expectation.id}"
            )
    return escaped(PLACEHOLDER.sub(lambda match: as_text(row[match[1]]), expectation.resource))


def _observation(
    expectation: Expectation,
    subject: str,
    title: str,
    details: tuple[tuple[str, str], ...],
    scanner: str,
) -> Observation:
    return Observation(
        scanner=scanner,
        rule=expectation.id,
        kind=FindingKind.ACCESS,
        severity=expectation.severity,
        confidence=expectation.confidence,
        title=one_line(title, 200),
        place=Place(path=subject),
        subject=subject,
        cwe=tuple(sorted(expectation.cwe)),
        details=(("remediation", expectation.remediation.strip()), *details),
    )


def _worse(known: Observation | None, new: Observation) -> Observation:
    """Two rows about one resource are one finding: the graver one's, in a stable order."""
    if known is None:
        return new
    first, second = sorted(
        (known, new), key=lambda one: (-one.severity.rank, one.title, one.details)
    )
    count = int(dict(first.details).get("rows", "1")) + int(dict(second.details).get("rows", "1"))
    kept = tuple(pair for pair in first.details if pair[0] != "rows")
    return replace(first, details=(*kept, ("rows", str(count))))
