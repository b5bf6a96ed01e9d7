"""Asks an MLflow server with the basic-auth app who may do what, by reading calls only.

The account must be an administrator: MLflow shows roles and other users' grants to nobody else
(an ordinary account gets an answer without them, and no error). Only GET is ever sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from compline.model import Gap, GapReason
from compline.scanners.http.client import Service, reading
from compline.scanners.http.credentials import basic
from compline.scanners.http.refusals import Bounds
from compline.scanners.registries import answers
from compline.scanners.registries.facts import DEFAULT_WORKSPACE, CannotAsk, RegistryFacts, User
from compline.scanners.registries.paging import Pages
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

_WORKSPACE = "X-MLFLOW-WORKSPACE"
_NOBODYS_MODEL = "compline-no-such-model"
_OF_GRANTS = ("grant/", "role/", "member/")
_OF_PEOPLE = ("user/", *_OF_GRANTS, "default-permission")


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
            self._hidden(GapReason.FORBIDDEN, _OF_PEOPLE, "no credential is configured")
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
        if caller.status == 404:
            # A server without the basic-auth app: nobody is anybody, and everything is open.
            self._hidden(GapReason.UNSUPPORTED, _OF_PEOPLE, "the server runs without basic-auth")
            return {}
        if caller.status != 200:
            raise CannotAsk(f"{CALLER} answers {caller.status} to our account")
        me = answers.caller(caller.json())
        version = self.service.get(VERSION)
        found: dict[str, Any] = {
            "version": one_line(version.body[:40].decode("utf-8", "replace"))
            if version.status == 200
            else ""
        }
        found |= self._users(me)
        parted = self._workspaces()
        found["default_permission"] = self._default_permission(
            me, found.get("grants"), parted=parted is not None
        )
        found["workspaces"] = parted or (DEFAULT_WORKSPACE,)
        if me.admin:
            found["webhooks"] = self._pages.all(WEBHOOKS, answers.webhooks, "webhook/")
        else:
            self._hidden(GapReason.FORBIDDEN, ("webhook/",), "shown to administrators only")
        found["models"], found["experiments"] = self._contents(parted)
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

    def _contents(self, parted: tuple[str, ...] | None) -> tuple[Any, Any]:
        """Models and experiments of all workspaces; None where even the first page is refused."""
        models: list[Any] = []
        experiments: list[Any] = []
        shown = [True, True]
        for name in parted or (DEFAULT_WORKSPACE,):
            headers = {_WORKSPACE: name} if parted else {}

            def of_models(answer: Any, name: str = name) -> Any:
                return answers.models(answer, name)

            def of_experiments(answer: Any, name: str = name) -> Any:
                return answers.experiments(answer, name)

            page = self._pages.all(MODELS, of_models, "registered_model/", headers=headers)
            more = self._pages.all(
                EXPERIMENTS, of_experiments, "experiment/", {"view_type": "ALL"}, headers
            )
            shown = [shown[0] and page is not None, shown[1] and more is not None]
            models += page or ()
            experiments += more or ()
        return (
            tuple(models) if shown[0] or models else None,
            tuple(experiments) if shown[1] or experiments else None,
        )

    def _default_permission(self, me: User, grants: Any, *, parted: bool) -> str | None:
        """What the server grants on a model that nobody was ever granted anything on."""
        # A grant on every model, or of a workspace, would answer in the default's place.
        wide = {
            grant.user
            for grant in grants or ()
            if grant.resource_type == "workspace"
            or (grant.resource_type == "registered_model" and grant.pattern == "*")
        }
        if parted or me.name in wide or not me.admin:
            reason = "workspaces are enabled" if parted else f"not visible to {me.name}"
            self._hidden(GapReason.UNSUPPORTED, ("default-permission",), one_line(reason))
            return None
        answer = self.service.get(
            PERMISSION,
            {
                "username": me.name,
                "resource_type": "registered_model",
                "resource_id": _NOBODYS_MODEL,
            },
        )
        if answer.status != 200:
            self._pages.refused(answer, PERMISSION, "default-permission")
            return None
        return answers.permission(answer.json())

    def _hidden(self, reason: GapReason, places: tuple[str, ...], detail: str) -> None:
        self.gaps += [Gap(reason, place, detail) for place in places]
