"""What changed between two trees: renames, line maps, and how much."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compline.config.schema import Limits
from compline.findings.change import Hunk, LineMap
from compline.source.compare import compare
from compline.source.errors import SourceError
from compline.source.git import Git
from compline.source.mirror import Mirror
from compline.source.pairs import line_maps
from compline.source.remote import resolve_head


@pytest.fixture
def difference(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> Callable[..., tuple[Mirror, str, str]]:
    """A mirror with two commits: these files, then those changed."""

    def make(
        before: dict[str, Any], after: dict[str, Any], **limits: int
    ) -> tuple[Mirror, str, str]:
        mirror = mirror_of(repository, "main", **limits)
        commits = []
        for files in (before, after):
            repository.commit(files)
            head = resolve_head(mirror.remote, mirror.limits)
            commits.append(mirror.fetch(head).commit)
            mirror.pin(head.commit)
        return mirror, commits[0], commits[1]

    return make


def _lines(*words: object) -> str:
    return "".join(f"{word}\n" for word in words)


def test_renames_line_maps_and_share(repository: Any, difference: Any) -> None:
    body = _lines(*(f"line {n}" for n in range(1, 31)))
    before = {
        "keep.py": "same\n",
        "edit.py": body,
        "other.py": body + "tail\n",
        "move.py": body + "moved\n",
        "move_edit.py": body + "moved and edited\n",
        "gone.py": "gone\n",
    }
    after = {
        "edit.py": _lines("new", "new too") + body.replace("line 20\n", ""),
        "other.py": "top\n" + body + "tail\n",
        "move.py": None,
        "sub/moved.py": body + "moved\n",
        "move_edit.py": None,
        "sub/moved_edit.py": "first\n" + body + "moved and edited\n",
        "gone.py": None,
        "fresh.py": "quite different\n",
    }
    mirror, old, new = difference(before, after)
    change = compare(mirror, old, new, ["edit.py", "move_edit.py", "move.py", "gone.py", "nope"])
    assert change.renames == {"move.py": "sub/moved.py", "move_edit.py": "sub/moved_edit.py"}

    def pair(one: str, other: str) -> tuple[str, str]:
        return repository.oid(f"{old}:{one}"), repository.oid(f"{new}:{other}")

    # Asked for and differing; what only moved needs no map, `other.py` was not asked for.
    edit, moved = pair("edit.py", "edit.py"), pair("move_edit.py", "sub/moved_edit.py")
    assert change.line_maps == {
        edit: LineMap((Hunk(0, 0, 1, 2), Hunk(20, 1, 21, 0))),
        moved: LineMap((Hunk(0, 0, 1, 1),)),
    }
    lines = [change.line_maps[edit].new_line(line) for line in (1, 19, 20, 21, 30)]
    assert lines == [3, 21, None, 22, 31]
    # edit, other, move_edit, gone and fresh, of six files then and one that has gone.
    assert change.changed == pytest.approx(5 / 7)
    assert change.removed == {"gone.py"}


def test_nothing_changed(difference: Any) -> None:
    mirror, old, new = difference({"a": "1"}, {})
    change = compare(mirror, old, new, ["a"])
    assert (change.renames, change.line_maps, change.changed) == ({}, {}, 0.0)


def test_only_moved(difference: Any) -> None:
    body = _lines(*range(20))
    mirror, old, new = difference({"a": body, "b": "x"}, {"a": None, "c": body})
    change = compare(mirror, old, new, ["a"])
    assert (change.renames, change.line_maps, change.changed) == ({"a": "c"}, {}, 0.0)


def test_after_a_force_push(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    """Neither is the other's ancestor, and the mirror has one commit of each."""
    base = repository.commit({"a": _lines(1, 2, 3)})
    mirror = mirror_of(repository, "main")
    old = repository.commit({"a": _lines(1, 2, 3, 4)})
    mirror.fetch(resolve_head(mirror.remote, mirror.limits))
    mirror.pin(old)
    new = repository.commit({"a": _lines(0, 1, 2, 3, 4)}, parents=[base])
    assert mirror.fetch(resolve_head(mirror.remote, mirror.limits)).forced
    change = compare(mirror, old, new, ["a"])
    assert list(change.line_maps.values()) == [LineMap((Hunk(0, 0, 1, 1),))]


