"""The matcher's stages, each with which witness stays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from witnesses import witnesses

from compline.findings.change import TreeChange
from compline.findings.matching import match
from compline.model import FindingKind, Observation, Place

OLD = """\
def f(x):
    v1 = 1
    exec(x)
    v2 = 2
    exec(x)
    v3 = 3


def g(x):
    exec(x)
"""


def lines(
    known: Sequence[Observation],
    found: Sequence[Observation],
    change: TreeChange | None = None,
) -> dict[int | None, int | None]:
    """Old line to new line of what was matched."""
    matching = match(witnesses(known), found, change)
    assert len(matching.pairs) + len(matching.missing) == len(known)
    assert len(matching.pairs) + len(matching.fresh) == len(found)
    return {
        witness.observation.place.line: observation.place.line
        for witness, observation in matching.pairs
    }


def matched(kit: Any, old: str, new: str, **more: Any) -> dict[int | None, int | None]:
    return lines(kit.marked("a.py", old), kit.marked("a.py", new), kit.change([(old, new)], **more))


def test_lines_moved_by_forty(kit: Any) -> None:
    assert matched(kit, OLD, "\n" * 40 + OLD) == {3: 43, 5: 45, 10: 50}


def test_the_same_content_is_the_same_in_any_order(kit: Any) -> None:
    found = kit.marked("a.py", OLD)
    assert lines(found, found[::-1]) == {3: 3, 5: 5, 10: 10}


def test_an_equal_line_inserted_above_leaves_the_old_ones(kit: Any) -> None:
    new = OLD.replace("    v1 = 1\n", "    exec(x)\n    v1 = 1\n")
    assert matched(kit, OLD, new) == {3: 4, 5: 6, 10: 11}


def test_an_equal_line_inserted_above_and_no_line_map(kit: Any) -> None:
    new = OLD.replace("    v2 = 2\n", "    v2 = 2\n    exec(x)\n    w = 0\n")
    found = lines(kit.marked("a.py", OLD), kit.marked("a.py", new))
    assert found == {3: 3, 5: 5, 10: 12}


@pytest.mark.parametrize(
    ("removed", "stays"),
    [("    v1 = 1\n    exec(x)\n", {5: 3, 10: 8}), ("    exec(x)\n    v3 = 3\n", {3: 3, 10: 8})],
)
def test_removing_one_of_two_equal_lines_loses_exactly_that_one(
    kit: Any, removed: str, stays: dict[int, int]
) -> None:
    assert matched(kit, OLD, OLD.replace(removed, "")) == stays


def test_reordered_functions_take_their_own_along(kit: Any) -> None:
    f, g = OLD.split("\n\n\n")
    assert matched(kit, OLD, g + "\n\n" + f) == {3: 7, 5: 9, 10: 2}


def test_a_renamed_function_keeps_its_own(kit: Any) -> None:
    assert matched(kit, OLD, OLD.replace("def f(", "def load(")) == {3: 3, 5: 5, 10: 10}


def test_a_renamed_and_reformatted_function_keeps_its_own(kit: Any) -> None:
    new = OLD.replace("def g(x):\n    exec(x)", "def h(x):\n    exec(\n        x\n    )")
    assert matched(kit, OLD, new) == {3: 3, 5: 5, 10: 10}


def test_two_renamed_and_reformatted_functions_keep_their_own(kit: Any) -> None:
    old = "def a(x):\n    exec(x)\n\n\ndef b(x):\n    exec(x)\n"
    new = "def c(x):\n    exec( x )\n\n\ndef d(x):\n    exec( x )\n"
    assert matched(kit, old, new) == {2: 2, 6: 6}


def test_renamed_and_moved_functions_are_told_by_what_they_hold(kit: Any) -> None:
    one, two = "def a(x):\n    exec(x)\n    v = 1\n", "def b(x):\n    w = 2\n    exec(x)\n"
    new = two.replace("b(", "c(").replace("exec(x)", "exec( x )") + one.replace("a(", "d(")
    assert matched(kit, one + two, new) == {2: 5, 6: 3}


def test_equal_statements_that_touch_keep_their_order(kit: Any) -> None:
    """The diff keeps the long one and moves the short one; nobody moves a line past its like."""
    old = "def f(x):\n    exec(x)\n    exec(\n        x\n    )\n    v = 1\n"
    new = "def f(x):\n    exec(\n        x\n    )\n    exec(x)\n    v = 1\n"

    def spans(text: str, *ends: int) -> list[Observation]:
        found = kit.marked("a.py", text)
        return [
            replace(item, place=replace(item.place, end_line=end))
            for item, end in zip(found, ends, strict=True)
        ]

    change = kit.change([(old, new)])
    assert lines(spans(old, 2, 5), spans(new, 4, 5), change) == {2: 2, 3: 5}


def test_what_is_mended_in_one_function_is_not_what_is_new_in_another(kit: Any) -> None:
    """As long as the one is still there, for the other cannot be it under a new name."""
    old = "def f(x):\n    exec(x)\n    v = 1\n    exec(y)\n"
    new = "def f(x):\n    v = 1\n    exec(y)\n\n\ndef g(x):\n    w = 1\n    exec(x)\n"
    assert matched(kit, old, new) == {4: 3}
    # If nothing else is known of it, a moved line looks like a renamed function.
    old, new = old.replace("    exec(y)\n", ""), new.replace("    exec(y)\n", "")
    assert matched(kit, old, new) == {2: 7}


def test_a_reformatted_statement_is_the_same(kit: Any) -> None:
    new = OLD.replace("v2 = 2\n    exec(x)", "v2 = 2\n    exec(\n        x,\n    )")
    assert matched(kit, OLD, new) == {3: 3, 5: 5, 10: 12}


def test_a_renamed_file_is_the_same(kit: Any) -> None:
    new = "# moved\n" + OLD
    change = kit.change([(OLD, new)], renames={"a.py": "b/c.py"})
    assert lines(kit.marked("a.py", OLD), kit.marked("b/c.py", new), change) == {
        3: 4,
        5: 6,
        10: 11,
    }
    # The same content under another name, which git does not call a rename, is a copy.
    assert lines(kit.marked("a.py", OLD), kit.marked("b/c.py", OLD)) == {}


def test_a_copy_is_new(kit: Any) -> None:
    known = witnesses(kit.marked("a.py", OLD))
    matching = match(known, (*kit.marked("b.py", OLD), *kit.marked("a.py", OLD)))
    assert {observation.place.path for observation in matching.fresh} == {"b.py"}
    assert [witness.id for witness, _ in matching.pairs] == [1, 2, 3]


def test_words_severity_and_tool_do_not_matter(kit: Any) -> None:
    found = [
        replace(item, title="worse", severity="low", confidence="low", cwe=())
        for item in kit.marked("a.py", "#\n" + OLD)
    ]
    change = kit.change([(OLD, "#\n" + OLD)])
    assert lines(kit.marked("a.py", OLD), found, change) == {3: 4, 5: 6, 10: 11}


def test_another_rule_or_scanner_is_another(kit: Any) -> None:
    known = kit.marked("a.py", OLD)
    assert lines(known, kit.marked("a.py", OLD, rule="eval")) == {}
    assert lines(known, kit.marked("a.py", OLD, scanner="semgrep")) == {}


def test_other_code_is_another(kit: Any) -> None:
    assert matched(kit, OLD, OLD.replace("def g(x):\n    exec(x)", "def g(y):\n    exec(y)")) == {
        3: 3,
        5: 5,
    }


def test_a_statement_whose_later_lines_change_goes_on(kit: Any) -> None:
    old = "exec(\n    a,\n)\n"
    new = "#\nexec(\n    b,\n)\n"
    assert matched(kit, old, new) == {1: 2}


def test_an_older_fingerprint_version_links(kit: Any) -> None:
    known = [replace(item, fingerprints=item.fingerprints[1:]) for item in kit.marked("a.py", OLD)]
    assert {version for item in known for version, _ in item.fingerprints} == {"tokens/1"}
    new = OLD + "\n" + OLD.replace("f(", "f2(").replace("g(", "g2(")
    found = lines(known, kit.marked("a.py", new), kit.change([(OLD, new)]))
    assert found == {3: 3, 5: 5, 10: 10}


def test_a_statement_about_a_whole_file_is_known_by_rule_and_path(kit: Any) -> None:
    def about(path: str, blob: str, rule: str = "no-user") -> Observation:
        item = kit.code(path, "x", 1, rule=rule, kind=FindingKind.MISCONFIGURATION)
        return replace(item, place=Place(path, blob=blob), fingerprints=())

    assert lines([about("Dockerfile", "1")], [about("Dockerfile", "2")]) == {None: None}
    assert lines([about("Dockerfile", "1")], [about("Dockerfile", "2", "latest")]) == {}
    assert lines([about("Dockerfile", "1")], [about("b/Dockerfile", "2")]) == {}


def test_notebook_cells_are_in_order(kit: Any) -> None:
    def cell(number: int, line: int, blob: str) -> Observation:
        item = kit.code("a.ipynb", "exec(x)", 1)
        return replace(item, place=replace(item.place, cell=number, line=line, blob=blob))

    known = [cell(2, 1, "a"), cell(5, 3, "a")]
    matching = match(witnesses(known), [cell(3, 1, "b"), cell(6, 3, "b")])
    assert [
        (witness.observation.place.cell, observation.place.cell)
        for witness, observation in matching.pairs
    ] == [(2, 3), (5, 6)]


def test_thirteen_thousand_in_thirteen_hundred_files(kit: Any) -> None:
    template = kit.marked("a.py", OLD)[0]

    def shifted(lines: int, blob: str) -> list[Observation]:
        return [
            replace(
                template,
                place=replace(
                    template.place,
                    path=f"m{number // 10}.py",
                    line=1 + number % 10 + lines,
                    blob=f"{blob}{number // 10}",
                ),
            )
            for number in range(13_000)
        ]

    known = witnesses(shifted(0, "a"))
    started = time.process_time()
    matching = match(known, shifted(40, "b"))
    assert time.process_time() - started < 5
    assert all(
        witness.observation.place.line + 40 == item.place.line for witness, item in matching.pairs
    )
    assert len(matching.pairs) == 13_000


def test_ten_thousand_equal_lines_in_one_file(kit: Any) -> None:
    template = kit.marked("a.py", OLD)[0]
    many = [
        replace(template, place=replace(template.place, line=number, blob="a"))
        for number in range(1, 10_001)
    ]
    more = [
        replace(item, place=replace(item.place, line=item.place.line + 7, blob="b"))
        for item in [*many, replace(template, place=replace(template.place, line=10_001))]
    ]
    started = time.process_time()
    assert len(match(witnesses(many), more).pairs) == 10_000
    assert time.process_time() - started < 5
