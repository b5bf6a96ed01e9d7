"""compline.yaml to Config; a mistake names its line, what was found and what was expected."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from compline.config.fields import Misplaced
from compline.config.schema import Config

Loc = tuple[int | str, ...]
_EXPECTED = ", expected: "
_MERGE_KEY = "tag:yaml.org,2002:merge"
_BOOLEAN = "tag:yaml.org,2002:bool"
LineOf = Callable[[Loc], int]
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with a configuration file."""

    file: str
    line: int
    """From 1."""
    where: str
    """Dotted path of the key."""
    message: str

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{self.file}:{self.line}: {where}{self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; `mistakes` holds each reason, at least one."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def load_config(path: Path) -> Config:
    """Reads and validates a compline.yaml; relative paths are meant from its folder.

    Raises:
        ConfigError: not there, not YAML, or not valid.
    """
    return parse_config(read_text(path), path)


def parse_config(text: str, path: Path) -> Config:
    """Validates the text of a compline.yaml that stands (or would stand) at `path`.

    Raises:
        ConfigError: not YAML, or not valid.
    """
    return parse_document(text, path, Config)[0]


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Mistake(str(path), 1, "", f"cannot be read: {error}")]) from error


def parse_document(text: str, path: Path, model: type[_Model]) -> tuple[_Model, LineOf]:
    """Validates the text of a YAML file as a model.

    Args:
        text: of the file.
        path: where it stands; relative paths in it are meant from its folder.
        model: what it must be.

    Returns:
        The document, and what gives the line (from 1) of one of its keys.

    Raises:
        ConfigError: not YAML, or not valid.
    """
    name = str(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = _construct(node) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError([Mistake(name, line, "", f"not valid YAML: {error.problem}")]) from error
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        reason = str(error).partition("\n")[0]
        raise ConfigError([Mistake(name, line, "", f"not valid YAML: {reason}")]) from error
    except RecursionError:
        message = "not valid YAML: nested too deeply, or an alias (*) that stands inside itself"
        raise ConfigError([Mistake(name, 1, "", message)]) from None
    if not isinstance(value, dict):
        raise ConfigError([Mistake(name, 1, "", "expected a mapping of sections")])
    try:
        document = model.model_validate(value, context={"base": path.resolve().parent})
    except ValidationError as error:
        details = error.errors(include_url=False)
        mistakes = _merged([_mistake(name, node, detail, model) for detail in details])
        raise ConfigError(sorted(mistakes, key=lambda mistake: mistake.line)) from error
    return document, lambda loc: _line_of(node, loc, missing=False)


def mistake_at(path: Path, where: Loc, message: str) -> Mistake:
    """A mistake that only a part above the configuration can see, with its place in the file."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    return Mistake(
        str(path), _line_of(node, where, missing=False), ".".join(map(str, where)), message
    )


def _mistake(file: str, node: yaml.Node | None, detail: Any, model: type[BaseModel]) -> Mistake:
    error = detail.get("ctx", {}).get("error")
    loc = (*detail["loc"], *(error.at if isinstance(error, Misplaced) else ()))
    return Mistake(
        file,
        _line_of(node, loc, missing=detail["type"] == "missing"),
        ".".join(str(part) for part in _real(node, loc)),
        _explain(detail, model),
    )


def _merged(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """One mistake for a value that fits none of several shapes."""
    merged: dict[tuple[int, str, str], Mistake] = {}
    for one in mistakes:
        found, separator, wanted = one.message.partition(_EXPECTED)
        key = (one.line, one.where, found if separator else one.message)
        before = merged.get(key)
        if before is not None and separator:
            merged[key] = replace(before, message=f"{before.message} or {wanted}")
        else:
            merged[key] = one
    return list(merged.values())


def _construct(node: yaml.Node) -> Any:
    """Plain values of a YAML tree; a key given twice is a mistake, not the last one's win."""
    if isinstance(node, yaml.MappingNode):
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            # YAML 1.1 reads a bare `on` or `yes` as a truth value; as a key it is a word.
            key = key_node.value if key_node.tag == _BOOLEAN else _construct(key_node)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem=f"key {key!r} must be text", problem_mark=key_node.start_mark
                )
            if key in mapping:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key!r} is given twice", problem_mark=key_node.start_mark
                )
            mapping[key] = _construct(value_node)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item) for item in node.value]
    if node.tag == _MERGE_KEY:
        raise yaml.MarkedYAMLError(
            problem="merge keys (<<) are not read: write the keys out", problem_mark=node.start_mark
        )
    return yaml.SafeLoader("").construct_object(node)


