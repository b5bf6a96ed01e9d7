"""Aligning positions."""

from __future__ import annotations

import pytest

from compline.findings.change import Hunk, LineMap, TreeChange
from compline.findings.places import Expected, align
from compline.model import Place


@pytest.mark.parametrize(
    ("expected", "found", "pairs"),
    [
        ([], [5], []),
        ([5], [5], [(0, 0)]),
        ([10, 50], [10, 30, 50], [(0, 0), (1, 2)]),
        ([50], [10, 48], [(0, 1)]),
        ([10, 20], [50, 60], [(0, 0), (1, 1)]),
        ([10, 11, 12], [12], [(2, 0)]),
        ([100, 101], [1, 2, 3], [(0, 1), (1, 2)]),
    ],
)
def test_align_takes_the_nearest_in_order(
    expected: list[int], found: list[int], pairs: list[tuple[int, int]]
) -> None:
    assert align(expected, found) == pairs


def test_a_kept_line_is_told_from_a_changed_one() -> None:
    change = TreeChange(
        {"old.py": "new.py"}, {("a", "b"): LineMap((Hunk(0, 0, 1, 40), Hunk(10, 2, 50, 4)))}
    )
    expected = Expected(change)
    assert expected.path(Place("old.py")) == "new.py"
    assert expected.line(Place("old.py", 5, blob="a"), "b") == (45, True)
    assert expected.line(Place("old.py", 11, blob="a"), "b") == (51, False)
    assert expected.line(Place("old.py", 20, blob="a"), "b") == (62, True)
    assert expected.line(Place("old.py", 20, blob="a"), "a") == (20, True)
    assert expected.line(Place("old.py", 20, blob="x"), "b") == (20, False)
