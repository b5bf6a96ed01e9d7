"""Secrets by reference: the configuration names them, this resolves them at the moment of use."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic.functional_validators import BeforeValidator

_REFERENCE = re.compile(r"^(env:[A-Za-z_][A-Za-z0-9_]*|airflow:[A-Za-z0-9_.-]+)$")


class SecretMissing(Exception):
    """A referenced secret is not there; the message names the reference, never a value."""


def _only_references(value: Any) -> Any:
    # The value is not repeated: it may well be the secret itself.
    if not isinstance(value, str) or not _REFERENCE.match(value):
        raise ValueError(
            "a literal secret is refused here: write `env:NAME` or `airflow:CONNECTION_ID`"
        )
    return value


def _reference_or_ambient(value: Any) -> Any:
    if value == AMBIENT:
        return value
    try:
        return _only_references(value)
    except ValueError as error:
        raise ValueError(f"{error}, or `{AMBIENT}` for the machine's own identity") from None


AMBIENT = "ambient"
"""In place of a reference: whatever identity the machine itself has (a role, a profile)."""

SecretReference = Annotated[str, BeforeValidator(_only_references), AfterValidator(str.strip)]
ReferenceOrAmbient = Annotated[str, BeforeValidator(_reference_or_ambient)]


def is_reference(annotation: Any) -> bool:
    """Whether a field's annotation, or a part that pydantic took out of it, is for references."""
    if isinstance(annotation, BeforeValidator):
        return annotation.func in (_only_references, _reference_or_ambient)
    return any(
        is_reference(part)
        for part in (*getattr(annotation, "__metadata__", ()), *getattr(annotation, "__args__", ()))
    )


class SecretResolver:
    """Turns references into values.

    `env:` works everywhere. `airflow:` needs the resolver that compline_airflow hands in; without
    it the error says so.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        airflow: Callable[[str], str] | None = None,
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self._airflow = airflow
        self._resolved: set[str] = set()

    def resolved(self) -> frozenset[str]:
        """Every secret given out so far: what must not be found in anything that is kept."""
        return frozenset(self._resolved)

    def resolve(self, reference: str) -> str:
        """The secret's value; never log it.

        Raises:
            SecretMissing: not set, or no way to ask Airflow from here.
        """
        scheme, _, name = reference.partition(":")
        if scheme == "env":
            value = self._environment.get(name, "")
            if not value:
                raise SecretMissing(f"{reference}: set the environment variable {name}")
            self._resolved.add(value)
            return value
        if self._airflow is None:
            raise SecretMissing(
                f"{reference}: Airflow connections are only readable inside Airflow tasks; "
                "use env:NAME for `compline scan`"
            )
        value = self._airflow(name)
        self._resolved.add(value)
        return value
