"""Names of files in reports, as machines elsewhere saw them, found in the tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from compline.scanners.imports.report import Broken
from compline.scanners.imports.sources import Sources

TREE = ("README.md", "app/a.py", "app/b.py", "lib/a.py", "service/deep/c.py", "with space.py")


def sources(tree: Iterable[str] = TREE) -> Sources:
    def read(oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return ((oid, b"x = 1\n") for oid in oids)

    entries = [SimpleNamespace(path=path, oid=f"{n:040x}") for n, path in enumerate(tree)]
    snapshot: Any = SimpleNamespace(entries=entries, read=read)
    return Sources(snapshot, "shop at 1234")


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (["app/a.py", "lib/a.py"], ["app/a.py", "lib/a.py"]),
        (["./app/a.py"], ["app/a.py"]),
        (["/builds/org/shop/app/a.py", "/builds/org/shop/app/new.py"], ["app/a.py", "app/new.py"]),
        (["file:///builds/ci/shop/app/a.py"], ["app/a.py"]),
        (["C:\\agent\\work\\app\\a.py"], ["app/a.py"]),
        (["/C:/agent/work/app/b.py"], ["app/b.py"]),
        (["app\\b.py"], ["app/b.py"]),
        (["with%20space.py"], ["with space.py"]),
        (["shop/app/a.py", "shop/lib/a.py"], ["app/a.py", "lib/a.py"]),
        (["deep/c.py"], ["service/deep/c.py"]),
        (["b.py"], ["app/b.py"]),
        (["app/../lib/a.py"], ["lib/a.py"]),
    ],
)
def test_names(names: list[str], paths: list[str]) -> None:
    found = sources()
    found.settle(names)
    assert [found.path(name) for name in names] == paths


def test_a_name_that_fits_two_folders_is_left_alone() -> None:
    found = sources()
    with pytest.raises(Broken, match=r"none of the 1 files .* is in shop at 1234"):
        found.settle(["a.py"])


def test_as_it_is_wins_over_what_is_not_better() -> None:
    found = sources(("a.py", "sub/a.py"))
    found.settle(["a.py"])
    assert found.path("a.py") == "a.py"


def test_what_is_not_in_the_tree_has_no_content() -> None:
    found = sources()
    found.settle(["app/a.py", "app/generated.py"])
    assert found.content("app/a.py") == b"x = 1\n"
    assert found.content("app/generated.py") is None
    assert found.blob("app/generated.py") == ""


def test_without_a_tree_names_stay_as_they_are() -> None:
    found = Sources(None)
    found.settle(["/builds/x/a.py", "./b.py"])
    assert found.paths == {"/builds/x/a.py": "builds/x/a.py", "./b.py": "b.py"}
