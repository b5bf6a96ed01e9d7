"""The shape of a suite of expectations."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from compline.model import Confidence, Severity, digest_of

PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PARAMETER = re.compile(r"\$(\w+)")

RuleId = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Scalar = bool | int | float | str


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(_Part):
    """Something that a target's `policy` may say, and what holds when it does not."""

    type: Literal["list", "string", "boolean", "integer", "grants", "words", "lists", "attested"]
    about: str
    default: Any = None
    """None: there is no default, and expectations that use it are left out until it is
    declared; the frame `policy` has a row that says so."""


class Expectation(_Part):
    """One question put to every row of one frame."""

    id: RuleId
    """Names the defect: it is the finding's rule."""
    frame: str
    expect: Annotated[str, Field(pattern=r"^Expect[A-Za-z]+$")]
    """A class of great_expectations.expectations."""
    kwargs: dict[str, Any]
    """Its arguments; `$name` stands for a parameter."""
    row_condition: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    """Column to the value, or the values, that a row must have for the question to apply."""
    rows: Literal["any", "required"] = "any"
    """`required`: that no row meets the condition means that nothing was looked at."""
    optional: bool = False
    """Whether it is left out where the frame does not have its columns."""
    needs: tuple[str, ...] = ()
    """Parameters that must be declared, besides those in `kwargs`."""
    severity: Severity
    confidence: Confidence = Confidence.HIGH
    title: str
    """`{column}` stands for the row's value."""
    remediation: str
    resource: str
    """`role/{name}`: what the finding is about, and its identity together with the id."""
    cwe: tuple[Annotated[str, Field(pattern=r"^CWE-\d+$")], ...] = ()
    canary: dict[str, Any] | None = None
    """A row that this expectation must report; it is tried at every scan."""

    @model_validator(mode="after")
    def _whole_canary(self) -> Expectation:
        missing = self.columns - set(self.canary or self.columns)
        if missing:
            raise ValueError(f"its canary row has no {', '.join(sorted(missing))}")
        return self

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters without which it cannot be asked."""
        return frozenset(self.needs) | frozenset(_references(self.kwargs))

    @property
    def asked_columns(self) -> frozenset[str]:
        """The columns whose values are judged."""
        return frozenset(
            item
            for key, value in self.kwargs.items()
            if key in ("column", "column_A", "column_B", "column_list")
            for item in (value if isinstance(value, list) else [value])
        )

    @property
    def columns(self) -> frozenset[str]:
        """Every column that it reads."""
        named = {*PLACEHOLDER.findall(self.resource), *PLACEHOLDER.findall(self.title)}
        return self.asked_columns | named | frozenset(self.row_condition)


class Suite(_Part):
    """The expectations for one kind of store."""

    extends: str = ""
    """Name of a built-in suite whose parts come first."""
    without: tuple[RuleId, ...] = ()
    """Its expectations that are left out here."""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    frames: dict[str, Literal["any", "required"]] = Field(default_factory=dict)
    """`required`: an empty frame means that the collector did not see the store."""
    expectations: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Suite:
        if not self.expectations and not self.extends:
            raise ValueError("a suite has `expectations:`, or extends one that has")
        seen: set[tuple[str, str]] = set()
        for expectation in self.expectations:
            # The same defect may be looked for in several frames, or by several questions that
            # name different resources; then the id is shared on purpose.
            key = (expectation.id, expectation.resource)
            if key in seen:
                raise ValueError(f"two expectations with id {key[0]!r} and resource {key[1]!r}")
            seen.add(key)
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of all that the suite says."""
        return digest_of(self.model_dump(mode="json"))


def _references(value: object) -> list[str]:
    if isinstance(value, str):
        match = _PARAMETER.fullmatch(value)
        return [match[1]] if match else []
    if isinstance(value, dict):
        return [name for item in value.values() for name in _references(item)]
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    return []
