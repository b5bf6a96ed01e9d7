"""Python's syntax tree, read for two questions: which statement holds a span, and inside what.

Nothing is executed. The text may be hostile: whatever the parser cannot take is `NotPython`, and
no walk here recurses.
"""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# What a block statement carries beside its header, and what a change inside must not touch.
_BLOCKS = frozenset({"body", "orelse", "finalbody", "handlers", "cases"})
# Layout and bookkeeping: quotes' prefix, comments, load or store (which follows from the place).
_LAYOUT = frozenset({"kind", "type_comment", "type_ignores", "ctx"})


class NotPython(Exception):
    """The text is no Python of this interpreter's grammar, or too deep for its parser."""


@dataclass(frozen=True, slots=True)
class Located:
    """What a span turned out to be."""

    symbol: str
    normal_form: str
    """The statement without its layout; empty where the span holds no statement."""
    line: int
    end_line: int
    definition: ast.AST | None = None
    """The innermost definition that encloses it, or whose header it is."""


class Module:
    """A parsed file."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._blocks: dict[int, _Block] = {}

    def locate(
        self, line: int, end_line: int, column: int | None, end_column: int | None
    ) -> Located:
        """The smallest statement around the span, or the run of statements that it covers.

        Of a block statement (`def`, `if`, `with`, ...) whose header is meant only the header
        counts, and of a definition not its name: that one is in the symbol.
        """
        node: ast.AST = self._tree
        names: list[str] = []
        inside: ast.AST | None = None
        while True:
            block = self._block(node)
            if not block.nodes or (node is not self._tree and line < block.starts[0]):
                break
            covered = _under_columns(
                block.overlapping(line, end_line), line, end_line, column, end_column
            )
            if len(covered) > 1:
                form = ";".join(normal_form(item, header_only=False) for item in covered)
                return Located(
                    ".".join(names), form, _first_line(covered[0]), _last_line(covered[-1]), inside
                )
            if not covered:
                break
            node = covered[0]
            if isinstance(node, _DEFINITIONS):
                names.append(node.name)
                inside = node
        if node is self._tree:
            return Located("", "", line, end_line)
        last = max(_first_line(node), block.starts[0] - 1) if block.nodes else _last_line(node)
        form = normal_form(node, header_only=True)
        return Located(".".join(names), form, _first_line(node), last, inside)

    def _block(self, node: ast.AST) -> _Block:
        if not _blocks_of(node.__class__.__name__):
            return _NO_BLOCK
        if id(node) not in self._blocks:
            self._blocks[id(node)] = _Block(tuple(_statements(node)))
        return self._blocks[id(node)]


class _Block:
    """The statements directly inside a node, in the order of their lines."""

    def __init__(self, nodes: tuple[ast.AST, ...]) -> None:
        self.nodes = nodes
        self.starts = [_first_line(node) for node in nodes]
        self._ends = [_last_line(node) for node in nodes]

    def overlapping(self, line: int, end_line: int) -> tuple[ast.AST, ...]:
        """Those that share a line with the span."""
        return self.nodes[bisect_left(self._ends, line) : bisect_right(self.starts, end_line)]


_NO_BLOCK = _Block(())


def parse(text: str) -> Module:
    """Parses without executing.

    Raises:
        NotPython: a syntax error, or nested too deeply for the parser.
    """
    try:
        with warnings.catch_warnings():
            # The scanned code's invalid escapes are no business of ours.
            warnings.simplefilter("ignore")
            return Module(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotPython(type(error).__name__) from None


def normal_form(root: ast.AST, header_only: bool, *, outline: bool = False) -> str:
    """The tree as text that every interpreter version writes alike: empty fields are left out.

    Args:
        root: the node to write.
        header_only: leave out the root's blocks, and its name if it is a definition.
        outline: leave out its name alone, and the values of all constants: a hash over many
            lines must not give away a password that stands in one of them.
    """
    fields = _root_fields(root.__class__.__name__, header_only, outline)
    try:
        return _node(root, fields, outline)
    except RecursionError:
        return _deep_node(root, fields, outline)


Fields = tuple[tuple[str, str], ...]


def _node(node: ast.AST, fields: Fields, outline: bool) -> str:
    """A node with these fields. Most of what it costs to know a span is spent here.

    Raises:
        RecursionError: it is nested too deeply.
    """
    held = node.__dict__
    text = f"({node.__class__.__name__}"
    for name, label in fields:
        value: Any = held.get(name)
        kind = value.__class__
        if value is None or value == []:
            continue
        if kind is ast.Name:
            text += f"{label}(Name id={value.id!r})"
        elif kind is ast.Constant and (outline or value.value is None):
            text += f"{label}(Constant)"
        elif isinstance(value, ast.AST):
            text += label + _node(value, _fields(kind.__name__, outline), outline)
        elif kind is list:
            text += label
            for one in _flat(value) if node.__class__ is ast.Delete else value:
                if isinstance(one, ast.AST):
                    text += _node(one, _fields(one.__class__.__name__, outline), outline) + ","
                else:
                    text += _written(one) + ","
        else:
            text += label + _written(value)
    return text + ")"


def _deep_node(root: ast.AST, fields: Fields, outline: bool) -> str:
    """The same text, however deep the tree."""
    parts: list[str] = []
    # Strings on the stack are output; values of the tree are turned into output when pushed.
    stack: list[ast.AST | str] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item)
            continue
        pushed: list[ast.AST | str] = [f"({item.__class__.__name__}"]
        for name, label in fields if item is root else _fields(item.__class__.__name__, outline):
            value = getattr(item, name, None)
            if value is None or value == []:
                continue
            pushed.append(label)
            if isinstance(value, list):
                for one in _flat(value) if isinstance(item, ast.Delete) else value:
                    pushed += (one if isinstance(one, ast.AST) else _written(one), ",")
            else:
                pushed.append(value if isinstance(value, ast.AST) else _written(value))
        stack.append(")")
        stack.extend(reversed(pushed))
    return "".join(parts)


@cache
def _fields(kind: str, outline: bool) -> Fields:
    """The fields of a kind of node that mean something, with how they are announced."""
    if outline and kind == ast.Constant.__name__:
        return ()
    of_kind: tuple[str, ...] = getattr(ast, kind)._fields
    return tuple((name, f" {name}=") for name in of_kind if name not in _LAYOUT)


@cache
def _root_fields(kind: str, header_only: bool, outline: bool) -> Fields:
    """Those of the node that is written, less what is left out of it."""
    left_out = set(_BLOCKS) if header_only else set()
    if outline or (header_only and issubclass(getattr(ast, kind), _DEFINITIONS)):
        left_out.add("name")
    return tuple(field for field in _fields(kind, outline) if field[0] not in left_out)


def _written(value: object) -> str:
    if type(value) is int:
        return hex(value)  # the decimal form of a huge number is refused by the interpreter
    return repr(value)


def _flat(targets: list[ast.expr]) -> list[ast.expr]:
    """`del (a, b)` and `del a, b` are the same statement."""
    if len(targets) == 1 and isinstance(targets[0], ast.Tuple):
        return targets[0].elts
    return targets


def _statements(parent: ast.AST) -> Iterator[ast.AST]:
    """Statements, handlers and cases directly inside the parent."""
    for name in _blocks_of(parent.__class__.__name__):
        yield from getattr(parent, name)


@cache
def _blocks_of(kind: str) -> tuple[str, ...]:
    """The fields of a kind of statement that hold others, in the order of their lines."""
    of_kind = getattr(ast, kind)._fields
    names = ("body", "handlers", "orelse", "finalbody", "cases")
    return tuple(name for name in names if name in of_kind)


def _first_line(node: ast.AST) -> int:
    if isinstance(node, _DEFINITIONS) and node.decorator_list:
        return min(node.lineno, *(item.lineno for item in node.decorator_list))
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    line: int = getattr(node, "lineno", 1)
    return line


def _last_line(node: ast.AST) -> int:
    if isinstance(node, ast.match_case):
        return max(_last_line(child) for child in node.body)
    line: int | None = getattr(node, "end_lineno", None)
    return _first_line(node) if line is None else line


def _under_columns(
    nodes: tuple[ast.AST, ...],
    line: int,
    end_line: int,
    column: int | None,
    end_column: int | None,
) -> tuple[ast.AST, ...]:
    """Of several statements on the span's only line, those under its columns."""
    if len(nodes) < 2 or column is None or line != end_line:
        return nodes
    last = column if end_column is None else max(column, end_column - 1)
    under = tuple(node for node in nodes if _on_columns(node, column - 1, last - 1))
    return under or nodes


def _on_columns(node: ast.AST, first: int, last: int) -> bool:
    start: int = getattr(node, "col_offset", 0)
    end: int | None = getattr(node, "end_col_offset", None)
    return start <= last and (end is None or end > first)
