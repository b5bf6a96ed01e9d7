"""Blobs as plain files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.model import Gap, GapReason
from compline.source.errors import SourceError
from compline.source.snapshot import Entry, Snapshot

Take = Callable[..., Snapshot]


def _files(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_writes_plain_files(
    repository: Any, listed: Take, kinds: Any, tmp_path: Path, umask: int
) -> None:
    link, program, _ = kinds
    repository.commit(
        {
            "a.py": "same",
            "b/copy.py": "same",
            "b/c/run": program(b"#!/bin/sh\n"),
            "-rf": "x",
            "Readme": "upper",
            "README": "all upper",
            "ä.py": "",
            "link": link("a.py"),
        }
    )
    snapshot = listed(repository)
    old = os.umask(umask)
    try:
        assert snapshot.export(tmp_path / "new" / "out", snapshot.entries) == ()
    finally:
        os.umask(old)
    assert _files(tmp_path / "new" / "out") == {
        "a.py": (b"same", 0o644),
        "b/copy.py": (b"same", 0o644),
        "b/c/run": (b"#!/bin/sh\n", 0o755),
        "-rf": (b"x", 0o644),
        "Readme": (b"upper", 0o644),
        "README": (b"all upper", 0o644),
        "ä.py": (b"", 0o644),
    }


def test_only_what_is_asked_for(repository: Any, listed: Take, tmp_path: Path) -> None:
    repository.commit({"a": "1", "b": "2"})
    snapshot = listed(repository)
    snapshot.export(tmp_path / "out", (e for e in snapshot.entries if e.path == "b"))
    assert set(_files(tmp_path / "out")) == {"b"}


def test_missing_objects_are_gaps(repository: Any, listed: Take, tmp_path: Path) -> None:
    repository.commit({"a": "1", "b": "1", "c": "2"})
    snapshot = listed(repository)
    lost = repository.oid("main:a")
    repository.remove(lost)
    assert snapshot.export(tmp_path / "out", snapshot.entries) == (
        Gap(GapReason.MISSING_OBJECT, "a", f"blob {lost}"),
        Gap(GapReason.MISSING_OBJECT, "b", f"blob {lost}"),
    )
    assert set(_files(tmp_path / "out")) == {"c"}


@pytest.mark.parametrize("path", ["../out", "/etc/x", "a/../../x", "a//b", "", ".", "a/.", "a\0b"])
def test_a_path_that_leads_out_is_a_mistake_of_ours(
    repository: Any, listed: Take, tmp_path: Path, path: str
) -> None:
    repository.commit({"a": "1"})
    snapshot = listed(repository)
    entry = Entry(path, snapshot.entries[0].oid, False, 1)
    with pytest.raises(ValueError, match="leads elsewhere"):
        snapshot.export(tmp_path / "out", [entry])
    assert not (tmp_path / "out").exists()


def test_links_in_the_way_are_not_followed(repository: Any, listed: Take, tmp_path: Path) -> None:
    repository.commit({"a": "1", "d/b": "2"})
    snapshot = listed(repository)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("untouched")
    out = tmp_path / "out"
    out.mkdir()
    for target in (outside / "victim", outside / "missing"):
        (out / "a").unlink(missing_ok=True)
        (out / "a").symlink_to(target)
        gaps = snapshot.export(out, snapshot.entries[:1])
        assert [(gap.reason, gap.path) for gap in gaps] == [(GapReason.BAD_NAME, "a")]
    (out / "d").symlink_to(outside)
    with pytest.raises(SourceError, match="d is in the way: export into an empty directory"):
        snapshot.export(out, snapshot.entries[1:])
    assert [path.name for path in outside.iterdir()] == ["victim"]
    assert (outside / "victim").read_text() == "untouched"


def test_a_file_system_that_takes_two_names_for_one(
    repository: Any, listed: Take, tmp_path: Path
) -> None:
    """As one that ignores case does: the first stays, the other is told."""
    repository.commit({"a": "1"})
    snapshot = listed(repository)
    entry = snapshot.entries[0]
    gaps = snapshot.export(tmp_path / "out", [entry, entry])
    assert gaps == (Gap(GapReason.BAD_NAME, "a", "a file of this name is there already"),)
    assert _files(tmp_path / "out") == {"a": (b"1", 0o644)}


def test_a_destination_that_cannot_be_written(
    repository: Any, listed: Take, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    snapshot = listed(repository)
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"cannot write to .*file"):
        snapshot.export(tmp_path / "file" / "out", snapshot.entries)
