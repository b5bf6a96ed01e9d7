"""What a fine-grained token of the Hub may do, by what `whoami-v2` tells of it. Pure.

`auth.accessToken.fineGrained` has `scoped` (an entity, such as an organisation or a model, with its
permissions: `repo.content.read`, `repo.write`, ...), `global` (permissions on everything) and
`canReadGatedRepos`. A permission that does not end in `.read` counts as one to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.services import one_line

COLUMNS = ("name", "entity", "permissions", "reach", "writes")
ORGANISATION, ELSEWHERE, EVERYWHERE, UNNAMED = "organisation", "elsewhere", "everywhere", "unnamed"
_LONGEST = 150


def scopes_of(
    token: Mapping[str, Any], name: str, organisation: str
) -> tuple[list[dict[str, Any]], list[Gap]]:
    """A row for each entity on which the token may do something.

    Args:
        token: as the Hub tells of it.
        name: by which findings call it.
        organisation: that the token is for.

    Raises:
        KeyError, TypeError: the answer is of another shape.
    """
    role, told = str(token["role"]), token.get("fineGrained")
    if told is None and role != "fineGrained":
        # One of the older kind reads whatever its owner may read; writing is judged by its role.
        return [_row(name, "everything of its owner", [f"the role {role}"], EVERYWHERE, False)], []
    if told is None:
        detail = "the Hub does not tell what the token may do"
        return [], [Gap(GapReason.UNSUPPORTED, "token/", detail)]
    rows = list(_rows(told, name, organisation.lower()))
    unnamed = sum(row["reach"] == UNNAMED for row in rows)
    detail = "what the token may do is on something that the Hub does not name"
    gaps = [Gap(GapReason.UNSUPPORTED, "token/", detail, count=unnamed)] if unnamed else []
    return rows, gaps


def _rows(told: Mapping[str, Any], name: str, organisation: str) -> Iterator[dict[str, Any]]:
    for scope in told["scoped"]:
        permissions = _texts(scope["permissions"])
        entity, kind = scope["entity"], str(scope["entity"]["type"])
        called = str(entity.get("name") or "")
        owner = called.lower().partition("/")[0]
        reach = UNNAMED if not called else ELSEWHERE
        if owner == organisation and kind != "user":
            reach = ORGANISATION
        if permissions:
            shown = f"{kind} {called or entity.get('_id', '')}"
            yield _row(name, shown, permissions, reach, _writes(permissions))
    permissions = _texts(told.get("global") or [])
    if permissions:
        yield _row(name, "everything", permissions, EVERYWHERE, _writes(permissions))
    if told.get("canReadGatedRepos"):
        yield _row(name, "gated repositories of others", ["read"], EVERYWHERE, False)


def _row(
    name: str, entity: str, permissions: list[str], reach: str, writes: bool
) -> dict[str, Any]:
    shown = one_line(", ".join(sorted(permissions)), _LONGEST)
    return {"name": name, "entity": one_line(entity, _LONGEST), "permissions": shown,
            "reach": reach, "writes": writes}  # fmt: skip


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("permissions")
    return value


def _writes(permissions: list[str]) -> bool:
    return any(not one.endswith(".read") for one in permissions)
