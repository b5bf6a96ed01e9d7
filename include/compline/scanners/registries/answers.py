"""Reads MLflow's JSON answers into facts; anything of another shape is refused. Pure.

Shapes are those of MLflow 3.17 and 3.18 with `--app-name basic-auth`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compline.scanners.registries.facts import CannotAsk, Grant, User


def caller(answer: Any) -> User:
    """Who we are, from `users/current`."""
    return _user(_part(answer, "user", dict, "users/current"), "users/current")


def users(answer: Any) -> tuple[User, ...]:
    """Every account, from `users/list`."""
    return tuple(_user(entry, "users/list") for entry in _list(answer, "users", "users/list"))


def grants(answer: Any) -> tuple[Grant, ...] | None:
    """Every user's grants from `users/list`; None where the server does not tell roles there.

    A grant of a user's own is kept by the server in a hidden role named `__user_<id>__`.
    """
    found = []
    for entry in _list(answer, "users", "users/list"):
        if not isinstance(entry, dict) or "roles" not in entry:
            return None
        name = _text(entry, "username", "users/list")
        for role in _list(entry, "roles", "users/list"):
            role_name = _text(role, "name", "users/list")
            own = role_name == f"__user_{entry.get('id')}__"
            for permission in _list(role, "permissions", "users/list"):
                found.append(
                    Grant(
                        user=name,
                        resource_type=_text(permission, "resource_type", "users/list"),
                        pattern=_text(permission, "resource_pattern", "users/list"),
                        permission=_text(permission, "permission", "users/list"),
                        workspace=_text(role, "workspace", "users/list"),
                        role="" if own else role_name,
                    )
                )
    return tuple(found)


def permission(answer: Any) -> str:
    """The level, from `users/permissions/get`."""
    return _text(answer, "permission", "users/permissions/get")


def models(answer: Any) -> tuple[tuple[str, ...], str]:
    """The names on one page of `registered-models/search`, and the next page's token."""
    where = "registered-models/search"
    entries = _page(answer, "registered_models", where)
    return tuple(_text(entry, "name", where) for entry in entries), _token(answer, where)


def experiments(answer: Any) -> tuple[Mapping[str, str], str]:
    """Id to name on one page of `experiments/search`, and the next page's token."""
    where = "experiments/search"
    entries = _page(answer, "experiments", where)
    found = {_text(e, "experiment_id", where): _text(e, "name", where) for e in entries}
    return found, _token(answer, where)


def _user(entry: Any, where: str) -> User:
    admin = entry.get("is_admin") if isinstance(entry, dict) else None
    if not isinstance(admin, bool):
        raise CannotAsk(f"{where}: the answer does not say who is an administrator")
    return User(_text(entry, "username", where), admin)


def _page(answer: Any, key: str, where: str) -> list[Any]:
    # An empty page is an object without the key: that is how protobuf's JSON writes it.
    if isinstance(answer, dict) and not set(answer) - {"next_page_token"}:
        return []
    return _list(answer, key, where)


def _token(answer: Any, where: str) -> str:
    token = answer.get("next_page_token", "")
    if not isinstance(token, str):
        raise CannotAsk(f"{where}: the page token is not text")
    return token


def _list(answer: Any, key: str, where: str) -> list[Any]:
    found: list[Any] = _part(answer, key, list, where)
    return found


def _text(answer: Any, key: str, where: str) -> str:
    found: str = _part(answer, key, str, where)
    if not found:
        raise CannotAsk(f"{where}: {key} is empty")
    return found


def _part(answer: Any, key: str, kind: type, where: str) -> Any:
    if not isinstance(answer, dict) or not isinstance(answer.get(key), kind):
        raise CannotAsk(f"{where}: the answer has no {key}; is this MLflow 3.17 or later?")
    return answer[key]
