"""What is in a tree, what is left out of it and why; every limit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from compline.model import Gap, GapReason
from compline.source import gaps as gaps_module
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


def test_names_that_only_look_like_those(repository: Any, snapshot_of: Take) -> None:
    names = sorted(["...", ".github/x", ".gitignore", "a.git", "git", "..a", "a..b/c", "-rf", "~"])
    repository.commit({name: name for name in names})
    assert _paths(snapshot_of(repository)) == names


def test_missing_blobs_are_gaps(repository: Any, listed: Take) -> None:
    repository.commit({"a": "1", "b": "2", "c/d": "3"})
    lost = repository.oid("main:b")
    repository.remove(lost)
    snapshot = listed(repository)
    assert _paths(snapshot) == ["a", "c/d"]
    assert snapshot.gaps == (Gap(GapReason.MISSING_OBJECT, "b", f"blob {lost}"),)


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
