"""Notebooks of every age, and files that only look like one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compline.model import GapReason
from compline.scanners.notebooks import CodeCell, NotANotebook, TextLine, read_notebook
from compline.scanners.python_sources import interpreter, notebook_pieces

V4: dict[str, Any] = {
    "nbformat": 4,
    "metadata": {"kernelspec": {"language": "python"}},
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {
            "cell_type": "code",
            "source": ["%env TOKEN=abc\n", "import os\r\n", "eval(x)"],
            "outputs": [
                {"output_type": "stream", "text": ["AKIA...\n", "two"]},
                {
                    "output_type": "display_data",
                    "data": {
                        "image/png": "iVBORw0KGgo",
                        "text/plain": "<Figure>",
                        "application/json": {"key": "value"},
                    },
                },
                {"output_type": "error", "traceback": ["Trace\n", "back"]},
            ],
        },
        {"cell_type": "code", "source": "%%bash\necho hi", "outputs": []},
        {"cell_type": "code", "source": "def broken(:", "outputs": []},
    ],
}


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_notebook_is_read_whole() -> None:
    notebook = read_notebook(dumped(V4))
    assert notebook.code == (CodeCell(2, "pass\nimport os\neval(x)"),)
    assert notebook.unparsed == (4,)
    assert notebook.language == "python"
    assert notebook.text == (
        TextLine(1, 1, "# Title"),
        TextLine(1, 2, "text"),
        TextLine(2, 1, "%env TOKEN=abc"),
        TextLine(2, None, "AKIA..."),
        TextLine(2, None, "two"),
        TextLine(2, None, "<Figure>"),
        TextLine(2, None, '{"key": "value"}'),
        TextLine(2, None, "Trace"),
        TextLine(2, None, "back"),
        TextLine(3, 1, "%%bash"),
        TextLine(3, 2, "echo hi"),
        TextLine(4, 1, "def broken(:"),
    )


def test_older_notebooks_keep_their_cells_in_worksheets() -> None:
    old = {
        "nbformat": 3,
        "worksheets": [
            {"cells": [{"cell_type": "code", "input": ["eval(x)\n"], "outputs": [{"text": "o"}]}]}
        ],
    }
    notebook = read_notebook(dumped(old))
    assert notebook.code == (CodeCell(1, "eval(x)\n"),)
    assert notebook.text == (TextLine(1, None, "o"),)


def test_other_languages_are_text_and_a_gap() -> None:
    other = {
        "metadata": {"language_info": {"name": "R"}},
        "cells": [{"cell_type": "code", "source": "eval(parse(text=x))"}],
    }
    assert read_notebook(dumped(other)).code == ()
    prepared = notebook_pieces(dumped(other), with_text=True)
    assert [piece.suffix for piece in prepared.pieces] == [".json"]
    assert [gap.reason for gap in prepared.gaps] == [GapReason.UNSUPPORTED]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"cells": 5}',
        b'{"worksheets": [{}]}',
        b'{"cells": [',
        b"[" * 200_000,
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_notebook_is_a_gap(content: bytes) -> None:
    with pytest.raises(NotANotebook):
        read_notebook(content)
    prepared = notebook_pieces(content, with_text=True)
    assert prepared.pieces == ()
    assert [gap.reason for gap in prepared.gaps] == [GapReason.UNPARSED]


@pytest.mark.parametrize(
    "cells",
    [
        [None, 5, "text", []],
        [{"cell_type": "code", "source": {"a": 1}}],
        [{"cell_type": "code", "source": [1, None]}],
        [{"cell_type": "code", "source": "", "outputs": "no list"}],
        [{"cell_type": "code", "source": "", "outputs": [None, {"data": [], "text": 5}]}],
        [{"cell_type": 7}],
    ],
)
def test_odd_cells_do_no_harm(cells: Any) -> None:
    notebook = read_notebook(dumped({"cells": cells, "metadata": []}))
    assert all(cell.source == "" for cell in notebook.code)


def test_pieces_know_where_their_lines_come_from() -> None:
    cells = [
        {"cell_type": "code", "source": "import os\nx = 1"},
        {"cell_type": "markdown", "source": "words"},
        {"cell_type": "code", "source": "eval(x)\n", "outputs": [{"text": "a\nb"}]},
    ]
    prepared = notebook_pieces(dumped({"cells": cells}), with_text=True)
    code, text = prepared.pieces
    assert code.content == b"import os\nx = 1\neval(x)\n\n"
    assert [(each.first, each.lines, each.cell, each.line) for each in code.sections] == [
        (1, 2, 1, 1),
        (3, 2, 3, 1),
    ]
    assert json.loads(text.content) == ["words", "a", "b"]
    lines = text.content.decode().split("\n")
    assert [(lines[s.first - 1].strip(","), s.cell, s.line) for s in text.sections] == [
        ('"words"', 2, 1),
        ('"a"', 3, None),
        ('"b"', 3, None),
    ]


@pytest.mark.parametrize(
    ("content", "program"),
    [
        (b"#!/usr/bin/python3\n", "python3"),
        (b"#! /usr/bin/env python\n", "python"),
        (b"#!/usr/bin/env -S python3 -u\n", "python3"),
        (b"#!/usr/bin/env A=b node\n", "node"),
        (b"#!/bin/sh -e", "sh"),
        (b"#!", ""),
        (b"", ""),
        (b"print(1)\n#!/usr/bin/python\n", ""),
        (b"#!/usr/bin/env\n", ""),
        (b"#!/opt/\xff\n", "\ufffd"),
    ],
)
def test_interpreters(content: bytes, program: str) -> None:
    assert interpreter(content) == program
