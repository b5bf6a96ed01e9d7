"""Binds a suite to what a target's policy declares."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from compline.scanners.expectations.inventory import as_text
from compline.scanners.expectations.suite import Expectation, Parameter, Suite

POLICY_FRAME = "policy"
"""One row per parameter of the suite: what the organisation itself attests or leaves open."""
POLICY_COLUMNS = ("item", "declared", "value")


class PolicyError(Exception):
    """A policy that the suite does not understand; the message names the key."""


@dataclass(frozen=True)
class BoundSuite:
    """A suite whose parameters have values."""

    expectations: tuple[Expectation, ...]
    """Those that can be asked, with values in place of `$name`."""
    left_out: tuple[str, ...]
    """Ids of those that need a parameter that nobody declared."""
    required: frozenset[str]
    """Frames that must have rows."""
    values: Mapping[str, Any]
    """Every parameter's value; None where undeclared and without default."""
    declared: frozenset[str]

    def policy_rows(self) -> list[dict[str, Any]]:
        """The rows of the frame `policy`."""
        return [
            {"item": name, "declared": name in self.declared, "value": as_text(value)}
            for name, value in sorted(self.values.items())
        ]


def bind(suite: Suite, policy: Mapping[str, Any]) -> BoundSuite:
    """The suite with the policy's values, or the defaults.

    Raises:
        PolicyError: an unknown key, or a value of another type than the parameter has.
    """
    for name in policy:
        if name not in suite.parameters:
            near = difflib.get_close_matches(name, list(suite.parameters), n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"there are {', '.join(sorted(suite.parameters)) or 'none'}"
            )
            raise PolicyError(f"policy: there is no key {name!r}; {hint}")
    values = {
        name: _checked(name, parameter, policy.get(name, parameter.default))
        for name, parameter in suite.parameters.items()
    }
    askable, left_out = [], []
    for expectation in suite.expectations:
        if any(values[name] is None for name in expectation.parameters):
            left_out.append(expectation.id)
            continue
        kwargs = {key: _filled(value, values) for key, value in expectation.kwargs.items()}
        askable.append(expectation.model_copy(update={"kwargs": kwargs}))
    return BoundSuite(
        expectations=tuple(askable),
        left_out=tuple(left_out),
        required=frozenset(name for name, rows in suite.frames.items() if rows == "required"),
        values=values,
        declared=frozenset(policy),
    )


def _checked(name: str, parameter: Parameter, value: Any) -> Any:
    if value is None:
        return None
    fits, shape = _TYPES[parameter.type]
    if not fits(value):
        raise PolicyError(f"policy: {name} must be {shape} ({parameter.about})")
    return value


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_words(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(key, str) and isinstance(word, str) for key, word in value.items()
    )


def _is_lists(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(key, str) and _is_list(items) for key, items in value.items()
    )


def _is_attested(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(item, str)
        and isinstance(given, dict)
        and {"encrypted"} <= set(given) <= {"encrypted", "by", "on"}
        and isinstance(given["encrypted"], bool)
        and isinstance(given.get("by", ""), str)
        and _is_date(given.get("on", date.min))
        for item, given in value.items()
    )


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _is_grants(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(role, str)
        and isinstance(resources, dict)
        and all(
            isinstance(resource, str)
            and isinstance(privileges, list)
            and all(isinstance(privilege, str) for privilege in privileges)
            for resource, privileges in resources.items()
        )
        for role, resources in value.items()
    )


_TYPES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "list": (_is_list, "a list of names"),
    "string": (lambda value: isinstance(value, str), "text"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "integer": (
        lambda value: isinstance(value, int) and not isinstance(value, bool),
        "a whole number",
    ),
    "grants": (_is_grants, "{role: {resource: [privilege, ...]}}"),
    "words": (_is_words, "{pattern: word}"),
    "lists": (_is_lists, "{name: [name, ...]}"),
    "attested": (_is_attested, "{item: {encrypted: true, by: name, on: 2026-01-31}}"),
}
"""How each type of parameter is told, and what it looks like."""


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        match = re.fullmatch(r"\$(\w+)", value)
        return values[match[1]] if match else value
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    return value
