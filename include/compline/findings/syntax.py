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
    parts: list[str] = []
    # Strings on the stack are output; values of the tree are turned into output when pushed.
    stack: list[ast.AST | str] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item)
            continue
        pushed: list[ast.AST | str] = [f"({type(item).__name__}"]
        for name, value in ast.iter_fields(item):
            if name in _LAYOUT or value is None or value == []:
                continue
            if item is root and header_only and _left_out(root, name):
                continue
            if outline and ((item is root and name == "name") or isinstance(item, ast.Constant)):
                continue
            pushed.append(f" {name}=")
            if isinstance(value, list):
                flat = _flat(value) if isinstance(item, ast.Delete) else value
                for element in flat:
                    pushed += [_written(element), ","]
            else:
                pushed.append(_written(value))
        stack.append(")")
        stack.extend(reversed(pushed))
    return "".join(parts)


def _written(value: object) -> ast.AST | str:
    if isinstance(value, ast.AST):
        return value
    if type(value) is int:
        return hex(value)  # the decimal form of a huge number is refused by the interpreter
    return repr(value)


def _left_out(root: ast.AST, name: str) -> bool:
    if isinstance(root, _DEFINITIONS) and name == "name":
        return True
    return name in _BLOCKS and isinstance(getattr(root, name), list)


def _flat(targets: list[ast.expr]) -> list[ast.expr]:
    """`del (a, b)` and `del a, b` are the same statement."""
    if len(targets) == 1 and isinstance(targets[0], ast.Tuple):
        return targets[0].elts
    return targets


def _statements(parent: ast.AST) -> Iterator[ast.AST]:
    """Statements, handlers and cases directly inside the parent."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        block = getattr(parent, name, None)
        if isinstance(block, list):  # a lambda's body is an expression
            yield from block


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