def _child(node: yaml.Node, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """(key node, value node) of one step down, or None where the step is pydantic's own."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _real(node: yaml.Node | None, loc: Loc) -> list[int | str]:
    """The location without the steps that only pydantic knows (branches of a union)."""
    if node is None:
        return list(loc)
    real: list[int | str] = []
    for index, part in enumerate(loc):
        found = _child(node, part)
        if found is not None:
            real.append(part)
            node = found[1]
        elif index == len(loc) - 1 and isinstance(node, yaml.MappingNode):
            real.append(part)
    return real


def _line_of(node: yaml.Node | None, loc: Loc, *, missing: bool) -> int:
    line = 1
    for part in loc:
        found = _child(node, part) if node is not None else None
        if found is None:
            continue
        line = found[0].start_mark.line + 1
        node = found[1]
    if missing and node is not None and isinstance(node, yaml.MappingNode):
        line = min(line, node.start_mark.line + 1) if line > 1 else node.start_mark.line + 1
    return line


def _explain(detail: Any, model: type[BaseModel]) -> str:
    """What was found, what was expected, and the nearest valid key."""
    kind, found = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        known = _known_keys(detail["loc"][:-1], model)
        near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
        return f"unknown key{hint}"
    if kind == "missing":
        return "is required"
    if kind == "value_error":
        # Our own validators speak for themselves and may be about a secret: never repeat it.
        return str(detail["ctx"]["error"])
    message = f"found {_shown(found)}{_EXPECTED}{_wanted(kind, detail['msg'])}"
    expected = detail.get("ctx", {}).get("expected")
    if isinstance(expected, str) and isinstance(found, str):
        near = difflib.get_close_matches(found, re.findall(r"'([^']*)'", expected), n=1)
        message += f"; did you mean {near[0]!r}?" if near else ""
    return message


def _shown(found: Any) -> str:
    if isinstance(found, int | float | bool | str):
        # An address in a wrong place may hold a password.
        return re.sub(r"//[^/\s]*@", "//***@", repr(found))[:80]
    return {"NoneType": "nothing", "dict": "a mapping", "list": "a list"}.get(
        type(found).__name__, f"a {type(found).__name__}"
    )


def _wanted(kind: str, text: str) -> str:
    """What would be right, in the words of the file's author and not of Python's types."""
    plain = {
        "model_type": "a mapping",
        "dict_type": "a mapping",
        "list_type": "a list",
        "string_type": "text (in quotes where YAML reads something else)",
        "path_type": "a path",
    }
    return plain.get(kind) or text.removeprefix("Input should be ")


def _known_keys(loc: Loc, model: type[BaseModel]) -> list[str]:
    """The keys of the section at a location, by their names in the file."""
    sections: list[type[BaseModel]] = [model]
    for part in loc:
        if isinstance(part, str):
            sections = _sections_of(sections, part)
    if not sections:
        return []
    return sorted(field.alias or name for name, field in sections[0].model_fields.items())


def _sections_of(sections: list[type[BaseModel]], part: str) -> list[type[BaseModel]]:
    """What stands under a key; or, of a union, the member that its discriminator names."""
    for section in sections:
        for name, field in section.model_fields.items():
            if part in (name, field.alias):
                return _models_in(field.annotation)
    named = [s for s in sections if any(part in _values_in(f) for f in s.model_fields.values())]
    return named or sections


def _values_in(field: FieldInfo) -> tuple[Any, ...]:
    literal = get_origin(field.annotation) is Literal
    return get_args(field.annotation) if literal else ()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for arg in getattr(annotation, "__args__", ()) for m in _models_in(arg)]
