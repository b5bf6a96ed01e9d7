"""Nothing from a scanned repository acts in a message, whatever it is."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compline.alerts.escape import chat, clean, plain

HOSTILE = (
    "@everyone @here <!channel> <@U123> <https://evil.example|click> [a](http://evil.example)\n"
    "**b** _i_ ~s~ `c` ||spoiler|| #tag :bomb: www.evil.example javascript:alert(1)\r\n"
    "Bcc: x@evil.example\x1b[31m\u202e\u2066\u200d\x00\ud800 <b>x</b> data:text/html,x \uff20all"
)
PIECES = st.sampled_from(
    ["@", "everyone", "here", "<!channel>", "http", "https", "://", ".", "com", "evil", "_", "*",
     "~", "`", "[", "](", ")", "<", ">", "|", "#", ":", "\n", "\r", "\x1b", "\u202e", "\u2067",
     "\u200b", "\u00ad", "\ufeff", "a", " ", "mailto:", "\U000e0041", "\\"]
)  # fmt: skip
MENTION = re.compile(r"[@\uff20]\w")
LINK = re.compile(r"\w://|\b(?:mailto|javascript|data|tel):\S|\w\.[a-z]{2}|\]\(")


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join))
@example(HOSTILE)
def test_nothing_acts(text: str) -> None:
    for escape in (plain, chat):
        shown = escape(text, 500)
        assert not MENTION.search(shown)
        assert not re.search(r"\w://|\b(?:mailto|javascript|data|tel):\S", shown)
        assert not re.search(r"\w\.[a-z]{2}", shown)
        kinds = {unicodedata.category(c) for c in shown if c != "\u200b"}
        assert not kinds & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown = chat(text, 500)
    assert not set(shown) & set("<>`|*~\\")
    assert not LINK.search(shown)
    assert not re.search(r"(?<![^\W_])[_#]|_(?![^\W_])", shown), "emphasis and tags need an edge"


def test_what_was_there_can_still_be_read() -> None:
    title = "subprocess call with shell=True in app/run_it.py (CWE-78)"
    assert plain(title).replace("\u200b", "") == title
    assert chat(title).replace("\u200b", "") == title


@pytest.mark.parametrize("escape", [clean, plain, chat])
def test_lengths(escape: object) -> None:
    assert callable(escape)
    shown = escape("x" * 5_000, 50)
    assert len(shown) == 50
    assert shown.endswith("…")
    assert len(escape(" \n " * 100_000 + "x", 50)) <= 50
    assert escape("short", 50) == "short"
