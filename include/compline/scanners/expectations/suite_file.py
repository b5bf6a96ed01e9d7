"""Reads suites from YAML; a mistake names its file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from compline.scanners.expectations.collector import folder
from compline.scanners.expectations.suite import Expectation, Parameter, Suite

_LARGEST = 1_000_000
_Lines = dict[tuple[str | int, ...], int]


class SuiteError(Exception):
    """A suite file that cannot be used; the message names file and line."""


@cache
def built_in(name: str) -> Suite:
    """A suite that comes with Compline.

    Raises:
        SuiteError: there is none of that name.
    """
    try:
        return load(folder(name) / "suite.yaml")
    except KeyError as error:
        raise SuiteError(f"no built-in suite {name!r}; {error.args[0]}") from None


def load(path: Path) -> Suite:
    """Reads a suite, with the parts of the one that it extends.

    Raises:
        SuiteError: not readable, not YAML, or not a suite; names file and line.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise SuiteError(f"{path}: a suite of more than {_LARGEST // 1_000_000} MB")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: the suite cannot be read: {error}") from error
    value, lines = _parse(text, path)
    try:
        suite = Suite.model_validate(value)
    except ValidationError as error:
        raise SuiteError(_explain(error, lines, path)) from None
    if suite.extends:
        base = built_in(suite.extends)
        _check_without(base, suite, lines, path)
        suite = _joined(base, suite)
    _check_parameters(suite, lines, path)
    return suite


def _joined(base: Suite, own: Suite) -> Suite:
    try:
        return Suite(
            extends=own.extends,
            parameters={**base.parameters, **own.parameters},
            without=own.without,
            frames={**base.frames, **own.frames},
            expectations=(
                *(kept for kept in base.expectations if kept.id not in own.without),
                *own.expectations,
            ),
        )
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SuiteError(f"{message} (one of them in {own.extends}, which is extended)") from None


def _check_without(base: Suite, suite: Suite, lines: _Lines, path: Path) -> None:
    known = {expectation.id for expectation in base.expectations}
    for index, name in enumerate(suite.without):
        if name not in known:
            raise SuiteError(
                f"{path}:{lines.get(('without', index), 1)}: {suite.extends} has no {name}"
                f"{_nearest(name, known)}"
            )


def _check_parameters(suite: Suite, lines: _Lines, path: Path) -> None:
    for index, expectation in enumerate(suite.expectations):
        for name in sorted(expectation.parameters - set(suite.parameters)):
            line = lines.get(("expectations", index), 1)
            raise SuiteError(
                f"{path}:{line}: {expectation.id} uses ${name}, which `parameters:` does not "
                f"have{_nearest(name, suite.parameters)}"
            )


def _parse(text: str, path: Path) -> tuple[Any, _Lines]:
    lines: _Lines = {}
    loader = yaml.SafeLoader(text)

    def plain(node: yaml.Node, at: tuple[str | int, ...]) -> Any:
        line = node.start_mark.line + 1
        lines[at] = line
        if isinstance(node, yaml.MappingNode):
            result = {}
            for key_node, value_node in node.value:
                key = loader.construct_object(key_node)
                if not isinstance(key, str) or key in result:
                    where = key_node.start_mark.line + 1
                    raise SuiteError(f"{path}:{where}: {key!r} is a second key, or not a word")
                result[key] = plain(value_node, (*at, key))
                lines[(*at, key)] = key_node.start_mark.line + 1
            return result
        if isinstance(node, yaml.SequenceNode):
            return [plain(item, (*at, index)) for index, item in enumerate(node.value)]
        return loader.construct_object(node)

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise SuiteError(f"{path}: YAML aliases (`*name`) are not taken in a suite")
        node = loader.get_single_node()
        return (plain(node, ()) if node is not None else None), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "cannot be read"
        raise SuiteError(f"{path}:{line}: not YAML: {problem}") from None
    finally:
        loader.dispose()


def _explain(error: ValidationError, lines: _Lines, path: Path) -> str:
    # A misspelt key also leaves the right one missing: it explains more.
    errors = error.errors()
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    at = tuple(part for part in first["loc"])
    # The location may go on into a union's branches, which the file does not have.
    while at and at not in lines:
        at = at[:-1]
    key = str(first["loc"][-1]) if first["loc"] else ""
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = f"there is no such key{_nearest(key, _keys_beside(first['loc']))}"
    return f"{path}:{lines.get(at, 1)}: {where}: {message}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"expectations": Expectation, "parameters": Parameter}
    model = models.get(str(location[0]), Suite) if len(location) > 1 else Suite
    return list(model.model_fields)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    match = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {match[0]!r}?" if match else f"; there are {', '.join(names)}"
