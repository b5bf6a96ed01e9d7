"""Line maps against an oracle that knows where every line went, and against git's own hunks."""

from __future__ import annotations

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st

from compline.findings.change import Hunk, LineMap, TreeChange

# Per old line: how many lines are put before it, and what becomes of it.
_EDITS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["kept", "kept", "kept", "removed", "changed"])),
    max_size=14,
)


def _hunk(old_start: int, old_count: int, new_start: int, new_count: int) -> Hunk:
    """As git writes it: a count of 0 names the line before."""
    return Hunk(
        old_start if old_count else old_start - 1,
        old_count,
        new_start if new_count else new_start - 1,
        new_count,
    )


def _edited(
    edits: list[tuple[int, str]], trailing: int, *, joined: bool
) -> tuple[dict[int, int | None], tuple[Hunk, ...]]:
    """Where each old line goes, and the hunks that say so.

    Neighbouring edits are one hunk, as git writes them, or one hunk each.
    """
    expected: dict[int, int | None] = {}
    hunks: list[Hunk] = []
    old, new = 1, 1
    begun: tuple[int, int] | None = None

    def end() -> None:
        nonlocal begun
        if begun and (begun != (old, new)):
            hunks.append(_hunk(begun[0], old - begun[0], begun[1], new - begun[1]))
        begun = None

    for inserted, fate in edits:
        if inserted:
            begun = begun or (old, new)
            new += inserted
            if not joined:
                end()
        if fate == "kept":
            end()
            expected[old] = new
            old, new = old + 1, new + 1
            continue
        begun = begun or (old, new)
        expected[old] = None
        old, new = old + 1, new + (fate == "changed")
        if not joined:
            end()
    if trailing:
        begun = begun or (old, new)
        new += trailing
    end()
    return expected, tuple(hunks)


@settings(derandomize=True, max_examples=500, deadline=None)
@given(_EDITS, st.integers(0, 3), st.booleans())
def test_every_line_goes_where_it_went(
    edits: list[tuple[int, str]], trailing: int, joined: bool
) -> None:
    expected, hunks = _edited(edits, trailing, joined=joined)
    line_map = LineMap(hunks)
    assert {line: line_map.new_line(line) for line in expected} == expected


@settings(derandomize=True, max_examples=300, deadline=None)
@given(*[st.lists(st.sampled_from("abcd"), max_size=12)] * 2)
def test_a_mapped_line_is_the_same_line(old: list[str], new: list[str]) -> None:
    """With hunks from another implementation of diff, over texts full of equal lines."""
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    hunks = tuple(
        _hunk(i1 + 1, i2 - i1, j1 + 1, j2 - j1)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    )
    line_map = LineMap(hunks)
    mapped = [line_map.new_line(line) for line in range(1, len(old) + 1)]
    kept = [(line, target) for line, target in enumerate(mapped, start=1) if target is not None]
    assert all(old[line - 1] == new[target - 1] for line, target in kept)
    targets = [target for _, target in kept]
    assert targets == sorted(set(targets))
    assert len(kept) == sum(size for _, _, size in matcher.get_matching_blocks())


def test_the_edges() -> None:
    assert LineMap().new_line(7) == 7
    # At the top of the file git writes an insertion as behind line 0.
    assert LineMap((Hunk(0, 0, 1, 40),)).new_line(1) == 41
    removed_first = LineMap((Hunk(1, 2, 0, 0),))
    assert [removed_first.new_line(line) for line in (1, 2, 3)] == [None, None, 1]
    emptied = LineMap((Hunk(1, 3, 0, 0),))
    assert [emptied.new_line(line) for line in (1, 2, 3)] == [None] * 3


def test_no_change_is_the_default() -> None:
    assert TreeChange() == TreeChange(renames={}, line_maps={}, changed=0.0)
