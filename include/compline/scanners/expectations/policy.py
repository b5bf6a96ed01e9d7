"""Binds a suite to what a target's policy declares."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
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
    fits = {
        "list": isinstance(value, list) and all(isinstance(item, str) for item in value),
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "grants": _is_grants(value),
    }[parameter.type]
    if not fits:
        shape = {
            "list": "a list of names",
            "string": "text",
            "boolean": "true or false",
            "integer": "a whole number",
            "grants": "{role: {resource: [privilege, ...]}}",
        }[parameter.type]
        raise PolicyError(f"policy: {name} must be {shape} ({parameter.about})")
    return value


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


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        match = re.fullmatch(r"\$(\w+)", value)
        return values[match[1]] if match else value
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    return value
