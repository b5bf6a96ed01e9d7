"""What a model registry says of itself, collected once and judged afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from compline.model import Gap
from compline.scanners.expectations.inventory import CannotCollect

DEFAULT_WORKSPACE = "default"
IN_WORKSPACE = "X-MLFLOW-WORKSPACE"
"""The header that names the workspace which a call to MLflow is about."""
NOTHING = "NO_PERMISSIONS"
"""What is held where nothing is."""


class CannotAsk(CannotCollect):
    """A registry's answer cannot be trusted; the message has no secret."""


@dataclass(frozen=True, slots=True)
class User:
    """An account of the registry."""

    name: str
    admin: bool
    """Administrators pass every check; grants mean nothing for them."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission that one user, or a role, holds."""

    user: str
    """Empty where it is told of a role by itself."""
    resource_type: str
    """`registered_model`, `experiment`, `prompt`, `workspace`, ... as the registry names it."""
    pattern: str
    """A model's name, an experiment's id, `*` for all."""
    permission: str
    """`READ`, `USE`, `EDIT`, `MANAGE`, `DENY`, or what later versions add."""
    workspace: str = DEFAULT_WORKSPACE
    role: str = ""
    """The role that it comes through; empty for a grant of the user's own."""

    @property
    def resource(self) -> str:
        """`registered_model/fraud`; other workspaces stand in front: `lab:registered_model/x`."""
        return f"{prefix_of(self.workspace)}{self.resource_type}/{self.pattern}"

    @property
    def called(self) -> str:
        """The resource for people: `model fraud`, `every model`, `workspace lab`."""
        if self.resource_type == "workspace":
            return f"workspace {self.workspace}"
        kind = "model" if self.resource_type == "registered_model" else self.resource_type
        kind = kind.replace("_", " ")
        name = f"every {kind}" if self.pattern == "*" else f"{kind} {self.pattern}"
        return name if self.workspace == DEFAULT_WORKSPACE else f"{name} of {self.workspace}"

    @property
    def role_name(self) -> str:
        """The role as policies name it; other workspaces stand in front: `lab:science`."""
        return f"{prefix_of(self.workspace)}{self.role}"


@dataclass(frozen=True, slots=True)
class Member:
    """A user who holds a role."""

    user: str
    role: str
    """`lab:science` in another workspace."""


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model."""

    name: str
    created: int = 0
    """Milliseconds since the epoch; 0 where that is not told."""
    aliases: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    """Of its latest versions."""
    workspace: str = DEFAULT_WORKSPACE


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment, whose runs write artifacts."""

    id: str
    name: str
    created: int = 0
    artifacts: str = ""
    """Scheme and bucket of where they lie: `s3://models`, `mlflow-artifacts:`; nothing more."""
    workspace: str = DEFAULT_WORKSPACE


@dataclass(frozen=True, slots=True)
class Webhook:
    """Somebody whom the registry tells what happens in it."""

    name: str
    """`lab:chat` in another workspace."""
    host: str
    """Of its address, whose path may be a secret and is never kept."""
    tls: bool
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Activity:
    """What access logs tell of who was there."""

    today: date
    last: Mapping[str, date] = field(default_factory=lambda: MappingProxyType({}))
    """By account the last day on which it was there."""
    since: date | None = None
    """The first day of which all of the logs tell."""
    trouble: str = ""
    """Why they do not tell who was not there; empty where they do."""


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
    """Of users, their own and through roles."""
    roles: tuple[Grant, ...] | None = None
    """What roles hold, whether anybody has them or not."""
    members: tuple[Member, ...] | None = None
    default_permission: str | None = None
    """What a user without any grant may do with any model or experiment; where there are
    workspaces, of the default one, and nothing in others."""
    lifted_to: str | None = None
    """Where there are workspaces: what whoever is granted anything has at least, whatever was
    granted; NO_PERMISSIONS where a grant is what it says."""
    models: tuple[Model, ...] | None = None
    experiments: tuple[Experiment, ...] | None = None
    webhooks: tuple[Webhook, ...] | None = None
    workspaces: tuple[str, ...] = (DEFAULT_WORKSPACE,)
    activity: Activity | None = None
    """None where no log names the registry."""
    calls: int = 0
    """How many requests it took."""
    gaps: tuple[Gap, ...] = field(default_factory=tuple)

    def default_in(self, workspace: str) -> str:
        """What is held there without a grant."""
        known = self.default_permission if workspace == DEFAULT_WORKSPACE else None
        return known or NOTHING

    @property
    def least(self) -> str:
        """What whoever is granted anything has at least: a server lifts grants to its default."""
        return self.lifted_to or self.default_permission or NOTHING

    @property
    def admins(self) -> frozenset[str]:
        """Who passes every check."""
        return frozenset(user.name for user in self.users or () if user.admin)


def prefix_of(workspace: str) -> str:
    """What stands before the name of something in a workspace."""
    return "" if workspace == DEFAULT_WORKSPACE else f"{workspace}:"
