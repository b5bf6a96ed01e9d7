"""A tree's files, what is left out of it and why: every limit and every trap of a hostile tree."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from compline.config.schema import Limits
from compline.model import Gap, GapReason
from compline.source import gaps as gaps_module
from compline.source.errors import SourceError
from compline.source.git import Git
from compline.source.process import Bounds
from compline.source.snapshot import Entry, Snapshot

Take = Callable[..., Snapshot]


def _gaps(snapshot: Snapshot) -> list[tuple[GapReason, str]]:
    return [(gap.reason, gap.path) for gap in snapshot.gaps]


def _paths(snapshot: Snapshot) -> list[str]:
    return [entry.path for entry in snapshot.entries]


def test_an_ordinary_tree(repository: Any, snapshot_of: Take, kinds: Any) -> None:
    _, program, _ = kinds
    commit = repository.commit(
        {"b/z.py": "two", "a.py": "one", "b.py": "", "run": program(b"#!/bin/sh\n"), "ä ö.txt": "x"}
    )
    snapshot = snapshot_of(repository)
    assert snapshot.revision == commit
    assert snapshot.tree == repository.oid("main^{tree}")
    assert snapshot.gaps == ()
    assert snapshot.entries == (
        Entry("a.py", repository.oid("main:a.py"), False, 3),
        Entry("b.py", repository.oid("main:b.py"), False, 0),
        Entry("b/z.py", repository.oid("main:b/z.py"), False, 3),
        Entry("run", repository.oid("main:run"), True, 10),
        Entry("ä ö.txt", repository.oid("main:ä ö.txt"), False, 1),
    )


def test_an_empty_tree(repository: Any, listed: Take) -> None:
    repository.commit_tree(repository.tree([]))
    snapshot = listed(repository)
    assert (snapshot.entries, snapshot.gaps) == ((), ())


def test_links_submodules_and_lfs(repository: Any, snapshot_of: Take, kinds: Any) -> None:
    link, _, module = kinds
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12345\n" % ("0" * 64)
    old = pointer.replace("git-lfs.github.com/spec/v1", "hawser.github.com/spec/v1")
    talk = f"# about LFS\n{pointer}"
    repository.commit(
        {
            "outside": link("/etc/passwd"),
            "dir": link("../.."),
            "vendor/lib": module(),
            "model.bin": pointer,
            "old.bin": old,
            "talk.md": talk,
        }
    )
    snapshot = snapshot_of(repository)
    assert _paths(snapshot) == ["talk.md"]
    assert _gaps(snapshot) == [
        (GapReason.LFS, "model.bin"),
        (GapReason.LFS, "old.bin"),
        (GapReason.SUBMODULE, "vendor/lib/"),
        (GapReason.SYMLINK, "dir"),
        (GapReason.SYMLINK, "outside"),
    ]


def test_file_size(repository: Any, snapshot_of: Take) -> None:
    repository.commit({"fits": b"x" * 2048, "over": b"x" * 2049})
    snapshot = snapshot_of(repository, file_kb=2)
    assert _paths(snapshot) == ["fits"]
    assert snapshot.gaps == (Gap(GapReason.TOO_LARGE, "over", "2049 bytes"),)


def test_total_size_leaves_out_the_largest(repository: Any, snapshot_of: Take) -> None:
    sizes = {"a": 300_000, "b": 500_000, "c": 200_000, "d": 500_000, "e": 10}
    repository.commit({name: os.urandom(size) for name, size in sizes.items()})
    snapshot = snapshot_of(repository, repository_mb=1)
    # 1.5 MB: one of the two largest has to go, the first by name.
    assert _paths(snapshot) == ["a", "c", "d", "e"]
    assert _gaps(snapshot) == [(GapReason.TOO_LARGE, "b")]
    assert "larger than 1 MB" in snapshot.gaps[0].detail


def test_number_of_files(repository: Any, snapshot_of: Take) -> None:
    """The first in the tree's order stay; the rest is named as closely as can be."""
    files = {f"{d}/{f}": f"{d}{f}" for d in "abcd" for f in "123"}
    repository.commit({**files, "c/deep/x": "x", "zz": "z"})
    snapshot = snapshot_of(repository, files=7)
    assert _paths(snapshot) == ["a/1", "a/2", "a/3", "b/1", "b/2", "b/3", "c/1"]
    assert _gaps(snapshot) == [
        (GapReason.TOO_MANY, path) for path in ("c/2", "c/3", "c/deep/", "d/", "zz")
    ]
    assert snapshot_of(repository, files=14).gaps == ()
    for entry in snapshot.entries:
        assert not any(gap.covers(entry.path) for gap in snapshot.gaps)


