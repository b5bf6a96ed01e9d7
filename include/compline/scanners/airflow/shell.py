"""DAGs that run a shell with what the one who triggers them wrote: read from their source.

Nothing is imported or executed: the syntax tree is enough to see a template or a parameter in a
command line. Pure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPERATORS = {
    "BashOperator": ("bash_command",),
    "SSHOperator": ("command",),
    "SSHRemoteJobOperator": ("command",),
    "WinRMOperator": ("command",),
    "BashSensor": ("bash_command",),
    "DockerOperator": ("command",),
    "KubernetesPodOperator": ("arguments", "cmds"),
}
"""Operator to the arguments that a shell, or a program's command line, gets."""
_OUTSIDE = re.compile(
    r"\{[{%][^}]*\b(params\b|dag_run\s*\.\s*conf\b|conf\s*\[|ti\.xcom_pull|task_instance\.xcom)"
)
"""A template with what comes from the trigger form or from another task."""
_FROM_FORM = re.compile(r"^(params|dag_run|conf|context|kwargs)$")
_SHELLS = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput")}
_RUNNERS = {"run", "call", "check_call", "check_output", "Popen"}


@dataclass(frozen=True)
class ShellTask:
    """One task whose command line holds what somebody else wrote."""

    task: str
    """The task's id where it is literal, else the function's or variable's name."""
    line: int
    call: str


class NotParsed(Exception):
    """The source is no Python of this interpreter's."""


def shell_tasks(source: str) -> list[ShellTask]:
    """The tasks of a DAG file that run a shell from parameters, in the order of their lines.

    Raises:
        NotParsed: it cannot be parsed.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotParsed(type(error).__name__) from None
    found = [*_operators(tree), *_functions(tree)]
    return sorted(dict.fromkeys(found), key=lambda one: (one.line, one.task))


def _operators(tree: ast.Module) -> Iterator[ShellTask]:
    texts = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        if name in ("partial", "expand") and isinstance(node.func, ast.Attribute):
            name = _name(node.func.value)
        arguments = {word.arg: word.value for word in node.keywords if word.arg}
        for argument in _OPERATORS.get(name, ()):
            value = arguments.get(argument)
            if isinstance(value, ast.Name):
                value = texts.get(value.id, value)
            if value is not None and _templated(value):
                task = arguments.get("task_id")
                literal = task.value if isinstance(task, ast.Constant) else ""
                yield ShellTask(str(literal or name), node.lineno, f"{name}({argument})")


def _templated(value: ast.expr) -> bool:
    """Whether a text in the expression is a template with parameters."""
    return any(
        isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and _OUTSIDE.search(part.value.replace("\n", " "))
        for part in ast.walk(value)
    )


def _functions(tree: ast.Module) -> Iterator[ShellTask]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        decorators = [_dotted(one.func if isinstance(one, ast.Call) else one)
                      for one in node.decorator_list]  # fmt: skip
        tainted = _tainted(node)
        if any(one == "task.bash" or one.endswith(".task.bash") for one in decorators):
            for inner in ast.walk(node):
                if not isinstance(inner, ast.Return) or inner.value is None:
                    continue
                if _uses(inner.value, tainted) or _templated(inner.value):
                    yield ShellTask(node.name, inner.lineno, "@task.bash")
        elif any(one == "task" or one.startswith("task.") for one in decorators):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and _is_shell(inner):
                    command = inner.args[0] if inner.args else None
                    if command is not None and _uses(command, tainted):
                        yield ShellTask(node.name, inner.lineno, _dotted(inner.func))


def _tainted(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names in a task that hold, or are made of, what the one who triggers wrote."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    names = {one.arg for one in arguments if _FROM_FORM.match(one.arg)}
    names |= {one.arg for one in (node.args.kwarg,) if one is not None}
    for _ in range(3):  # what is made of what is made of them
        for inner in ast.walk(node):
            if isinstance(inner, ast.Assign) and _uses(inner.value, names):
                names |= {one.id for one in inner.targets if isinstance(one, ast.Name)}
    return names


def _uses(value: ast.expr, names: set[str]) -> bool:
    return any(
        (isinstance(part, ast.Name) and part.id in names)
        or (isinstance(part, ast.Call) and _name(part.func) == "get_current_context")
        for part in ast.walk(value)
    )


def _is_shell(call: ast.Call) -> bool:
    dotted = tuple(_dotted(call.func).split("."))
    if dotted in _SHELLS:
        return True
    shell = next((word.value for word in call.keywords if word.arg == "shell"), None)
    return dotted[-1] in _RUNNERS and isinstance(shell, ast.Constant) and shell.value is True


def _name(node: ast.expr) -> str:
    return _dotted(node).rpartition(".")[2]


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return ".".join([node.id, *parts]) if isinstance(node, ast.Name) else ".".join(parts)
