"""The access policy that a registry's configuration declares."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RESOURCE_TYPES = (
    "registered_model", "experiment", "prompt", "scorer", "gateway_secret", "gateway_endpoint",
    "gateway_model_definition", "mcp_server", "run", "trace", "assessment", "logged_model",
    "review_queue", "registered_model_version", "prompt_version", "scorer_version",
    "mcp_server_version", "workspace",
)  # fmt: skip
"""As MLflow 3.17 names them."""

LEVELS: Mapping[str, int] = {
    "DENY": 0,
    "NO_PERMISSIONS": 0,
    "READ": 1,
    "USE": 2,
    "EDIT": 3,
    "MANAGE": 4,
}
"""Each level holds those below it: EDIT changes a model and moves its aliases, MANAGE deletes."""
UNKNOWN_LEVEL = 5
"""A permission that this version does not know counts as more than any it knows."""
MLFLOWS_DEFAULT = "READ"
"""default_permission as MLflow ships it."""
SERVED = ("production", "prod", "champion")
"""Aliases and stages that production serves, in small letters, where the policy names none."""

_KEYS = (
    "admins", "most_admins", "users", "default_permission", "grants", "teams", "roles", "members",
    "production", "movers", "webhook_hosts", "artifact_store", "artifact_principals",
    "allow_loopback_http", "unused_days",
)  # fmt: skip
_STORES = ("s3://", "gs://", "abfs://", "abfss://", "wasbs://")
_Grants = Mapping[str, Mapping[str, str]]


class RegistryPolicyError(Exception):
    """A policy that is not understood; the message names the key and what is expected."""


@dataclass(frozen=True)
class AccessPolicy:
    """Who may do what. None means undeclared, which is said aloud and not judged."""

    admins: frozenset[str] | None = None
    most_admins: int | None = None
    """How many accounts may be administrators."""
    users: frozenset[str] | None = None
    """Accounts that may exist; administrators and members of teams need not be repeated."""
    unused_days: int | None = None
    """After so many days without a request, as access logs tell, an account is unused."""
    default_permission: str | None = None
    """Most that anyone may do without a grant; undeclared, MLflow's own default passes."""
    grants: _Grants | None = None
    """User to resource (`registered_model/fraud`, `experiment/*`) to level, teams' included."""
    roles: _Grants = field(default_factory=dict)
    """Role to resource to level: what may come through a role, for whoever holds it."""
    members: Mapping[str, frozenset[str]] | None = None
    """Role to the users who may hold it."""
    production: frozenset[str] = frozenset(SERVED)
    """Aliases and stages that production serves, in small letters."""
    movers: frozenset[str] | None = None
    """Who may move them, besides administrators."""
    webhook_hosts: frozenset[str] = frozenset()
    """Whom the registry may tell what happens in it; `.example.org` allows every host of it."""
    artifact_store: str = ""
    """`s3://bucket` (or another store's URL) behind a server that proxies artifacts; `local` for
    its own disk."""
    artifact_principals: frozenset[str] = frozenset()
    """Who else may reach the bucket: ARNs or account numbers."""
    allow_loopback_http: bool = False
    """Whether http is right where the address never leaves the machine (a proxy's back end)."""

    def declared_level(self, user: str, role: str, names: Sequence[str]) -> int:
        """The highest level that the policy gives the user, or the role, on a resource.

        `names` are the names that the resource goes by (an experiment's id, and its name).
        """
        floor = LEVELS[self.default_permission] if self.default_permission else 0
        sources = [(self.grants or {}).get(user, {})]
        if role:
            sources.append(self.roles.get(role, {}))
        every = {name.partition("/")[0] + "/*" for name in names}
        held = [LEVELS[source[n]] for source in sources for n in {*names, *every} if n in source]
        return max([floor, *held])

    def allows_host(self, host: str) -> bool:
        """Whether the registry may send webhooks there."""
        return any(
            host == known or (known.startswith(".") and host.endswith(known))
            for known in self.webhook_hosts
        )


def level_of(permission: str) -> int:
    """How much it lets somebody do."""
    return LEVELS.get(permission, UNKNOWN_LEVEL)


