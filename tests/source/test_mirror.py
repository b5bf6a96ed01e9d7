"""What a mirror brings, keeps and tells."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.config.schema import Limits
from compline.source import transfer
from compline.source.errors import SourceError
from compline.source.mirror import Fetched, Mirror
from compline.source.remote import Head, Remote, resolve_head
from compline.source.snapshot import Snapshot


def _fetch(mirror: Mirror) -> Fetched:
    return mirror.fetch(resolve_head(mirror.remote, mirror.limits))


def _git(mirror: Mirror, *arguments: str) -> list[str]:
    finished = mirror.git.run(*arguments)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.decode().splitlines()


def _commits(mirror: Mirror, commit: str) -> int:
    return len(_git(mirror, "rev-list", commit))


def _contents(snapshot: Snapshot) -> dict[str, bytes | None]:
    contents = dict(snapshot.read(entry.oid for entry in snapshot.entries))
    return {entry.path: contents[entry.oid] for entry in snapshot.entries}


def test_first_one_commit_then_only_what_is_new(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    noise = {f"data/{n}": os.urandom(20_000) for n in range(20)}
    repository.commit(noise)
    for n in range(5):
        repository.commit({"a": str(n)})
    mirror = mirror_of(repository, "main")
    first = repository.tip()
    assert _fetch(mirror) == Fetched(first, None, False)
    mirror.pin(first)
    assert _commits(mirror, first) == 1
    before = {path.name for path in mirror.directory.glob("objects/pack/*.pack")}
    for n in range(3):
        repository.commit({"a": f"new {n}"})
    last = repository.tip()
    assert _fetch(mirror) == Fetched(last, first, False)
    # The three commits since, and nothing from before.
    assert _commits(mirror, last) == 4
    fresh = [p for p in mirror.directory.glob("objects/pack/*.pack") if p.name not in before]
    assert sum(path.stat().st_size for path in fresh) < 2_000
    verified = _git(mirror, "verify-pack", "-v", *(str(path) for path in fresh))
    kinds = [line.split()[1] for line in verified if len(line.split()) > 4]
    # Trees and blobs of the three; a thin pack is completed with the one tree that it refers to.
    assert kinds.count("commit") == 3
    assert kinds.count("blob") <= 4
    blame = _git(mirror, "blame", "-s", last, "--", "a")
    assert blame[0].startswith(last[:7])
    assert mirror.recorded() == first
    assert _contents(mirror.snapshot(first))["a"] == b"4"
    assert _contents(mirror.snapshot(last))["a"] == b"new 2"


def test_nothing_is_asked_for_what_is_there(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    head = repository.commit({"a": "1"})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    repository.path.rename(repository.path.with_name("gone"))
    assert mirror.fetch(Head("refs/heads/main", head)).commit == head


def test_a_force_push_is_told_and_both_trees_stay(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    base = repository.commit({"a": "base"})
    old = repository.commit({"a": "old", "gone": "x"})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    mirror.pin(old)
    new = repository.commit({"a": "new"}, parents=[base])
    assert _fetch(mirror) == Fetched(new, old, True)
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--prune=now", "-q")
    assert _git(mirror, "gc", "--prune=now", "--quiet") == []
    assert _contents(mirror.snapshot(old)) == {"a": b"old", "gone": b"x"}
    assert _contents(mirror.snapshot(new)) == {"a": b"new"}
    # Once recorded, the old one is let go, and the next step is an ordinary one.
    mirror.pin(new)
    later = repository.commit({"a": "later"})
    assert _fetch(mirror) == Fetched(later, new, False)


def test_going_back_is_a_force_push(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    base = repository.commit({"a": "1"})
    head = repository.commit({"a": "2"})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    mirror.pin(head)
    repository.git("update-ref", "refs/heads/main", base)
    assert _fetch(mirror) == Fetched(base, head, True)


def test_a_merge_of_an_old_branch_has_a_budget(
    repository: Any, mirror_of: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a plain fetch would bring all of history; then the mirror takes single commits."""
    for n in range(6):
        repository.commit({"big": os.urandom(50_000), "n": str(n)})
    fork = repository.tip()
    side = repository.commit({"side": "1"}, branch="side", parents=[fork])
    old = repository.commit({"big": os.urandom(50_000)})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    mirror.pin(old)
    merged = repository.commit({"side": "1"}, parents=[old, side])
    monkeypatch.setattr(transfer, "LEAST_BUDGET", 100_000)
    # Whether it is forced cannot be told from one commit.
    assert _fetch(mirror) == Fetched(merged, old, None)
    assert _commits(mirror, merged) == 1
    assert not list(mirror.directory.glob("objects/pack/tmp_*"))
    assert len(_contents(mirror.snapshot(merged))) == 3
    mirror.pin(merged)
    later = repository.commit({"n": "later"})
    assert _fetch(mirror).commit == later
    assert _commits(mirror, later) == 1
    monkeypatch.undo()
    # With room for it, history comes, and the answer is sure.
    other = mirror_of(repository, "main", name="other")
    other.fetch(Head("refs/heads/main", old))
    other.pin(old)
    assert _fetch(other) == Fetched(later, old, False)
    assert _commits(other, later) == 10