def test_attributes_of_the_repository_hide_nothing(difference: Any) -> None:
    """A repository must not be able to lose its line maps, or start programs."""
    attributes = "* -diff -text\n"
    mirror, old, new = difference(
        {".gitattributes": attributes, "a.py": _lines("a", "b")}, {"a.py": _lines("x", "a", "b")}
    )
    (mirror.directory / "info").mkdir(exist_ok=True)
    (mirror.directory / "info" / "attributes").write_text(attributes)
    change = compare(mirror, old, new, ["a.py"])
    assert list(change.line_maps.values()) == [LineMap((Hunk(0, 0, 1, 1),))]


def test_contents_that_look_like_a_diff(difference: Any, repository: Any) -> None:
    evil = [
        "diff --git a/00000001 b/00000001",
        "@@ -1,9 +1,9 @@",
        "--- a",
        "+++ b",
        "\\ No newline",
    ]
    before = {"a": _lines("x", *evil, "y"), "line\nend": "1\n", '"q".py': "1\n3\n"}
    after = {"a": _lines("x", "z", *evil), "line\nend": "2\n", '"q".py': "2\n1\n3\n"}
    mirror, old, new = difference(before, after)
    change = compare(mirror, old, new, before.keys())
    pair = {
        path: (repository.oid(f"{old}:{path}"), repository.oid(f"{new}:{path}")) for path in before
    }
    assert change.line_maps == {
        pair["a"]: LineMap((Hunk(1, 0, 2, 1), Hunk(7, 1, 7, 0))),
        pair["line\nend"]: LineMap((Hunk(1, 1, 1, 1),)),
        pair['"q".py']: LineMap((Hunk(0, 0, 1, 1),)),
    }


def test_names_that_are_not_utf8(repository: Any, mirror_of: Callable[..., Mirror]) -> None:
    blob = repository.write("blob", _lines(*range(20)).encode())
    mirror = mirror_of(repository, "main")
    commits = []
    for name in (b"caf\xe9", b"th\xe9", b"tea"):
        commits.append(repository.commit_tree(repository.tree([("100644", name, blob)])))
        mirror.fetch_revision(commits[-1])
    # As the gaps of both snapshots call them.
    change = compare(mirror, *commits[:2], [])
    assert (change.renames, change.changed) == ({r"caf\xe9": r"th\xe9"}, 0.0)
    assert [gap.path for gap in mirror.snapshot(commits[1]).gaps] == [r"th\xe9"]
    assert compare(mirror, *commits[1:], []).renames == {r"th\xe9": "tea"}


@pytest.mark.parametrize("lost", ["old", "new"])
def test_missing_blobs_cost_only_themselves(difference: Any, repository: Any, lost: str) -> None:
    body = _lines(*(f"line {n}" for n in range(40)))
    mirror, old, new = difference(
        {"a": "1\n", "b": body, "moved": body + "x\n"},
        {"a": "2\n", "b": body + "more\n", "moved": None, "there": body + "x\n"},
    )
    oid = repository.oid(f"{old if lost == 'old' else new}:b")
    stored = type(repository)(mirror.directory)
    stored.remove(oid)
    change = compare(mirror, old, new, ["a", "b"])
    pairs = [(repository.oid(f"{old}:a"), repository.oid(f"{new}:a"))]
    assert list(change.line_maps) == pairs
    assert change.renames == {"moved": "there"}
    assert change.changed == pytest.approx(2 / 3)


def test_missing_blobs_end_the_search_for_similar_files_only(
    difference: Any, repository: Any
) -> None:
    body = _lines(*(f"line {n}" for n in range(40)))
    mirror, old, new = difference(
        {"equal": body, "similar": body + "x\n"},
        {"equal": None, "equal2": body, "similar": None, "similar2": body + "x\ny\n"},
    )
    stored = type(repository)(mirror.directory)
    stored.remove(repository.oid(f"{new}:similar2"))
    assert compare(mirror, old, new, []).renames == {"equal": "equal2"}


