"""CODEOWNERS as code hosts read it."""

from __future__ import annotations

import time

import pytest

from compline.alerts.owners import parse

FILE = """
# comment
*                 @acme/all
*.py              @python
/docs/            @writers
apps/ui           @ui dev@acme.example  # trailing comment @nobody
**/logs           @ops
/build/*          @builders
src/**/secret.txt @security
/src/free
with\\ space.txt   @space
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README.md", ("@acme/all",)),
        ("a/b/c.py", ("@python",)),
        ("docs/deep/page.md", ("@writers",)),
        ("other/docs/page.md", ("@acme/all",)),
        ("apps/ui/x.ts", ("@ui", "dev@acme.example")),
        ("deep/apps/ui/x.ts", ("@acme/all",)),
        ("deep/logs/today", ("@ops",)),
        ("build/x", ("@builders",)),
        ("build/deep/x", ("@acme/all",)),
        ("src/secret.txt", ("@security",)),
        ("src/a/b/secret.txt", ("@security",)),
        ("src/free/x.py", ()),
        ("with space.txt", ("@space",)),
    ],
)
def test_the_last_match_counts(path: str, owners: tuple[str, ...]) -> None:
    assert parse(FILE).of(path) == owners


def test_sections_count_each_by_themselves() -> None:
    owners = parse("[Backend] @back\n*.py\n*.sql @dba\n^[Docs][2] @docs\n*.md\n")
    assert owners.of("a.py") == ("@back",)
    assert owners.of("a.sql") == ("@dba",)
    assert owners.of("a.md") == ("@docs",)
    assert parse("[A] @a\n*\n[B] @b\n*\n").of("x") == ("@a", "@b")


def test_a_hostile_file_costs_nothing() -> None:
    pattern = "*a" * 190 + "b"
    text = "\n".join([f"{pattern} @x"] * 3_000 + ["**/" * 100 + "x @y"] * 1_000)
    began = time.perf_counter()
    assert parse(text).of("/".join(["a" * 200] * 20)) == ()
    assert parse("[" * 10_000 + "\n" + "!a @x\n \n@x\n").of("a") == ()
    assert time.perf_counter() - began < 2
