"""Names of refs, against git's own judgement."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compline.source.errors import SourceError
from compline.source.refs import check_object_id, check_ref, is_object_id, quoted

_PARTS = st.sampled_from(
    [
        *("a", "B", "-", ".", "..", "/", "//", "@", "@{", "{", "~", "^", ":", "?", "*", "[", "\\"),
        *(" ", ".lock", "lock", "\t", "\x7f", "é", "0", "refs", "heads", "%", "_", "\u202e", "&"),
        *(";", "$("),
    ]
)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(_PARTS, max_size=6).map("".join))
def test_accepts_only_what_git_accepts(ref: str) -> None:
    try:
        check_ref(ref)
        accepted = True
    except SourceError:
        accepted = False
    command = ["git", "check-ref-format", "--allow-onelevel", f"x/{ref}"]
    by_git = subprocess.run(command, check=False).returncode == 0
    if accepted:
        assert by_git
    elif by_git:
        # We refuse more: what would be an option, and what cannot be shown.
        assert ref.startswith("-") or ref == "@" or not ref.isprintable()


@pytest.mark.parametrize("ref", ["main", "feature/x-1", "refs/heads/main", "v1.0", "ä", "a@b"])
def test_ordinary_refs(ref: str) -> None:
    assert check_ref(ref) == ref


@pytest.mark.parametrize("ref", ["", "-x", "--upload-pack=x", "a..b", "a b", "a\nb", "x" * 2000])
def test_refused_refs(ref: str) -> None:
    with pytest.raises(SourceError, match="not a name that a branch or tag can have"):
        check_ref(ref)


def test_object_ids_are_whole() -> None:
    assert is_object_id("0" * 40)
    assert is_object_id("f" * 64)
    for text in ("HEAD", "0" * 39, "0" * 41, "F" * 40, "0" * 40 + "\n", "main^{tree}"):
        with pytest.raises(ValueError, match="not a full git object id"):
            check_object_id(text)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(_PARTS, min_size=1, max_size=6).map("".join), st.lists(_PARTS).map("".join))
def test_quoted_names_are_distinct_and_safe(one: str, other: str) -> None:
    name = quoted(one)
    assert re.fullmatch("[A-Za-z0-9%_-]+", name)
    if one and other and one != other:
        assert quoted(other) != name


def test_quoted_long_names_fit_a_file_name() -> None:
    names = {quoted("x" * 900 + letter) for letter in "abc"}
    assert len(names) == 3
    assert all(len(name) < 200 for name in names)
    assert quoted("") == quoted("HEAD") == "HEAD"