def test_what_takes_too_long_is_looked_for_more_cheaply(
    difference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = _lines(*range(30))
    mirror, old, new = difference({"a": body}, {"a": None, "b": body})
    run = Git.run

    def slow(git: Git, *arguments: str, **options: Any) -> Any:
        if "-M" in arguments:
            raise SourceError("git took longer than the 1 s allowed")
        return run(git, *arguments, **options)

    monkeypatch.setattr(Git, "run", slow)
    assert compare(mirror, old, new, []).renames == {"a": "b"}


def test_files_over_the_limit_get_no_map(difference: Any) -> None:
    mirror, old, new = difference(
        {"a": "1\n", "b": "x\n" * 1024}, {"a": "2\n", "b": "x\n" * 1024 + "y\n"}, file_kb=2
    )
    assert len(compare(mirror, old, new, ["a", "b"]).line_maps) == 1


def test_a_file_that_becomes_a_link(difference: Any, kinds: Any) -> None:
    link, _, _ = kinds
    mirror, old, new = difference({"a": "1\n", "b": "x"}, {"a": link("b")})
    change = compare(mirror, old, new, ["a"])
    assert (change.line_maps, change.changed) == ({}, 0.5)


def test_a_commit_that_is_not_there(difference: Any) -> None:
    mirror, old, _ = difference({"a": "1"}, {"a": "2"})
    with pytest.raises(SourceError, match="cannot compare"):
        compare(mirror, old, "f" * 40, [])
    with pytest.raises(ValueError, match="not a full git object id"):
        compare(mirror, old, "main", [])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A repository to put blobs into by hand."""
    path = tmp_path_factory.mktemp("blobs")
    for name in ("objects/info", "objects/pack", "refs"):
        (path / name).mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/none\n")
    return path


_TEXT = st.lists(st.sampled_from(["a", "b", "c", "@@ -1 +1 @@", "\\", "-", "+"]), max_size=9)


@settings(
    derandomize=True,
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(_TEXT, _TEXT, st.booleans()), min_size=1, max_size=40))
def test_maps_of_many_pairs_are_right(
    store: Path, repository: Any, texts: list[tuple[list[str], list[str], bool]]
) -> None:
    """Each line that git says stayed is the same line, in order; all pairs from one process."""
    writer = type(repository)(store)
    pairs = {}
    for old, new, ended in texts:
        end = "\n" if ended else ""
        oids = tuple(writer.write("blob", ("\n".join(t) + end).encode()) for t in (old, new))
        pairs[oids] = (old, new)
    found = line_maps(Git(Limits(git_seconds=30), store), pairs)
    assert set(found) == set(pairs)
    for oids, (old, new) in pairs.items():
        targets = [found[oids].new_line(line) for line in range(1, len(old) + 1)]
        kept = [(o, n) for o, n in enumerate(targets, start=1) if n is not None and n <= len(new)]
        assert [n for _, n in kept] == sorted({n for _, n in kept})
        assert all(old[o - 1] == new[n - 1] for o, n in kept)
        if oids[0] == oids[1]:
            assert targets == list(range(1, len(old) + 1))


def test_speed_of_a_thousand_changed_files(
    difference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "".join(f"line {n} {os.urandom(4).hex()}\n" for n in range(20))
    before = {f"d{n % 50}/f{n}": f"{n}\n{body}" for n in range(2000)}
    after = {path: f"top\n{text}" for path, text in list(before.items())[:1000]}
    mirror, old, new = difference(before, after)
    started = []
    for name in ("run", "start"):
        monkeypatch.setattr(Git, name, _noting(getattr(Git, name), started))
    began = time.monotonic()
    change = compare(mirror, old, new, before)
    seconds = time.monotonic() - began
    print(f"\n1,000 of 2,000 files changed: {seconds:.2f} s")
    assert len(change.line_maps) == 1000
    assert {line_map.new_line(10) for line_map in change.line_maps.values()} == {11}
    assert change.changed == 0.5
    # Listing both trees, counting, sizes, and all the line maps.
    assert started == ["diff-tree", "cat-file", "diff-tree", "ls-tree"]
    assert seconds < 10


def _noting(method: Any, started: list[str]) -> Any:
    def note(git: Git, *arguments: str, **options: Any) -> Any:
        started.append(arguments[0])
        return method(git, *arguments, **options)

    return note
