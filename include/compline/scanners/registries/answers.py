"""Reads MLflow's JSON answers into facts; anything of another shape is refused. Pure.

Shapes are those of MLflow 3.17 and 3.18 with `--app-name basic-auth`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from compline.scanners.registries.facts import (
    DEFAULT_WORKSPACE,
    CannotAsk,
    Experiment,
    Grant,
    Member,
    Model,
    User,
    Webhook,
    prefix_of,
)


def caller(answer: Any) -> User:
    """Who we are, from `users/current`."""
    return _user(_part(answer, "user", dict, "users/current"), "users/current")


def users(answer: Any) -> tuple[User, ...]:
    """Every account, from `users/list`."""
    return tuple(_user(entry, "users/list") for entry in _list(answer, "users", "users/list"))


def grants(answer: Any) -> tuple[tuple[Grant, ...], tuple[Member, ...]] | None:
    """Every user's grants and roles from `users/list`; None where the server does not tell them.

    A grant of a user's own is kept by the server in a hidden role named `__user_<id>__`.
    """
    found: list[Grant] = []
    members: list[Member] = []
    for entry in _list(answer, "users", "users/list"):
        if not isinstance(entry, dict) or "roles" not in entry:
            return None
        name = _text(entry, "username", "users/list")
        for role in _list(entry, "roles", "users/list"):
            role_name = _text(role, "name", "users/list")
            own = role_name == f"__user_{entry.get('id')}__"
            found += _granted(role, name, "" if own else role_name, "users/list")
            if not own:
                workspace = _text(role, "workspace", "users/list")
                members.append(Member(name, f"{prefix_of(workspace)}{role_name}"))
    return tuple(found), tuple(members)


def roles(answer: Any) -> tuple[Grant, ...]:
    """What every role holds, from `roles/list`; users' hidden ones are left out."""
    return tuple(
        grant
        for role in _list(answer, "roles", "roles/list")
        if not _hidden(_text(role, "name", "roles/list"))
        for grant in _granted(role, "", _text(role, "name", "roles/list"), "roles/list")
    )


def permission(answer: Any) -> str:
    """The level, from `users/permissions/get`."""
    return _text(answer, "permission", "users/permissions/get")


def workspaces(answer: Any) -> tuple[str, ...]:
    """The names, from `workspaces`."""
    return tuple(_text(entry, "name", "workspaces") for entry in _page(answer, "workspaces"))


def models(answer: Any, workspace: str = DEFAULT_WORKSPACE) -> tuple[tuple[Model, ...], str]:
    """The models on one page of `registered-models/search`, and the next page's token."""
    where = "registered-models/search"
    found = tuple(
        Model(
            _text(entry, "name", where),
            _moment(entry, "creation_timestamp"),
            tuple(_text(one, "alias", where) for one in _maybe(entry, "aliases", where)),
            tuple(
                str(one.get("current_stage", "")) for one in _maybe(entry, "latest_versions", where)
            ),
            workspace,
        )
        for entry in _page(answer, "registered_models", where)
    )
    return found, _token(answer, where)


def experiments(
    answer: Any, workspace: str = DEFAULT_WORKSPACE
) -> tuple[tuple[Experiment, ...], str]:
    """The experiments on one page of `experiments/search`, and the next page's token."""
    where = "experiments/search"
    found = tuple(
        Experiment(
            _text(entry, "experiment_id", where),
            _text(entry, "name", where),
            _moment(entry, "creation_time"),
            _root(entry.get("artifact_location")),
            workspace,
        )
        for entry in _page(answer, "experiments", where)
    )
    return found, _token(answer, where)


def webhooks(answer: Any, workspace: str = DEFAULT_WORKSPACE) -> tuple[tuple[Webhook, ...], str]:
    """The webhooks on one page of `webhooks`, and the next page's token."""
    found = []
    for entry in _page(answer, "webhooks"):
        address = urlsplit(_text(entry, "url", "webhooks"))
        events = [
            f"{one.get('entity', '')} {one.get('action', '')}".strip()
            for one in _maybe(entry, "events", "webhooks")
        ]
        found.append(
            Webhook(
                f"{prefix_of(workspace)}{_text(entry, 'name', 'webhooks')}",
                (address.hostname or "").lower(),
                address.scheme == "https",
                tuple(sorted(events)),
            )
        )
    return tuple(found), _token(answer, "webhooks")


def _granted(role: Any, user: str, name: str, where: str) -> Iterator[Grant]:
    for entry in _list(role, "permissions", where):
        yield Grant(
            user=user,
            resource_type=_text(entry, "resource_type", where),
            pattern=_text(entry, "resource_pattern", where),
            permission=_text(entry, "permission", where),
            workspace=_text(role, "workspace", where),
            role=name,
        )


def _hidden(name: str) -> bool:
    return name.startswith("__user_") and name.endswith("__")


def _user(entry: Any, where: str) -> User:
    admin = entry.get("is_admin") if isinstance(entry, dict) else None
    if not isinstance(admin, bool):
        raise CannotAsk(f"{where}: the answer does not say who is an administrator")
    return User(_text(entry, "username", where), admin)


def _root(location: Any) -> str:
    """`s3://bucket` of a location; folders of it may name people and are not kept."""
    address = urlsplit(location if isinstance(location, str) else "")
    if not address.scheme:
        return "file:" if address.path else ""
    host = address.hostname or ""
    return f"{address.scheme}://{host}" if host else f"{address.scheme}:"


def _moment(entry: Mapping[str, Any], key: str) -> int:
    value = entry.get(key, 0)
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0


def _maybe(entry: Any, key: str, where: str) -> list[Any]:
    """A list that protobuf's JSON leaves out where it is empty."""
    found = _list(entry, key, where) if isinstance(entry, dict) and key in entry else []
    if not all(isinstance(each, dict) for each in found):
        raise CannotAsk(f"{where}: {key} are of another shape")
    return found


def _page(answer: Any, key: str, where: str = "") -> list[Any]:
    # An empty page is an object without the key: that is how protobuf's JSON writes it.
    if isinstance(answer, dict) and not set(answer) - {"next_page_token"}:
        return []
    return _list(answer, key, where or key)


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