def test_what_is_far_too_large_is_refused(
    repository: Any, mirror_of: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"big": os.urandom(2_000_000)})
    monkeypatch.setattr(transfer, "_LEAST_MOST", 0)
    monkeypatch.setattr(transfer, "_MOST_PER_TREE", 1)
    mirror = mirror_of(repository, "main", repository_mb=1)
    with pytest.raises(SourceError, match=r"sends more than 1 MB: raise `limits.repository_mb`"):
        _fetch(mirror)
    assert not [path for path in mirror.directory.rglob("objects/**/*") if path.is_file()]


def test_full_history(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    for n in range(5):
        repository.commit({"a": str(n)})
    mirror = mirror_of(repository, "main", history="full")
    _fetch(mirror)
    assert _commits(mirror, repository.tip()) == 5
    assert not (mirror.directory / "shallow").exists()


def test_a_shallow_mirror_becomes_full(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    for n in range(5):
        repository.commit({"a": str(n)})
    _fetch(mirror_of(repository, "main"))
    mirror = mirror_of(repository, "main", history="full")
    _fetch(mirror)
    assert _commits(mirror, repository.tip()) == 5
    assert not (mirror.directory / "shallow").exists()


@pytest.mark.parametrize("how", ["commit", "branch", "tag"])
def test_any_revision_for_an_ad_hoc_scan(
    repository: Any, mirror_of: Callable[..., Mirror], how: str
) -> None:
    old = repository.commit({"a": "1"})
    head = repository.commit({"a": "2"})
    feature = repository.commit({"a": "3"}, branch="feature")
    repository.git("tag", "v1", feature)
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    mirror.pin(head)
    before = _git(mirror, "for-each-ref")
    revision = {"commit": feature, "branch": "feature", "tag": "v1"}[how]
    assert mirror.fetch_revision(revision) == feature
    assert _contents(mirror.snapshot(feature)) == {"a": b"3"}
    # An old release, too, and nothing of the tracked ref has moved.
    assert mirror.fetch_revision(old) == old
    assert _contents(mirror.snapshot(old)) == {"a": b"1"}
    assert _git(mirror, "for-each-ref") == before
    assert mirror.recorded() == head


def test_the_id_of_a_tag_stands_for_its_commit(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    commit = repository.commit({"a": "1"})
    repository.git("tag", "-m", "x", "noted")
    tag, blob = repository.oid("noted"), repository.oid("main:a")
    assert tag != commit
    mirror = mirror_of(repository, "main")
    assert mirror.fetch_revision(tag) == commit
    with pytest.raises(SourceError, match="did not give the commit"):
        mirror.fetch_revision(blob)


def test_relative_directories(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository.commit({"a": "1"})
    monkeypatch.chdir(tmp_path)
    mirror = Mirror(Path("here/mirror"), Remote(repository.url, "main"), Limits(git_seconds=60))
    _fetch(mirror)
    snapshot = mirror.snapshot(head)
    assert snapshot.export(Path("out"), snapshot.entries) == ()
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert Snapshot(Path("here/mirror"), head, mirror.limits).tree == snapshot.tree


def test_an_ad_hoc_scan_first(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    """It leaves the tracked ref's first look and the later ones as they would have been."""
    for n in range(3):
        repository.commit({"a": str(n)})
    base = repository.tip()
    feature = repository.commit({"b": "1"}, branch="feature", parents=[base])
    mirror = mirror_of(repository, "main")
    assert mirror.fetch_revision("feature") == feature
    assert mirror.recorded() is None
    assert _fetch(mirror) == Fetched(base, None, False)
    mirror.pin(base)
    repository.git("update-ref", "refs/heads/main", feature)
    last = repository.commit({"c": "1"})
    fetched = _fetch(mirror)
    assert (fetched.commit, fetched.previous) == (last, base)
    assert fetched.forced is not True


def test_missing_revisions(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    repository.commit({"a": "1"})
    mirror = mirror_of(repository, "main")
    for revision, says in (("f" * 40, "it may be gone"), ("nope", "check its spelling")):
        with pytest.raises(SourceError, match=says):
            mirror.fetch_revision(revision)
    assert not mirror.has("f" * 40)
    with pytest.raises(SourceError, match="fetch it first"):
        mirror.pin("f" * 40)
    with pytest.raises(SourceError, match="fetch it first"):
        mirror.snapshot("f" * 40)


def test_what_is_not_a_commit(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    repository.commit({"a": "1"})
    blob = repository.oid("main:a")
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    with pytest.raises(SourceError, match="is a blob, not a commit"):
        mirror.snapshot(blob)
    assert not mirror.has(blob)


def test_a_mirror_that_is_not_there(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    mirror = mirror_of(repository, "main")
    assert not mirror.has("0" * 40)
    assert mirror.recorded() is None
    with pytest.raises(SourceError, match="fetch it first"):
        mirror.snapshot("0" * 40)
    assert not mirror.directory.exists()


def test_a_branch_that_moves_while_it_is_fetched(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    mirror = mirror_of(repository, "main")
    seen = repository.commit({"a": "1"})
    head = resolve_head(mirror.remote, mirror.limits)
    repository.commit({"a": "2"})
    assert mirror.fetch(head).commit == seen
    assert _contents(mirror.snapshot(seen)) == {"a": b"1"}
