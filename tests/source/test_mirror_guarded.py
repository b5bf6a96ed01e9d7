"""What a mirror withstands: settings put into it, remains of killed programs, odd sources."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.source import mirror as mirror_module
from compline.source.errors import SourceError
from compline.source.mirror import Fetched, Mirror
from compline.source.remote import Head, resolve_head
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


def test_the_refs_of_two_tracked_branches_do_not_meet(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    names = ["a", "a/b", "a%2Fb", "refs/tags/a"]
    commits = {}
    for n, name in enumerate(names[:-1]):
        path = name.replace("a/b", "c/b")
        commits[name] = repository.commit({"n": str(n)}, branch=path, parents=[])
        mirror = mirror_of(repository, path)
        _fetch(mirror)
        mirror.pin(commits[name])
    for name in names[:-1]:
        mirror = mirror_of(repository, name.replace("a/b", "c/b"))
        assert mirror.recorded() == commits[name]
    assert mirror_of(repository, "refs/heads/a").recorded() == commits["a"]
    assert mirror_of(repository, "refs/tags/a").recorded() is None
    refs = _git(mirror_of(repository, "a"), "for-each-ref", "--format=%(refname)")
    assert all(ref.startswith("refs/compline/") for ref in refs)
    assert len(refs) == 6


def test_a_sha256_repository(tmp_path: Path, mirror_of: Callable[..., Mirror]) -> None:
    origin = tmp_path / "work"
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(
        ["git", "init", "-q", "-b", "main", "--object-format=sha256", origin], check=True
    )
    for n in range(2):
        (origin / "a").write_text(str(n))
        subprocess.run(["git", "-C", origin, "add", "."], check=True)
        subprocess.run(["git", "-C", origin, *identity, "commit", "-qm", "x"], check=True)
        mirror = mirror_of(f"file://{origin}", "main")
        fetched = _fetch(mirror)
        mirror.pin(fetched.commit)
    assert len(fetched.commit) == 64
    assert fetched.forced is False
    assert _contents(mirror.snapshot(fetched.commit)) == {"a": b"1"}


def test_a_repository_that_changes_its_hash_function(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    repository.commit({"a": "1"})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    with pytest.raises(SourceError, match=r"changed its hash function: remove .*mirror"):
        mirror.fetch(Head("refs/heads/main", "a" * 64))


def test_a_shallow_source(
    repository: Any, make_repository: Callable[[str], Any], mirror_of: Callable[..., Mirror]
) -> None:
    for n in range(3):
        repository.commit({"a": str(n)})
    repository.git("clone", "-q", "--bare", "--depth=1", repository.url, str(repository.path) + "2")
    source = make_repository("origin2")
    mirror = mirror_of(source, "main")
    _fetch(mirror)
    mirror.pin(source.tip())
    source.commit({"a": "4"})
    assert _fetch(mirror).forced is False
    full = mirror_of(source, "main", name="full", history="full")
    assert _fetch(full).commit == source.tip()
    assert _commits(mirror, source.tip()) == _commits(full, source.tip()) == 2


def test_settings_written_into_a_mirror_are_undone(
    repository: Any, mirror_of: Callable[..., Mirror], tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    trap = tmp_path / "trap.sh"
    ran = tmp_path / "ran"
    trap.write_text(f"#!/bin/sh\ntouch {ran}\n")
    trap.chmod(0o755)
    with (mirror.directory / "config").open("a") as file:
        file.write(
            f"[core]\n\thooksPath = {tmp_path}\n\tfsmonitor = {trap}\n\tsshCommand = {trap}\n"
            f'[url "ext::{trap} "]\n\tinsteadOf = file://\n'
            f"[uploadpack]\n\tpackObjectsHook = {trap}\n[gc]\n\trecentObjectsHook = {trap}\n"
            "[protocol]\n\tallow = always\n"
        )
    hooks = mirror.directory / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-update", "pre-auto-gc"):
        (tmp_path / name).symlink_to(trap)
        (hooks / name).symlink_to(trap)
    repository.commit({"a": "2"})
    mirror.pin(_fetch(mirror).commit)
    assert _contents(mirror.snapshot(repository.tip())) == {"a": b"2"}
    assert not ran.exists()
    assert "insteadOf" not in (mirror.directory / "config").read_text()


@pytest.mark.parametrize("name", ["alternates", "http-alternates"])
def test_a_mirror_that_borrows_is_refused(
    repository: Any, mirror_of: Callable[..., Mirror], tmp_path: Path, name: str
) -> None:
    head = repository.commit({"a": "1"})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    borrowing = mirror.directory / "objects" / "info" / name
    borrowing.parent.mkdir(exist_ok=True)
    borrowing.write_text(str(tmp_path / "private" / "objects"))
    for attempt in (lambda: _fetch(mirror), lambda: mirror.snapshot(head)):
        with pytest.raises(SourceError, match=f"{name} makes the mirror read .* remove the file"):
            attempt()


def test_borrowing_by_environment_is_ignored(
    repository: Any,
    make_repository: Callable[[str], Any],
    mirror_of: Callable[..., Mirror],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository.commit({"a": "1"})
    other = make_repository("other")
    foreign = other.commit({"b": "2"})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(other.path / "objects"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / "objects"))
    assert not mirror.has(foreign)
    assert mirror.has(repository.tip())


def test_what_a_killed_git_left_is_swept_away(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    repository.commit({"a": "1"})
    mirror = mirror_of(repository, "main")
    _fetch(mirror)
    refs = mirror.directory / "refs" / "compline"
    left = [
        mirror.directory / "shallow.lock",
        mirror.directory / "packed-refs.lock",
        mirror.directory / "objects" / "pack" / "tmp_pack_x",
        refs / "fetched" / "main.lock",
        refs / "recorded" / "main.lock",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    repository.commit({"a": "2"})
    mirror.pin(_fetch(mirror).commit)
    assert not any(path.exists() for path in left)


def test_a_mirror_half_made_is_made_again(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    repository.commit({"a": "1"})
    mirror = mirror_of(repository, "main")
    (mirror.directory / "objects").mkdir(parents=True)
    (mirror.directory / "config.lock").touch()
    (mirror.directory / "HEAD").write_text("")
    _fetch(mirror)
    assert mirror.has(repository.tip())


def test_many_small_packs_are_joined(
    repository: Any, mirror_of: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "_MANY_PACKS", 3)
    mirror = mirror_of(repository, "main")
    asked = []
    run = type(mirror.git).run

    def note(git: Any, *arguments: str, **options: Any) -> Any:
        asked.append(arguments[0])
        return run(git, *arguments, **options)

    monkeypatch.setattr(type(mirror.git), "run", note)
    for n in range(5):
        repository.commit({"a": str(n)})
        mirror.pin(_fetch(mirror).commit)
    assert asked.count("gc") == 2


def test_a_directory_that_cannot_be_written(
    repository: Any, mirror_of: Callable[..., Mirror], tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    (tmp_path / "mirror").write_text("a file")
    with pytest.raises(SourceError, match="mirror cannot be used: File exists"):
        _fetch(mirror_of(repository, "main"))
