"""What a model registry says of itself, collected once and judged afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from compline.model import Gap


class CannotAsk(Exception):
    """The registry did not answer, or its answer cannot be trusted; the message has no secret."""


@dataclass(frozen=True, slots=True)
class User:
    """An account of the registry."""

    name: str
    admin: bool
    """Administrators pass every check; grants mean nothing for them."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission that one user holds."""

    user: str
    resource_type: str
    """`registered_model`, `experiment`, `prompt`, `workspace`, ... as the registry names it."""
    pattern: str
    """A model's name, an experiment's id, `*` for all."""
    permission: str
    """`READ`, `USE`, `EDIT`, `MANAGE`, `DENY`, or what later versions add."""
    workspace: str = "default"
    role: str = ""
    """The role that it comes through; empty for a grant of the user's own."""

    @property
    def resource(self) -> str:
        """`registered_model/fraud`; other workspaces stand in front: `lab:registered_model/x`."""
        prefix = "" if self.workspace == "default" else f"{self.workspace}:"
        return f"{prefix}{self.resource_type}/{self.pattern}"


@dataclass(frozen=True)
class RegistryFacts:
    """One look at a registry. None means that the registry did not show it: see the gaps."""

    https: bool
    loopback: bool
    """Whether the address never leaves this machine."""
    open_to_anyone: tuple[str, ...]
    """Paths that were answered without credentials."""
    version: str = ""
    users: tuple[User, ...] | None = None
    grants: tuple[Grant, ...] | None = None
    default_permission: str | None = None
    """What a user without any grant may do with any model or experiment."""
    models: tuple[str, ...] | None = None
    experiments: Mapping[str, str] | None = None
    """Experiment id to name."""
    calls: int = 0
    """How many requests it took."""
    gaps: tuple[Gap, ...] = field(default_factory=tuple)
