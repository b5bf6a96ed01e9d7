"""The text behind `py-ast/1`: it must never change, however it is come by."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import hashlib
import inspect
import json.encoder
import textwrap
import typing
from types import ModuleType

import pytest

from compline.findings import syntax
from compline.findings.syntax import normal_form

BLOCKS = {"body", "orelse", "finalbody", "handlers", "cases"}
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LAYOUT = {"kind", "type_comment", "type_ignores", "ctx"}
ODD = textwrap.dedent(
    """
    @decorated(b"bytes", 1.5, 2j, ..., None, True)
    async def work(a, /, b: int = -0x10, *c, d=1_000, **e) -> None:
        global shared, other
        del (a, b)
        del (c), d
        async with opened(a) as f, other:
            yield {**e, "k": [*c], 1: {2, 3}}
        match a:
            case {"x": [1, *_], **rest} if rest:
                return (lambda q=a: (yield))
            case None | Point(x=0):
                pass
        try:
            from ..up import name as n
        except* (OSError, ValueError) as problem:
            raise problem from None
        finally:
            x: int = f"{a!r:>{b}} {'text'}"
        while (y := a if b else c)[1:2, ::3]:
            assert y, 10 ** 400
        else:
            y @= ~b
    """
)


def reference(root: ast.AST, header_only: bool, outline: bool) -> str:
    """The text in the simplest words; slow, and no match for hostile depth."""

    def written(value: object) -> str:
        if isinstance(value, ast.AST):
            return node(value)
        return hex(value) if type(value) is int else repr(value)

    def node(item: ast.AST) -> str:
        text = f"({type(item).__name__}"
        for name, value in ast.iter_fields(item):
            block = name in BLOCKS and isinstance(value, list)
            named = name == "name" and isinstance(item, DEFINITIONS)
            if name in LAYOUT or value is None or value == []:
                continue
            if item is root and ((header_only and (block or named)) or (outline and named)):
                continue
            if outline and isinstance(item, ast.Constant):
                continue
            if isinstance(value, list):
                one = len(value) == 1 and isinstance(item, ast.Delete)
                flat = value[0].elts if one and isinstance(value[0], ast.Tuple) else value
                text += f" {name}=" + "".join(written(each) + "," for each in flat)
            else:
                text += f" {name}={written(value)}"
        return text + ")"

    return node(root)


def agree(text: str) -> None:
    for item in ast.walk(ast.parse(text)):
        if isinstance(item, (ast.stmt, ast.excepthandler, ast.match_case)):
            outlines = [(False, True)] if isinstance(item, DEFINITIONS) else []
            for header_only, outline in [(True, False), (False, False), *outlines]:
                made = normal_form(item, header_only, outline=outline)
                assert made == reference(item, header_only, outline), ast.dump(item)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("module", [argparse, dataclasses, typing, json.encoder, None])
def test_both_ways_of_writing_it_agree_with_the_simplest(
    module: ModuleType | None, deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if deep:
        monkeypatch.setattr(syntax, "_node", _too_deep)
    agree(ODD if module is None else inspect.getsource(module))


def _too_deep(*_: object) -> str:
    raise RecursionError


def test_the_text_is_what_it_was_when_the_version_was_given() -> None:
    form = normal_form(ast.parse(ODD).body[0], header_only=False)
    outline = normal_form(ast.parse(ODD).body[0], header_only=False, outline=True)
    assert [hashlib.sha256(text.encode()).hexdigest()[:16] for text in (form, outline)] == [
        "1e090e7c3c061073",
        "10e0697398596137",
    ]


def test_depth_is_no_limit() -> None:
    statement = ast.parse("x = 1").body[0]
    assert isinstance(statement, ast.Assign)
    for _ in range(5_000):
        statement.value = ast.UnaryOp(ast.Not(), statement.value)
    form = normal_form(statement, header_only=True)
    assert form.count("(UnaryOp op=(Not) operand=") == 5_000
    assert form.endswith("(Constant value=0x1)" + ")" * 5_001)
