"""The life of a secret in a log: rotations move it, and only `closes` lets it go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compline.model import State

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9" * 2
LINE = "a request was answered\n"


@pytest.fixture
def watched(equipped: Any) -> Any:
    """An organisation that watches the logs of one service, with one secret in them."""
    equipped.folder = equipped.home / "logs"
    equipped.folder.mkdir()
    (equipped.folder / "app.log").write_text(LINE * 9 + f"{TOKEN}\n")
    equipped.scanners = ("log-secrets",)
    equipped.listed = ["service"]
    return equipped


def watch(organisation: Any, **more: Any) -> None:
    log = {"name": "service", "files": [f"{organisation.folder}/*.log*"], **more}
    organisation.sections["targets"] = {"logs": [log]}


def places(finding: Any) -> set[tuple[str, str]]:
    """Name of the log, and whether the last look saw it there."""
    return {(Path(each.path).name, each.state) for each in finding.witnesses}


def test_a_rotation_keeps_the_finding_and_nothing_takes_it_back(watched: Any) -> None:
    watch(watched)
    watched.night()
    [(known, first)] = watched.open().items()
    assert first.path.endswith("/app.log")

    (watched.folder / "app.log").rename(watched.folder / "app.log.1")
    (watched.folder / "app.log").write_text(LINE)
    watched.night()
    [(same, moved)] = watched.findings().items()
    assert (same, moved.state) == (known, State.OPEN)
    assert places(moved) == {("app.log", "unseen"), ("app.log.1", "seen")}

    (watched.folder / "app.log.1").unlink()
    watched.night()
    assert set(watched.open()) == {known}

    (watched.folder / "app.log").write_text(LINE + f"{TOKEN}\n")
    watched.night()
    assert set(watched.findings()) == {known}, "the same secret again is no new finding"


def test_where_it_is_said_a_finding_closes(watched: Any) -> None:
    watch(watched, closes=True)
    watched.night()
    [known] = watched.open()
    (watched.folder / "app.log").write_text(LINE)
    watched.night()
    assert {one.id: one.state for one in watched.findings().values()} == {known: State.RESOLVED}
