"""Asks an MLflow server with the basic-auth app who may do what, by reading calls only.

The account must be an administrator: MLflow shows roles and other users' grants to nobody else
(an ordinary account gets an answer without them, and no error). Only GET is ever sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx

from compline.model import Gap, GapReason
from compline.scanners.http.client import Service, reading
from compline.scanners.http.credentials import basic
from compline.scanners.http.refusals import Bounds
from compline.scanners.registries import answers
from compline.scanners.registries.defaults import stranger, witnesses
from compline.scanners.registries.facts import (
    DEFAULT_WORKSPACE,
    IN_WORKSPACE,
    NOTHING,
    CannotAsk,
    Grant,
    RegistryFacts,
    User,
)
from compline.scanners.registries.paging import Pages
from compline.scanners.registries.policy import level_of
from compline.scanners.services import one_line

USERS = "api/2.0/mlflow/users/list"
CALLER = "api/2.0/mlflow/users/current"
ROLES = "api/3.0/mlflow/roles/list"
PERMISSION = "api/3.0/mlflow/users/permissions/get"
SERVER_INFO = "api/3.0/mlflow/server-info"
WORKSPACES = "api/3.0/mlflow/workspaces"
MODELS = "api/2.0/mlflow/registered-models/search"
EXPERIMENTS = "api/2.0/mlflow/experiments/search"
WEBHOOKS = "api/2.0/mlflow/webhooks"
VERSION = "version"

MOST_CALLS = 100
"""Requests per look; with pages of 1,000 models it is enough for some 80,000."""

_Item = TypeVar("_Item")
_NOBODYS_MODEL = "compline-no-such-model"
_OF_GRANTS = ("grant/", "role/", "member/")
_OF_PEOPLE = ("user/", *_OF_GRANTS, "default-permission")
_OF_CONTENTS = ("webhook/", "registered_model/", "experiment/")


def collect(
    url: str,
    credential: str | None,
    seconds: float,
    transport: httpx.BaseTransport | None = None,
) -> RegistryFacts:
    """One look at the registry; `credential` is user:password.

    Raises:
        CannotCollect: no answer in time, a refusal of the credential, a redirect, an error,
            garbage.
    """
    auth = basic(credential, "the registry") if credential is not None else None
    bounds = Bounds("MLflow", seconds, "scanners.registry-permissions.seconds", MOST_CALLS)
    with reading(url, bounds, auth, transport) as service:
        return _Look(service).facts()


@dataclass
class _Look:
    service: Service
    gaps: list[Gap] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pages = Pages(self.service, self.gaps)

    def facts(self) -> RegistryFacts:
        """Everything, in an order that fails early."""
        found: dict[str, Any] = {"open_to_anyone": self._open_to_anyone()}
        if not self.service.has_credential:
            everything = (*_OF_PEOPLE, *_OF_CONTENTS)
            self._hidden(GapReason.FORBIDDEN, everything, "no credential is configured")
        else:
            found |= self._as_caller()
        return RegistryFacts(
            https=self.service.https,
            loopback=self.service.loopback,
            calls=self.service.calls,
            gaps=tuple(self.gaps),
            **found,
        )

    def _open_to_anyone(self) -> tuple[str, ...]:
        found = []
        readers: Mapping[str, Callable[[Any], Any]] = {
            MODELS: answers.models,
            EXPERIMENTS: answers.experiments,
        }
        for path, read in readers.items():
            answer = self.service.get(path, {"max_results": "1"}, anonymous=True)
            if answer.status == 200:
                read(answer.json())  # a page of a proxy is not an answer of the registry
                found.append(path)
            elif answer.status not in (401, 403):
                raise CannotAsk(f"{path} answers {answer.status}; is this an MLflow server?")
        return tuple(found)

    def _as_caller(self) -> dict[str, Any]:
        caller = self.service.get(CALLER)
        me = None
        if caller.status == 404:
            # A server without the basic-auth app: nobody is anybody, and everything is open.
            self._hidden(GapReason.UNSUPPORTED, _OF_PEOPLE, "the server runs without basic-auth")
        elif caller.status != 200:
            raise CannotAsk(f"{CALLER} answers {caller.status} to our account")
        else:
            me = answers.caller(caller.json())
        version = self.service.get(VERSION)
        found: dict[str, Any] = {
            "version": one_line(version.body[:40].decode("utf-8", "replace"))
            if version.status == 200
            else ""
        }
        found |= self._users(me) if me is not None else {}
        parted = self._workspaces()
        if me is not None:
            found |= self._defaults(me, found, parted=parted is not None)
        found["workspaces"] = parted or (DEFAULT_WORKSPACE,)
        if me is None or me.admin:
            found["webhooks"] = self._of_each(parted, WEBHOOKS, answers.webhooks, "webhook/")
        else:
            self._hidden(GapReason.FORBIDDEN, ("webhook/",), "shown to administrators only")
        found["models"] = self._of_each(parted, MODELS, answers.models, "registered_model/")
        found["experiments"] = self._of_each(
            parted, EXPERIMENTS, answers.experiments, "experiment/", {"view_type": "ALL"}
        )
        return found

    def _users(self, me: User) -> dict[str, Any]:
        answer = self.service.get(USERS)
        if answer.status != 200:
            for place in ("user/", *_OF_GRANTS):
                self._pages.refused(answer, USERS, place)
            return {}
        value = answer.json()
        found: dict[str, Any] = {"users": answers.users(value)}
        if me not in found["users"]:
            raise CannotAsk(f"{USERS} does not list our own account: it cannot be complete")
        if not me.admin:
            detail = (
                f"{one_line(me.name, 80)} is no administrator, and MLflow shows others' grants "
                "to nobody else"
            )
            self._hidden(GapReason.FORBIDDEN, _OF_GRANTS, detail)
            return found
        held = answers.grants(value)
        if held is None:
            detail = "users/list has no roles before MLflow 3.17"
            self._hidden(GapReason.UNSUPPORTED, _OF_GRANTS, detail)
            return found
        found["grants"], found["members"] = held
        roles = self.service.get(ROLES)
        if roles.status == 200:
            found["roles"] = answers.roles(roles.json())
        else:
            self._pages.refused(roles, ROLES, "role/")
        return found

    def _workspaces(self) -> tuple[str, ...] | None:
        """The workspaces of a server that has them; None where there is but one."""
        info = self.service.get(SERVER_INFO)
        enabled = info.json() if info.status == 200 else {}
        if not (isinstance(enabled, dict) and enabled.get("workspaces_enabled")):
            return None
        answer = self.service.get(WORKSPACES)
        if answer.status != 200:
            self._pages.refused(answer, WORKSPACES, "workspace/")
            return (DEFAULT_WORKSPACE,)
        return answers.workspaces(answer.json())

    def _of_each(
        self,
        parted: tuple[str, ...] | None,
        path: str,
        read: Callable[..., tuple[tuple[_Item, ...], str]],
        place: str,
        parameters: Mapping[str, str] | None = None,
    ) -> tuple[_Item, ...] | None:
        """What a search gives of all workspaces; None where it is refused of each."""
        found: list[_Item] = []
        shown = False
        for name in parted or (DEFAULT_WORKSPACE,):
            headers = {IN_WORKSPACE: name} if parted else {}
            of_one = partial(read, workspace=name)
            pages = self._pages.all(path, of_one, place, parameters, headers)
            shown = shown or pages is not None
            found += pages or ()
        return tuple(found) if shown else None

    def _defaults(self, me: User, found: dict[str, Any], *, parted: bool) -> dict[str, Any]:
        """What the server grants to somebody who was never granted anything, and what it lifts a
        grant to."""
        grants = found.get("grants") or ()
        asked = stranger(found.get("users", ()), grants) if me.admin else None
        if asked is None:
            detail = one_line(f"not visible to {me.name}, or every account is granted more")
            self._hidden(GapReason.UNSUPPORTED, ("default-permission",), detail)
            return {}
        # With workspaces a model that is not there would be refused whatever the default is.
        granted = self._permission(
            Grant(asked, "registered_model", "*" if parted else _NOBODYS_MODEL, ""), parted=parted
        )
        if granted is None or not parted:
            return {"default_permission": granted}
        return {"default_permission": granted, "lifted_to": self._lifted(grants)}

    def _lifted(self, grants: Sequence[Grant]) -> str | None:
        asked = witnesses(grants)
        for grant in asked:
            has = self._permission(grant, parted=True)
            if has is None:
                return None
            if level_of(has) >= level_of(grant.permission):
                return has if level_of(has) > level_of(grant.permission) else NOTHING
        if not asked:
            return NOTHING
        detail = "no grant shows whether the server lifts it: what they are on is not there"
        self._hidden(GapReason.UNSUPPORTED, ("lifted-permission",), detail)
        return None

    def _permission(self, grant: Grant, *, parted: bool) -> str | None:
        """What the holder really has on what was granted; None where that is not told."""
        parameters = {
            "username": grant.user,
            "resource_type": grant.resource_type,
            "resource_id": grant.pattern,
        }
        headers = {IN_WORKSPACE: grant.workspace} if parted else None
        answer = self.service.get(PERMISSION, parameters, headers=headers)
        if answer.status != 200:
            self._pages.refused(answer, PERMISSION, "default-permission")
            return None
        return answers.permission(answer.json())

    def _hidden(self, reason: GapReason, places: tuple[str, ...], detail: str) -> None:
        self.gaps += [Gap(reason, place, detail) for place in places]
