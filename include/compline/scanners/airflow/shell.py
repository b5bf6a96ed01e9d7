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
_SHELLS = frozenset(
    """
    os.system os.popen subprocess.getoutput subprocess.getstatusoutput
    asyncio.create_subprocess_shell
    """.split()  # noqa: SIM905 - readable as text
)
_RUNNERS = frozenset({"run", "call", "check_call", "check_output", "Popen", "run_command"})
_COMMANDS = ("args", "cmd", "command")
"""What the first argument of these is called."""
_INTERPRETERS = re.compile(r"(^|/)(ba|da|z|k)?sh$")
_RUNS_TEXT = re.compile(r"^-\w*c$")


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
    names = _Names(tree)
    found = [*_operators(tree, names), *_functions(tree, names)]
    return sorted(dict.fromkeys(found), key=lambda one: (one.line, one.task))


class _Names:
    """What things are called where they come from, whatever a file calls them."""

    def __init__(self, tree: ast.Module) -> None:
        self._imported: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for one in node.names:
                    self._imported[one.asname or one.name] = f"{node.module}.{one.name}"
            elif isinstance(node, ast.Import):
                self._imported |= {one.asname: one.name for one in node.names if one.asname}

    def dotted(self, node: ast.expr) -> str:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            parts.insert(0, self._imported.get(node.id, node.id))
        return ".".join(parts)

    def last(self, node: ast.expr) -> str:
        return self.dotted(node).rpartition(".")[2]


def _operators(tree: ast.Module, names: _Names) -> Iterator[ShellTask]:
    texts = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name, node in _calls(tree, names):
        arguments = {word.arg: word.value for word in node.keywords if word.arg}
        for argument in _OPERATORS.get(name, ()):
            value = arguments.get(argument)
            if isinstance(value, ast.Name):
                value = texts.get(value.id, value)
            if value is not None and _templated(value):
                task = arguments.get("task_id")
                literal = task.value if isinstance(task, ast.Constant) else ""
                yield ShellTask(str(literal or name), node.lineno, f"{name}({argument})")


def _calls(tree: ast.Module, names: _Names) -> Iterator[tuple[str, ast.Call]]:
    """Calls with the last part of what is called, `partial` and `expand` looked through."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = names.last(node.func)
            if name in ("partial", "expand") and isinstance(node.func, ast.Attribute):
                name = names.last(node.func.value)
            yield name, node


def _templated(value: ast.expr) -> bool:
    """Whether a text in the expression is a template with parameters."""
    return any(
        isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and _OUTSIDE.search(part.value.replace("\n", " "))
        for part in ast.walk(value)
    )


def _functions(tree: ast.Module, names: _Names) -> Iterator[ShellTask]:
    handed = _handed(tree, names)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        decorators = [
            names.dotted(one.func if isinstance(one, ast.Call) else one).split(".")
            for one in node.decorator_list
        ]
        tainted = _tainted(node, handed.get(node.name, set()), names)
        if any(one[-2:] == ["task", "bash"] or one[-1] == "bash_task" for one in decorators):
            for inner in ast.walk(node):
                if not isinstance(inner, ast.Return) or inner.value is None:
                    continue
                if _uses(inner.value, tainted, names) or _templated(inner.value):
                    yield ShellTask(node.name, inner.lineno, "@task.bash")
        elif node.name in handed or any("task" in one[-2:] for one in decorators):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call):
                    command = _for_a_shell(inner, names)
                    if command is not None and _uses(command, tainted, names):
                        yield ShellTask(node.name, inner.lineno, names.dotted(inner.func))


def _handed(tree: ast.Module, names: _Names) -> dict[str, set[str]]:
    """Functions that are given to a PythonOperator, with the arguments that get templates."""
    found: dict[str, set[str]] = {}
    for name, node in _calls(tree, names):
        if not name.endswith(("PythonOperator", "VirtualenvOperator")):
            continue
        arguments = {word.arg: word.value for word in node.keywords}
        called, given = arguments.get("python_callable"), arguments.get("op_kwargs")
        if not isinstance(called, ast.Name):
            continue
        tainted = found.setdefault(called.id, set())
        if isinstance(given, ast.Dict):
            for key, value in zip(given.keys, given.values, strict=True):
                if isinstance(key, ast.Constant) and _templated(value):
                    tainted.add(str(key.value))
    return found


def _tainted(
    node: ast.FunctionDef | ast.AsyncFunctionDef, given: set[str], names: _Names
) -> set[str]:
    """Names in a task that hold, or are made of, what the one who triggers wrote."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    tainted = {one.arg for one in arguments if _FROM_FORM.match(one.arg)} | given
    tainted |= {one.arg for one in (node.args.kwarg,) if one is not None}
    for _ in range(3):  # what is made of what is made of them
        for inner in ast.walk(node):
            if isinstance(inner, ast.Assign) and _uses(inner.value, tainted, names):
                tainted |= {one.id for one in inner.targets if isinstance(one, ast.Name)}
    return tainted


def _uses(value: ast.expr, tainted: set[str], names: _Names) -> bool:
    return any(
        (isinstance(part, ast.Name) and part.id in tainted)
        or (isinstance(part, ast.Call) and names.last(part.func) == "get_current_context")
        for part in ast.walk(value)
    )


def _for_a_shell(call: ast.Call, names: _Names) -> ast.expr | None:
    """What a call gives to a shell to understand; None where there is no shell."""
    words = {word.arg: word.value for word in call.keywords}
    given = (words[name] for name in _COMMANDS if name in words)
    command = call.args[0] if call.args else next(given, None)
    dotted = names.dotted(call.func)
    if dotted in _SHELLS:
        return command
    if dotted.rpartition(".")[2] not in _RUNNERS:
        return None
    shell = words.get("shell")
    if isinstance(shell, ast.Constant) and shell.value is True:
        return command
    if isinstance(command, ast.List) and len(command.elts) > 2:
        program, option, script = command.elts[:3]
        if _says(program, _INTERPRETERS) and _says(option, _RUNS_TEXT):
            return script
    return None


def _says(value: ast.expr, what: re.Pattern[str]) -> bool:
    return (
        isinstance(value, ast.Constant)
        and isinstance(value.value, str)
        and what.search(value.value) is not None
    )