@pytest.mark.parametrize("files", [13, 200_000])
def test_both_ways_of_listing_agree(repository: Any, kinds: Any, listed: Take, files: int) -> None:
    link, program, module = kinds
    repository.commit(
        {f"d{n % 3}/e{n % 2}/{n}": str(n) for n in range(8)}
        | {"d.x": "x", "d0.x": "y", "l": link("a"), "m": module(), "p": program(b"p")}
    )
    with pytest.MonkeyPatch.context() as patch:
        by_git = listed(repository)
        patch.setattr("compline.source.listing._LONGEST_RECORD", -1)
        by_hand = listed(repository, files=files)
    assert (by_git.entries, by_git.gaps) == (by_hand.entries, by_hand.gaps)


@pytest.mark.parametrize(
    ("path", "shown", "says"),
    [
        ("a" * 20 + "/b", "a" * 20 + "/", "more than 16 bytes"),
        ("ok/" + "a" * 20, "ok/", "more than 16 bytes"),
        ("ok/" + "ä" * 7, "ok/", "more than 16 bytes"),
        ("x" * 17, "x" * 17, "more than 16 bytes"),
        ("a/b/c/x/y", "a/b/c/x/", "more than 4 levels"),
    ],
)
def test_path_length_and_depth(
    repository: Any, snapshot_of: Take, path: str, shown: str, says: str
) -> None:
    repository.commit({path: "x", "ok/ok": "y", "a/b/c/d": "z"})
    snapshot = snapshot_of(repository, path_length=16, path_depth=4)
    assert _paths(snapshot) == ["a/b/c/d", "ok/ok"]
    assert [(gap.reason, gap.path) for gap in snapshot.gaps] == [(GapReason.BAD_NAME, shown)]
    assert says in snapshot.gaps[0].detail
    # Whatever was found there under wider limits must not close.
    assert snapshot.gaps[0].covers(path)


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


def test_names_that_only_look_like_those(repository: Any, snapshot_of: Take) -> None:
    names = sorted(["...", ".github/x", ".gitignore", "a.git", "git", "..a", "a..b/c", "-rf", "~"])
    repository.commit({name: name for name in names})
    assert _paths(snapshot_of(repository)) == names


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


def test_missing_blobs_are_gaps(repository: Any, listed: Take) -> None:
    repository.commit({"a": "1", "b": "2", "c/d": "3"})
    lost = repository.oid("main:b")
    repository.remove(lost)
    snapshot = listed(repository)
    assert _paths(snapshot) == ["a", "c/d"]
    assert snapshot.gaps == (Gap(GapReason.MISSING_OBJECT, "b", f"blob {lost}"),)


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


def test_thousands_of_gaps_become_directories(
    repository: Any, snapshot_of: Take, kinds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, _, module = kinds
    files = {f"links/{n % 3}/{n}": link("x") for n in range(60)}
    repository.commit({**files, "one": module(), "file": "x"})
    monkeypatch.setattr(gaps_module, "_MOST", 50)
    snapshot = snapshot_of(repository)
    found = [(gap.reason, gap.path, gap.count) for gap in snapshot.gaps]
    assert found == [
        (GapReason.SUBMODULE, "one/", 1),
        *((GapReason.SYMLINK, f"links/{n}/", 20) for n in range(3)),
    ]
    monkeypatch.setattr(gaps_module, "_MOST", 2)
    assert [(gap.path, gap.count) for gap in snapshot_of(repository).gaps] == [
        ("one/", 1),
        ("links/", 60),
    ]


def test_gitattributes_and_hooks_of_a_tree_do_nothing(
    repository: Any, snapshot_of: Take, tmp_path: Any
) -> None:
    """No filter, no line ends, no export-ignore: contents are what the blobs are."""
    files = {
        ".gitattributes": "* filter=evil text eol=crlf export-ignore ident working-tree-encoding=x",
        "a.txt": "one\ntwo\n$Id$\n",
        "b.bin": bytes(range(256)),
    }
    repository.commit(files)
    snapshot = snapshot_of(repository)
    snapshot.export(tmp_path / "out", snapshot.entries)
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        assert (tmp_path / "out" / path).read_bytes() == data


def test_replaced_objects_are_not_believed(repository: Any, listed: Take) -> None:
    repository.commit({"a": "good"})
    good = repository.oid("main:a")
    repository.git("replace", good, repository.write("blob", b"evil"))
    snapshot = listed(repository)
    assert list(snapshot.read([good])) == [(good, b"good")]


def test_ten_thousand_files(repository: Any, listed: Take) -> None:
    repository.commit({f"p{n % 100}/q{n % 7}/file{n}.py": f"x = {n}\n" for n in range(10_000)})
    began = time.monotonic()
    snapshot = listed(repository)
    listing = time.monotonic() - began
    began = time.monotonic()
    size = sum(len(content or b"") for _, content in snapshot.read(e.oid for e in snapshot.entries))
    reading = time.monotonic() - began
    print(f"\n10,000 files: listed in {listing:.2f} s, {size} bytes read in {reading:.2f} s")
    assert len(snapshot.entries) == 10_000
    assert size == sum(entry.size for entry in snapshot.entries)
    assert listing < 5
    assert reading < 5
