"""Which Airflow connections a DAG's source names; it is parsed, never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_GETTERS = frozenset({"get_connection", "get_uri_from_secrets", "get_connection_from_secrets"})
_TEMPLATE = re.compile(r"\{[{%][^}]*?\bconn\.(?!get\b)([A-Za-z_]\w*)")
"""`{{ conn.warehouse.host }}` in a templated argument."""


@dataclass(frozen=True)
class Connections:
    """What was found."""

    named: frozenset[str]
    """Ids that are written as text."""
    hidden: tuple[int, ...]
    """Lines where an id is worked out as the DAG runs."""


def connections(source: str, dag: str = "") -> Connections:
    """The connections of a DAG file: arguments `conn_id` and `..._conn_id`, `get_connection(...)`,
    `Connection.get(...)`, templates' `conn.ID`, and the DAG's `default_args`. A hook that is not
    told one by name takes a default of its class, which the file does not say: hidden.

    Raises:
        ValueError: it is no Python, or does not name the DAG.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("it is no Python that this interpreter can parse") from error
    constants = _constants(tree)
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    functions = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if dag and dag not in texts | functions:
        raise ValueError(f"it does not name the DAG {dag}")
    named = {name for text in texts if isinstance(text, str) for name in _TEMPLATE.findall(text)}
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    hidden = [node.lineno for node in calls if _is_default(node)]
    for value in _ids(tree):
        text = constants.get(value.id) if isinstance(value, ast.Name) else None
        if isinstance(value, ast.Constant):
            text = value.value if isinstance(value.value, str) else None
            if value.value is None:
                continue
        if text is None:
            hidden.append(value.lineno)
        else:
            named.add(text)
    return Connections(frozenset(named), tuple(sorted(set(hidden))))


def _ids(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if node.args and (name in _GETTERS or _is_get(node.func)):
                yield node.args[0]
            yield from (each.value for each in node.keywords if _is_id(each.arg))
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and _is_id(key.value):
                    yield value


def _is_get(function: ast.expr) -> bool:
    """`Connection.get(...)`."""
    if not isinstance(function, ast.Attribute) or function.attr != "get":
        return False
    return getattr(function.value, "attr", getattr(function.value, "id", "")) == "Connection"


def _is_default(node: ast.Call) -> bool:
    """Whether it makes a hook without naming a connection (or without saying which argument is)."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name.endswith("Hook") and not any(_is_id(each.arg) for each in node.keywords)


def _is_id(name: object) -> bool:
    return isinstance(name, str) and (name == "conn_id" or name.endswith("_conn_id"))


def _constants(tree: ast.Module) -> dict[str, str]:
    """Names that the file gives one text, once, at its top."""
    found: dict[str, str] = {}
    twice = set()
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else ()
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node, ast.Assign):
                value = node.value
                if target.id in found:
                    twice.add(target.id)
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[target.id] = value.value
                else:
                    twice.add(target.id)
    return {name: text for name, text in found.items() if name not in twice}
