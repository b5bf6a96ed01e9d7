"""The life of a secret in a log: rotations move it, and only `closes` lets it go."""

from __future__ import annotations

import gzip
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


def test_the_secret_is_found_to_its_line_and_kept_nowhere(watched: Any) -> None:
    (watched.folder / "app.log").write_bytes(b"")
    rotated = gzip.compress((LINE * 4 + f"Authorization: {TOKEN}\n").encode())
    (watched.folder / "app.log.2.gz").write_bytes(rotated)
    watch(watched)
    watched.night()

    [finding] = watched.open().values()
    assert (Path(finding.path).name, finding.line) == ("app.log.2.gz", 5)
    kept = [
        path
        for path in watched.home.rglob("*")
        if path.is_file() and watched.folder not in path.parents
    ]
    assert any(path.suffix in (".db", ".sqlite") for path in kept), "the store is among them"
    assert any(_plain(path) != path.read_bytes() for path in kept), "and evidence"
    for path in kept:
        assert TOKEN.encode() not in _plain(path), path


def _plain(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
