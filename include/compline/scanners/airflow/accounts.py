"""Who may do what: FAB's users and roles, or the simple authentication manager's users. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from compline.scanners.expectations.inventory import CannotCollect

_COMMON = frozenset(
    {
        "admin", "airflow", "password", "passw0rd", "changeme", "secret", "test", "user", "root",
        "default", "123456", "12345678", "123456789", "qwerty", "letmein", "welcome", "compline",
    }
)  # fmt: skip
_LEAST_LETTERS = 12
_ADMIN_ROLES = frozenset({"admin"})
_SECRETS = frozenset({"Connections", "Variables", "Configurations"})
_DATA = frozenset({"XComs", "Task Logs", "Audit Logs", "All Audit Logs"})
_ACCOUNTS = frozenset({"Users", "Roles", "Permissions", "Permission Views", "Base Permissions"})
_WRITING = frozenset({"can_create", "can_edit", "can_delete"})


def simple_rows(users: str, passwords: Mapping[str, str] | None) -> list[dict[str, Any]]:
    """The frame `accounts` of the simple authentication manager.

    Args:
        users: `[core] simple_auth_manager_users`: `name:role`, comma-separated.
        passwords: of its file, judged here and forgotten; None where it cannot be seen.
    """
    rows = []
    for entry in filter(None, (part.strip() for part in users.split(","))):
        name, _, role = entry.partition(":")
        role = role.partition(":")[0].lower()
        rows.append(
            {
                "account": name,
                "roles": role,
                "admin": role in _ADMIN_ROLES,
                "strength": password_state(name, passwords),
                "idle": "unknown",
            }
        )
    return rows


def password_state(name: str, passwords: Mapping[str, str] | None) -> str:
    """`common`, `shared`, `short`, `good`, or `unseen` where it cannot be told."""
    if passwords is None or name not in passwords:
        return "unseen"
    own = passwords[name]
    if own.lower() in _COMMON or own.lower() in (name.lower(), f"{name.lower()}123"):
        return "common"
    if sum(one == own for one in passwords.values()) > 1:
        return "shared"
    return "short" if len(own) < _LEAST_LETTERS else "good"


def fab_rows(
    users: Iterable[Mapping[str, Any]], now: datetime, idle_days: int
) -> Iterator[dict[str, Any]]:
    """The frame `accounts` of FAB; accounts that are switched off are left out.

    Raises:
        CannotCollect: a user is shaped otherwise than FAB's.
    """
    for one in users:
        try:
            if one.get("active") is False:
                continue
            roles = [str(role["name"]) for role in one["roles"] or ()]
            seen = one.get("last_login") or one.get("created_on")
            yield {
                "account": str(one["username"]),
                "roles": ", ".join(sorted(roles)),
                "admin": any(role.lower() in _ADMIN_ROLES for role in roles),
                "strength": "unseen",
                "idle": _idle(seen, now, idle_days),
            }
        except (KeyError, TypeError, AttributeError, ValueError):
            raise CannotCollect("a user is not shaped as FAB's are") from None


def role_rows(
    roles: Iterable[Mapping[str, Any]], accounts: Iterable[Mapping[str, Any]], public: str
) -> Iterator[dict[str, Any]]:
    """The frame `roles`.

    Args:
        roles: as FAB lists them.
        accounts: rows of the frame `accounts`.
        public: the role of those without a login.

    Raises:
        CannotCollect: a role is shaped otherwise than FAB's.
    """
    members = [str(one["roles"]).split(", ") for one in accounts]
    for one in roles:
        try:
            name = str(one["name"])
            rights = {
                (str(each["action"]["name"]), str(each["resource"]["name"]))
                for each in one["actions"]
            }
        except (KeyError, TypeError):
            raise CannotCollect("a role is not shaped as FAB's are") from None
        writes = {resource for action, resource in rights if action in _WRITING}
        reads = {resource for action, resource in rights if action == "can_read"}
        yield {
            "role": name,
            "accounts": sum(name in roles for roles in members),
            "rights": len(rights),
            "public": name in (public, "Public"),
            "grants_something": bool(rights),
            "triggers": ("can_create", "DAG Runs") in rights
            or any(resource.startswith("DAG Run:") for resource in writes),
            "edits_dags": any(each == "DAGs" or each.startswith("DAG:") for each in writes),
            "sees_data": bool(reads & _DATA),
            "sees_connections": bool(reads & _SECRETS),
            "edits_connections": bool(writes & _SECRETS),
            "administers": bool(writes & _ACCOUNTS),
        }


def _idle(seen: object, now: datetime, days: int) -> str:
    if not seen:
        return "unknown"
    when = datetime.fromisoformat(str(seen))
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return "idle" if now - when > timedelta(days=days) else "used"
