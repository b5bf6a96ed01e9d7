"""Trees that no honest git would make: each costs only what it covers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from compline.config.schema import Limits
from compline.model import GapReason
from compline.source.errors import SourceError
from compline.source.git import Git
from compline.source.process import Bounds
from compline.source.snapshot import Snapshot

Take = Callable[..., Snapshot]


def _gaps(snapshot: Snapshot) -> list[tuple[GapReason, str]]:
    return [(gap.reason, gap.path) for gap in snapshot.gaps]


def _paths(snapshot: Snapshot) -> list[str]:
    return [entry.path for entry in snapshot.entries]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9", r"caf\xe9"),
        (b"new\nline", r"new\x0aline"),
        (b"\x1b[2Jclear", r"\x1b[2Jclear"),
        (b"tab\t\\back", r"tab\x09\\back"),
        ("\u202egnp.exe".encode(), r"\u202egnp.exe"),
        ("c1\x85x".encode(), r"c1\x85x"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
        (b"..", ".."),
        (b".", "."),
        (b".git", ".git"),
        (b".GiT", ".GiT"),
        (b"../../etc/cron.d/x", "../../etc/cron.d/x"),
        (b"/etc/passwd", "/etc/passwd"),
        (b"a//b", "a//b"),
        (b".git/hooks/post-checkout", ".git/hooks/post-checkout"),
        (b"n" * 256, "n" * 256),
    ],
)
def test_hostile_names(repository: Any, listed: Take, name: bytes, shown: str) -> None:
    """git refuses to make such trees, and yet they are sent around."""
    blob = repository.write("blob", b"x")
    entries = [("100644", name, blob), ("100644", b"\\plain", blob)]
    repository.commit_tree(repository.tree(entries))
    snapshot = listed(repository)
    assert _paths(snapshot) == ["\\plain"]
    assert _gaps(snapshot) == [(GapReason.BAD_NAME, shown)]
    assert all(gap.path.isprintable() for gap in snapshot.gaps)


@pytest.mark.parametrize("name", [b"..", b".git", b"", b"bad\xff", b"n" * 256])
def test_hostile_directories(repository: Any, listed: Take, name: bytes) -> None:
    blob = repository.write("blob", b"x")
    inner = repository.tree([("100644", b"config", blob)])
    repository.commit_tree(repository.tree([("40000", name, inner), ("100644", b"ok", blob)]))
    snapshot = listed(repository)
    assert _paths(snapshot) == ["ok"]
    assert [gap.reason for gap in snapshot.gaps] == [GapReason.BAD_NAME]


def test_the_same_name_twice_and_in_the_way(repository: Any, listed: Take, tmp_path: Any) -> None:
    one, two = (repository.write("blob", text) for text in (b"one", b"two"))
    inner = repository.tree([("100644", b"x", one)])
    entries = [("100644", b"a", one), ("100644", b"a", two), ("100644", b"d", one)]
    repository.commit_tree(repository.tree([*entries, ("40000", b"d", inner)]))
    snapshot = listed(repository)
    assert _paths(snapshot) == ["a", "d/x"]
    assert snapshot.entries[0].oid == one
    assert _gaps(snapshot) == [(GapReason.BAD_NAME, "a"), (GapReason.BAD_NAME, "d")]
    assert snapshot.export(tmp_path / "out", snapshot.entries) == ()


def test_odd_modes(repository: Any, listed: Take) -> None:
    """As git reads them: old repositories have 100664, and nonsense counts as a submodule."""
    blob = repository.write("blob", b"x")
    modes = ["100664", "100777", "120777", "000000", "160000", "0100644"]
    entries = [(mode, f"f{n}".encode(), blob) for n, mode in enumerate(modes)]
    repository.commit_tree(repository.tree(entries))
    results = [listed(repository)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compline.source.listing._LONGEST_RECORD", -1)
        results.append(listed(repository))
    for snapshot in results:
        found = [(entry.path, entry.executable) for entry in snapshot.entries]
        assert found == [("f0", False), ("f1", True), ("f5", False)]
        assert Counter(gap.reason for gap in snapshot.gaps) == {
            GapReason.SYMLINK: 1,
            GapReason.SUBMODULE: 2,
        }


def test_a_file_that_is_really_a_tree(repository: Any, listed: Take) -> None:
    inner = repository.tree([])
    repository.commit_tree(repository.tree([("100644", b"a", inner)]))
    snapshot = listed(repository)
    assert list(snapshot.read(entry.oid for entry in snapshot.entries)) == [(inner, None)]


@pytest.mark.parametrize("damage", ["missing", "truncated", "a blob", "nonsense"])
def test_damaged_directories_are_gaps(repository: Any, listed: Take, damage: str) -> None:
    repository.commit({"a": "1", "b/x": "2", "c/d": "3"})
    if damage == "missing":
        repository.remove(repository.oid("main:b"))
    else:
        blob = repository.oid("main:a")
        inner = {
            "truncated": lambda: repository.write("tree", b"100644 x\0" + b"1" * 19),
            "a blob": lambda: blob,
            "nonsense": lambda: repository.write("tree", b"9z9 \xff" * 50),
        }[damage]()
        rest = repository.oid("main:c")
        tree = [("100644", b"a", blob), ("40000", b"b", inner), ("40000", b"c", rest)]
        repository.commit_tree(repository.tree(tree))
    snapshot = listed(repository)
    assert _paths(snapshot) == ["a", "c/d"]
    assert _gaps(snapshot) == [(GapReason.MISSING_OBJECT, "b/")]


def test_a_missing_root_is_an_error_not_an_empty_tree(repository: Any, listed: Take) -> None:
    repository.commit({"a": "1"})
    repository.remove(repository.oid("main^{tree}"))
    with pytest.raises(SourceError, match="missing or damaged: run `git fsck`"):
        listed(repository)


@pytest.mark.parametrize("leaf", ["a file", "nothing"])
def test_a_bomb_of_trees(repository: Any, listed: Take, leaf: str) -> None:
    """Ten billion paths, or endless empty directories, in ten objects."""
    blob = repository.write("blob", b"x")
    tree = repository.tree([("100644", b"f", blob)] if leaf == "a file" else [])
    for _ in range(10):
        tree = repository.tree([("40000", f"d{n}".encode(), tree) for n in range(10)])
    repository.commit_tree(tree)
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        if leaf == "nothing":
            # git itself would go on printing nothing until its time is over.
            patch.setattr(Git, "_bounds", property(lambda _: Bounds(2)))
        snapshot = listed(repository, files=1000)
    assert time.monotonic() - began < 30
    assert len(snapshot.entries) == (1000 if leaf == "a file" else 0)
    assert {gap.reason for gap in snapshot.gaps} == {GapReason.TOO_MANY}
    assert len(snapshot.gaps) < 150


def test_a_very_deep_tree(repository: Any, listed: Take) -> None:
    """git itself crashes on it."""
    blob = repository.write("blob", b"x")
    tree = repository.nested(40_000)
    repository.commit_tree(repository.tree([("40000", b"d", tree), ("100644", b"ok", blob)]))
    by_git = Git(Limits(), repository.path).run("ls-tree", "-r", "main")
    assert by_git.returncode < 0
    snapshot = listed(repository, path_depth=8)
    assert _paths(snapshot) == ["ok"]
    assert _gaps(snapshot) == [(GapReason.BAD_NAME, "d/" * 8)]
