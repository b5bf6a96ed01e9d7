"""Equal contents are opened once, and what one scanner reads the others know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hostile_models as hostile
import pytest
from model_folders import Models

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, Readable, Unreadable
from compline.scanners.models.opening.modelaudit import ModelAudit
from compline.scanners.models.opening.picklescan import PickleScan
from compline.scanners.models.places.folders import Folder

COPIES = 12


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The files of every process of a tool, but for its canary alone."""
    found: list[list[str]] = []
    for tool in (ModelAudit, PickleScan):
        real = tool.run

        def run(
            self: Any, directory: Path, names: Sequence[str], seconds: float, real: Any = real
        ) -> Any:
            if names:
                found.append(list(names))
            return real(self, directory, names, seconds)

        monkeypatch.setattr(tool, "run", run)
    return found


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every file that was read."""
    found: list[str] = []
    real = Folder.open

    def open_(self: Folder, artifact: Artifact) -> Readable:
        found.append(artifact.place)
        return real(self, artifact)

    monkeypatch.setattr(Folder, "open", open_)
    return found


@pytest.fixture
def copies(models: Models) -> Models:
    """The same bad pickle in every version."""
    for number in range(COPIES):
        models.put(f"{number:02}", {"model.pkl": hostile.bad()})
    return models


PLACES = [f"fraud/{number:02}/model.pkl" for number in range(COPIES)]


@pytest.mark.parametrize(
    ("fresh", "scanners"), [(False, ("picklescan", "modelaudit")), (True, ("picklescan",))]
)
def test_equal_contents_are_opened_once_and_found_everywhere(
    copies: Models,
    given: list[list[str]],
    opened: list[str],
    fresh: bool,
    scanners: tuple[str, ...],
) -> None:
    for scanner in scanners:
        outcome = copies.completed(scanner, fresh=fresh)
        assert sorted(each.subject for each in outcome.observations) == PLACES
        assert outcome.gaps == ()
    assert [len(names) for names in given] == [1] * len(scanners)
    # By the reading of the first one the second knows which files are equal.
    assert sorted(opened[:COPIES]) == PLACES
    assert len(opened) == COPIES + len(scanners) - 1


def test_copies_of_a_file_that_cannot_be_read_are_read_themselves(
    copies: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.facts()  # from here on it is known that they are equal
    real = Folder.open

    refused: list[str] = []

    def open_(self: Folder, artifact: Artifact) -> Readable:
        if not refused:
            refused.append(artifact.place)
            raise Unreadable(GapReason.FORBIDDEN, "it is not given out")
        return real(self, artifact)

    monkeypatch.setattr(Folder, "open", open_)
    outcome = copies.completed("picklescan")
    assert [(gap.path, gap.reason) for gap in outcome.gaps] == [(refused[0], GapReason.FORBIDDEN)]
    found = sorted(each.subject for each in outcome.observations)
    assert found == [place for place in PLACES if place not in refused]


def test_copies_of_a_file_that_the_tool_fails_on_are_tried_themselves(
    copies: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PickleScan.run
    silent: list[str] = []

    def run(self: Any, directory: Path, names: Sequence[str], seconds: float) -> Any:
        report = real(self, directory, names, seconds)
        if not names or silent:
            return report
        silent.extend(names)
        return replace(report, answers={})

    monkeypatch.setattr(PickleScan, "run", run)
    outcome = copies.completed("picklescan")
    assert len(silent) == 1
    assert [gap.reason for gap in outcome.gaps] == [GapReason.NOT_REPORTED]
    found = sorted(each.subject for each in outcome.observations)
    assert found == [place for place in PLACES if place != outcome.gaps[0].path]


def test_a_pickle_under_another_name_is_known_whoever_has_read_it(
    models: Models, opened: list[str]
) -> None:
    models.put("1", {"weights.model7": hostile.good()})
    models.completed("picklescan")
    found = {each.rule: each for each in models.completed("model-guard").observations}
    assert dict(found["unsafe-format"].details)["formats by version"] == "pickle: 1"
    assert len(opened) == 1, "what is known of it is read again"
