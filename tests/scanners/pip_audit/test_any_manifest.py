"""Manifests of whatever content: what is pinned is found, and nothing breaks the reader."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compline.scanners.requirements import Manifest, Unreadable, read_manifest
from compline.scanners.requirements.find import Kind
from compline.scanners.requirements.lines import read_lines


def test_bombs_are_bounded() -> None:
    with pytest.raises(Unreadable, match="more than"):
        read_manifest("requirements", b"a==1\n" * 500_000)
    entries = b'[[package]]\nname = "a"\nversion = "1"\n'
    with pytest.raises(Unreadable, match="more than"):
        read_manifest("toml-lock", entries * 20_001)
    assert len(read_manifest("requirements", b"a" * 1_000_000).unreadable) == 1


_NAME = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)


_VERSION = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(rc[0-9]|\.post[0-9])?", fullmatch=True)


@settings(derandomize=True, max_examples=50)
@given(st.lists(st.tuples(_NAME, _VERSION), max_size=8))
def test_whatever_is_pinned_is_found_again(wanted: list[tuple[str, str]]) -> None:
    text = "".join(f"{name}=={version}\n\n" for name, version in wanted)
    found = read_lines(text)
    assert len(found.pins) == len(wanted)
    assert [pin.line for pin in found.pins] == [2 * index + 1 for index in range(len(wanted))]
    assert not found.unpinned
    assert not found.unreadable


@settings(derandomize=True, max_examples=200)
@given(
    st.sampled_from(
        ["requirements", "toml-lock", "pylock", "pipfile-lock", "pyproject", "notebook"]
    ),
    st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
)
def test_no_content_breaks_the_reader(kind: Kind, content: bytes) -> None:
    try:
        assert isinstance(read_manifest(kind, content), Manifest)
    except Unreadable:
        with pytest.raises((ValueError, UnicodeDecodeError, tomllib.TOMLDecodeError)):
            _strictly(kind, content)


def _strictly(kind: Kind, content: bytes) -> None:
    text = content.decode()
    if kind in ("toml-lock", "pylock", "pyproject"):
        tomllib.loads(text)
    elif kind in ("pipfile-lock", "notebook"):
        value = json.loads(text)
        if not isinstance(value, dict) or (kind == "notebook" and "cells" not in value):
            raise ValueError
