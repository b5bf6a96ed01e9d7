"""Whom to ask about to learn what an MLflow server grants by itself. Pure.

MLflow 3.17 (`mlflow/server/auth`) resolves a permission so: the widest grant that fits, a DENY
before all; a positive one is lifted to `default_permission`. Who has no grant that fits has
`default_permission`; where workspaces are enabled only in the default one, and only with
`grant_default_workspace_access`, elsewhere nothing. An administrator's right does not count in what
`users/permissions/get` answers, but a grant on everything, or MANAGE of the workspace, does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compline.scanners.registries.facts import DEFAULT_WORKSPACE, Grant, User
from compline.scanners.registries.policy import LEVELS, level_of

_WITNESSES = 3
_KINDS = ("registered_model", "experiment", "prompt")


def stranger(users: Iterable[User], grants: Iterable[Grant]) -> str | None:
    """An account for which nothing but the default answers in the default workspace."""
    wide = {
        grant.user
        for grant in grants
        if grant.workspace == DEFAULT_WORKSPACE
        and (
            grant.resource_type == "workspace"
            or (grant.resource_type == "registered_model" and grant.pattern == "*")
        )
    }
    return min((user.name for user in users if user.name not in wide), default=None)


def witnesses(grants: Sequence[Grant]) -> list[Grant]:
    """Grants on which it would show that they are lifted, the lowest first: nothing else that
    their holder has fits the resource."""
    held: dict[tuple[str, str, str], list[Grant]] = {}
    keepers = set()
    for grant in grants:
        held.setdefault((grant.user, grant.workspace, grant.resource_type), []).append(grant)
        if grant.resource_type == "workspace" and level_of(grant.permission) >= LEVELS["MANAGE"]:
            keepers.add((grant.user, grant.workspace))

    def alone(grant: Grant) -> bool:
        others = held[grant.user, grant.workspace, grant.resource_type]
        fitting = [one for one in others if one.pattern in ("*", grant.pattern)]
        return fitting == [grant] and (grant.user, grant.workspace) not in keepers

    low = (
        grant
        for grant in grants
        if grant.resource_type in _KINDS and 0 < level_of(grant.permission) < LEVELS["MANAGE"]
    )
    telling = [grant for grant in low if alone(grant)]
    # What is granted on everything is there for sure; a single model may be gone.
    telling.sort(key=lambda one: (level_of(one.permission), one.pattern != "*", one.user))
    return telling[:_WITNESSES]