def parse_policy(policy: Mapping[str, Any]) -> AccessPolicy:
    """The policy as a value; resources without a type are registered models.

    Raises:
        RegistryPolicyError: an unknown key, or a value of the wrong shape.
    """
    for key in policy:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_KEYS)}"
            raise RegistryPolicyError(f"policy: there is no key {key!r}; {hint}")
    users, grants = _names("users", policy.get("users")), _grants("grants", policy.get("grants"))
    for name, team in _teams(policy.get("teams")).items():
        people = _names(f"teams.{name}.members", team.get("members")) or frozenset()
        given = (_grants(f"teams.{name}", {"grants": team.get("grants") or {}}) or {})["grants"]
        users = users | people if users is not None else None
        grants = _joined(grants or {}, dict.fromkeys(people, given))
    return AccessPolicy(
        admins=_names("admins", policy.get("admins")),
        most_admins=_number("most_admins", policy.get("most_admins")),
        users=users,
        unused_days=_number("unused_days", policy.get("unused_days")),
        default_permission=_level("default_permission", policy["default_permission"])
        if "default_permission" in policy
        else None,
        grants=grants,
        roles=_grants("roles", policy.get("roles")) or {},
        members=_members(policy.get("members")),
        production=frozenset(
            name.lower() for name in _names("production", policy.get("production")) or SERVED
        ),
        movers=_names("movers", policy.get("movers")),
        webhook_hosts=frozenset(
            host.lower() for host in _names("webhook_hosts", policy.get("webhook_hosts")) or ()
        ),
        artifact_store=_store(policy.get("artifact_store")),
        artifact_principals=_names("artifact_principals", policy.get("artifact_principals"))
        or frozenset(),
        allow_loopback_http=_flag("allow_loopback_http", policy.get("allow_loopback_http", False)),
    )


def _joined(one: _Grants, other: _Grants) -> _Grants:
    """Both, the higher level where both give one."""
    found = {name: dict(resources) for name, resources in one.items()}
    for name, resources in other.items():
        mine = found.setdefault(name, {})
        for resource, level in resources.items():
            if resource not in mine or LEVELS[level] > LEVELS[mine[resource]]:
                mine[resource] = level
    return found


def _teams(value: Any) -> Mapping[str, Mapping[str, Any]]:
    shape = "policy: teams must be {team: {members: [...], grants: {model: PERMISSION}}}"
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RegistryPolicyError(shape)
    for team in value.values():
        if not isinstance(team, dict) or set(team) - {"members", "grants"}:
            raise RegistryPolicyError(shape)
    return value


def _members(value: Any) -> Mapping[str, frozenset[str]] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise RegistryPolicyError("policy: members must be {role: [user, ...]}")
    return {str(role): _names(f"members.{role}", who) or frozenset() for role, who in value.items()}


def _names(key: str, value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RegistryPolicyError(f"policy: {key} must be a list of names")
    return frozenset(value)


def _number(key: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise RegistryPolicyError(f"policy: {key} must be a whole number")
    return value


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise RegistryPolicyError(f"policy: {key} must be true or false")
    return value


def _store(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not (value == "local" or value.startswith(_STORES)):
        raise RegistryPolicyError(
            f"policy: artifact_store must be local, or {'bucket, '.join(_STORES)}container"
        )
    return value


def _level(where: str, value: Any) -> str:
    if value not in LEVELS:
        raise RegistryPolicyError(f"policy: {where} must be one of {', '.join(LEVELS)}")
    return str(value)


def _grants(key: str, value: Any) -> _Grants | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
        raise RegistryPolicyError(f"policy: {key} must be {{name: {{model: PERMISSION}}}}")
    return {
        str(name): {
            _resource(str(resource)): _level(f"{key}.{name}.{resource}", level)
            for resource, level in resources.items()
        }
        for name, resources in value.items()
    }


def _resource(text: str) -> str:
    workspace, colon, rest = text.rpartition(":")
    kind, slash, _ = rest.partition("/")
    if not slash:
        rest = f"registered_model/{rest}"
    elif kind not in RESOURCE_TYPES:
        near = difflib.get_close_matches(kind, RESOURCE_TYPES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise RegistryPolicyError(f"policy: {text!r} has an unknown resource type{hint}")
    return rest if workspace in ("", "default") else f"{workspace}{colon}{rest}"
