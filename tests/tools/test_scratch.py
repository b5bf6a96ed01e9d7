"""Temporary directories of tools go, even those whose owner was killed."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
from pathlib import Path

import pytest

from compline.tools import scratch as module
from compline.tools.scratch import remove, scratch


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary directories are made in this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(place: Path, name: str, age: float = 3600) -> Path:
    """As after kill -9, so many seconds ago."""
    directory = place / name
    (directory / "tmp").mkdir(parents=True)
    now = directory.stat().st_mtime
    os.utime(directory, (now - age, now - age))
    return directory


def test_it_is_made_and_removed(place: Path) -> None:
    with scratch() as directory:
        assert directory.parent == place
        assert directory.stat().st_mode & 0o777 == 0o700
        assert sorted(str(path.relative_to(directory)) for path in directory.rglob("*")) == [
            "shm",
            "tmp",
            "tmp/home",
        ]
    assert list(place.iterdir()) == []


def test_only_what_the_killed_have_left_is_swept_up(place: Path) -> None:
    dead = left_behind(place, "compline-tool-dead")
    young = left_behind(place, "compline-tool-young", age=5)
    used = left_behind(place, "compline-tool-used")
    other = left_behind(place, "compline-other")
    elsewhere = left_behind(place, "elsewhere")
    link = place / "compline-tool-link"
    link.symlink_to(elsewhere)
    lock = os.open(used, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with scratch():
            assert not dead.exists()
    finally:
        os.close(lock)
    assert sorted(place.iterdir()) == sorted([young, used, other, elsewhere, link])
    assert (elsewhere / "tmp").exists()


def test_a_sweep_leaves_those_of_this_process_alone(place: Path) -> None:
    with scratch() as outer:
        os.utime(outer, (0, 0))
        module._sweep.cache_clear()
        with scratch():
            assert (outer / "tmp").exists()


def test_what_cannot_be_removed_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    directory = left_behind(place, "busy")

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "rmdir", refuse)
    with caplog.at_level(logging.WARNING):
        remove(directory)
    assert "Operation not permitted" in caplog.text
