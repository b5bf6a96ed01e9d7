"""Local repositories that lack some of their objects: fetched all the same, with gaps."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.model import GapReason
from compline.source import transfer
from compline.source.errors import SourceError
from compline.source.mirror import Mirror
from compline.source.remote import resolve_head
from compline.source.salvage import salvage


def _fetch(mirror: Mirror) -> str:
    return mirror.fetch(resolve_head(mirror.remote, mirror.limits)).commit


def test_what_is_there_is_scanned(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    before = repository.commit({"a": "0"})
    first = repository.commit({"a": "1", "d/big": os.urandom(3000), "d/other": "2"})
    lost = repository.oid("main:d/big")
    repository.remove(lost)
    mirror = mirror_of(repository, "main")
    assert _fetch(mirror) == first
    mirror.pin(first)
    snapshot = mirror.snapshot(first)
    assert [entry.path for entry in snapshot.entries] == ["a", "d/other"]
    assert [(gap.reason, gap.path) for gap in snapshot.gaps] == [
        (GapReason.MISSING_OBJECT, "d/big")
    ]
    assert not list(mirror.directory.glob("objects/pack/tmp_*"))
    # One commit, as every first fetch.
    assert not mirror.has(before)
    assert mirror.git.run("rev-list", first).stdout.decode().split() == [first]
    # The next fetch is an ordinary one, although the blob is still not there.
    second = repository.commit({"a": "3"})
    fetched = mirror.fetch(resolve_head(mirror.remote, mirror.limits))
    assert (fetched.commit, fetched.forced) == (second, False)
    assert len(mirror.snapshot(second).entries) == 2
    # Another is lost, in what is new: once more.
    third = repository.commit({"a": "4", "new": os.urandom(3000)})
    repository.remove(repository.oid("main:new"))
    assert _fetch(mirror) == third
    assert [entry.path for entry in mirror.snapshot(third).entries] == ["a", "d/other"]


def test_with_a_work_tree(
    repository: Any,
    make_repository: Callable[[str], Any],
    mirror_of: Callable[..., Mirror],
    tmp_path: Path,
) -> None:
    repository.commit({"a": "1", "b": "2"})
    repository.git("clone", "-q", repository.url, str(tmp_path / "work tree"))
    make_repository("work tree/.git").remove(repository.oid("main:b"))
    mirror = mirror_of(f"file://{tmp_path}/work%20tree", "main")
    assert len(mirror.snapshot(_fetch(mirror)).entries) == 1


def test_without_the_commit_there_is_nothing(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    repository.commit({"a": "1"})
    repository.remove(repository.oid("main^{tree}"))
    mirror = mirror_of(repository, "main")
    with pytest.raises(SourceError, match=r"too damaged|fsck|missing or damaged"):
        mirror.snapshot(_fetch(mirror))


def test_damaged_objects_are_not_let_in(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    """A blob whose content is not what its id says."""
    repository.commit({"a": "good", "b": "lost"})
    good = repository.oid("main:a")
    repository.remove(repository.oid("main:b"))
    loose = repository.loose(good)
    loose.chmod(0o644)
    loose.write_bytes(repository.loose(repository.write("blob", b"evil")).read_bytes())
    mirror = mirror_of(repository, "main")
    snapshot = mirror.snapshot(_fetch(mirror))
    assert snapshot.entries == ()
    assert [gap.path for gap in snapshot.gaps] == ["a", "b"]
    assert list(snapshot.read([good])) == [(good, None)]


def test_it_is_limited_too(
    repository: Any, mirror_of: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a": os.urandom(3_000_000), "b": "2"})
    repository.remove(repository.oid("main:b"))
    monkeypatch.setattr(transfer, "_LEAST_MOST", 0)
    monkeypatch.setattr(transfer, "_MOST_PER_TREE", 1)
    mirror = mirror_of(repository, "main", repository_mb=1)
    with pytest.raises(SourceError, match=r"more than 1 MB.*raise `limits.repository_mb`"):
        _fetch(mirror)
    with pytest.raises(SourceError, match="origin holds more than 2 MB for one commit: raise"):
        salvage(mirror.git, repository.path, repository.tip(), most=2 << 20, lock=0)
    assert not [path for path in mirror.directory.rglob("objects/**/*") if path.is_file()]
