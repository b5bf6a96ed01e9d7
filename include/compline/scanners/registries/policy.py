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
"""Each level holds those below it."""
MLFLOWS_DEFAULT = "READ"
"""default_permission as MLflow ships it."""

_KEYS = ("admins", "users", "default_permission", "grants", "roles", "allow_loopback_http")
_Grants = Mapping[str, Mapping[str, str]]


class RegistryPolicyError(Exception):
    """A policy that is not understood; the message names the key and what is expected."""


@dataclass(frozen=True)
class AccessPolicy:
    """Who may do what. None means undeclared, which is said aloud and not judged."""

    admins: frozenset[str] | None = None
    users: frozenset[str] | None = None
    """Accounts that may exist; administrators need not be repeated."""
    default_permission: str | None = None
    """Most that anyone may do without a grant; undeclared, MLflow's own default passes."""
    grants: _Grants | None = None
    """User to resource (`registered_model/fraud`, `experiment/*`) to level."""
    roles: _Grants = field(default_factory=dict)
    """Role to resource to level: what may come through a role, for whoever holds it."""
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
    loopback = policy.get("allow_loopback_http", False)
    if not isinstance(loopback, bool):
        raise RegistryPolicyError("policy: allow_loopback_http must be true or false")
    return AccessPolicy(
        admins=_names("admins", policy.get("admins")),
        users=_names("users", policy.get("users")),
        default_permission=_level("default_permission", policy["default_permission"])
        if "default_permission" in policy
        else None,
        grants=_grants("grants", policy.get("grants")),
        roles=_grants("roles", policy.get("roles")) or {},
        allow_loopback_http=loopback,
    )


def _names(key: str, value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RegistryPolicyError(f"policy: {key} must be a list of names")
    return frozenset(value)


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
