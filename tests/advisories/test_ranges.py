"""Which versions an OSV record affects."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from compline.advisories.ranges import affects, fixes_in, parts_for

E = {"introduced": "0"}


def part(*events: dict[str, str], versions: tuple[str, ...] = ()) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}] if events else []
    return {"ranges": ranges, "versions": list(versions)}


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        (part(E, {"fixed": "2.0"}), ["0.1", "1.9.post1", "2.0rc1", "0a1"], ["2.0", "3"]),
        (part({"introduced": "1.0"}, {"last_affected": "1.5"}), ["1.0", "1.5"], ["0.9", "1.5.1"]),
        (
            part(E, {"fixed": "1.2"}, {"introduced": "2.0"}, {"fixed": "2.3"}),
            ["1.1", "2.2.9"],
            ["1.2", "1.9", "2.3"],
        ),
        # Events may stand in any order.
        (part({"fixed": "2.3"}, {"introduced": "2.0"}), ["2.1"], ["1.9", "2.3"]),
        (part(E, {"limit": "1.5"}), ["1.4"], ["1.5", "1.6"]),
        (part(versions=("1.0", "1.0.0.post1")), ["1.0", "1.0.0", "1.0.post1"], ["1.1", "0.9"]),
        (part(versions=("1!2.0",)), ["1!2"], ["2.0"]),
        # A local build is what it was built from.
        (part(E, {"fixed": "2.1"}), ["2.0.0+cu118"], ["2.1+cu118"]),
        (part(versions=("2.0.0",)), ["2.0.0+cu118"], ["2.0.1+cu118"]),
        # What PEP 440 does not know is passed over, not guessed at.
        (part({"introduced": "old-1"}, versions=("2004b-x", "1.0")), ["1.0"], ["2.0"]),
        (part(), [], ["1.0"]),
    ],
)
def test_affected_versions(entry: dict[str, Any], inside: list[str], outside: list[str]) -> None:
    assert [text for text in inside if not affects(entry, Version(text))] == []
    assert [text for text in outside if affects(entry, Version(text))] == []


@settings(derandomize=True, max_examples=200)
@given(
    points=st.lists(st.integers(1, 40), min_size=2, max_size=8, unique=True).map(sorted),
    version=st.integers(0, 41),
)
def test_alternating_ranges_are_half_open(points: list[int], version: int) -> None:
    points = points[: len(points) // 2 * 2]
    spans = list(pairwise(points))[::2]
    events = [
        event for low, high in spans for event in ({"introduced": f"{low}"}, {"fixed": f"{high}"})
    ]
    expected = any(low <= version < high for low, high in spans)
    assert affects(part(*reversed(events)), Version(str(version))) is expected


def test_git_ranges_are_not_versions() -> None:
    entry = {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}
    assert not affects(entry, Version("1.0"))


def test_fixes_of_all_ranges_ascending() -> None:
    entry = part(E, {"fixed": "2.10"}, {"introduced": "3"}, {"fixed": "2.9"}, {"fixed": "odd one"})
    assert fixes_in(entry) == [Version("2.9"), Version("2.10")]


def test_packages_are_told_by_their_normal_name() -> None:
    record = {
        "id": "x",
        "affected": [
            {"package": {"name": "Zope.Interface", "ecosystem": "PyPI"}},
            {"package": {"name": "zope-interface", "ecosystem": "npm"}},
        ],
    }
    assert len(list(parts_for(record, "zope-interface"))) == 1
