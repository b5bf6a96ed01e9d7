"""Asks an MLflow server with the basic-auth app who may do what, by reading calls only.

The account must be an administrator: MLflow shows roles and other users' grants to nobody else
(an ordinary account gets an answer without them, and no error). Only GET is ever sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from compline.model import Gap, GapReason
from compline.scanners.registries import answers
from compline.scanners.registries.facts import CannotAsk, RegistryFacts, User
from compline.scanners.registries.http import (
    MOST_CALLS,
    Answer,
    CallsUsedUp,
    ReadOnlyService,
    reading,
)
from compline.scanners.services import one_line

_PAGE = 1000
"""Most that MLflow gives at once."""

USERS = "api/2.0/mlflow/users/list"
CALLER = "api/2.0/mlflow/users/current"
PERMISSION = "api/3.0/mlflow/users/permissions/get"
SERVER_INFO = "api/3.0/mlflow/server-info"
MODELS = "api/2.0/mlflow/registered-models/search"
EXPERIMENTS = "api/2.0/mlflow/experiments/search"
VERSION = "version"

_NOBODYS_MODEL = "compline-no-such-model"

_Page = TypeVar("_Page")


def collect(
    url: str,
    credential: str | None,
    seconds: float,
    transport: httpx.AsyncBaseTransport | None = None,
) -> RegistryFacts:
    """One look at the registry; `credential` is user:password.

    Raises:
        CannotAsk: no answer in time, a refusal of the credential, a redirect, an error, garbage.
    """
    try:
        return asyncio.run(_within(url, credential, seconds, transport))
    except TimeoutError:
        raise CannotAsk(
            f"the registry did not answer within {seconds:g} s "
            "(scanners.registry-permissions.seconds)"
        ) from None


async def _within(
    url: str, credential: str | None, seconds: float, transport: httpx.AsyncBaseTransport | None
) -> RegistryFacts:
    # asyncio bounds the whole look: httpx's own limits start anew with every byte that drips in.
    async with asyncio.timeout(seconds), reading(url, credential, seconds, transport) as service:
        return await _Look(service).facts()


@dataclass
class _Look:
    service: ReadOnlyService
    gaps: list[Gap] = field(default_factory=list)

    async def facts(self) -> RegistryFacts:
        """Everything, in an order that fails early."""
        found: dict[str, Any] = {"open_to_anyone": await self._open_to_anyone()}
        if not self.service.has_credential:
            for place in ("user/", "grant/", "default-permission"):
                self._gap(GapReason.FORBIDDEN, place, "no credential is configured")
        else:
            found |= await self._as_caller()
        return RegistryFacts(
            https=self.service.https,
            loopback=self.service.loopback,
            calls=self.service.calls,
            gaps=tuple(self.gaps),
            **found,
        )

    async def _open_to_anyone(self) -> tuple[str, ...]:
        found = []
        for path in (MODELS, EXPERIMENTS):
            answer = await self.service.get(path, {"max_results": "1"}, anonymous=True)
            if answer.status == 200:
                # A page of a proxy is not an answer of the registry.
                answers.models(answer.json(path)) if path == MODELS else answers.experiments(
                    answer.json(path)
                )
                found.append(path)
            elif answer.status not in (401, 403):
                raise CannotAsk(f"{path} answers {answer.status}; is this an MLflow server?")
        return tuple(found)

    async def _as_caller(self) -> dict[str, Any]:
        caller = await self.service.get(CALLER)
        if caller.status == 404:
            # A server without the basic-auth app: nobody is anybody, and everything is open.
            for place in ("user/", "grant/", "default-permission"):
                self._gap(GapReason.UNSUPPORTED, place, "the server runs without basic-auth")
            return {}
        if caller.status != 200:
            raise CannotAsk(f"{CALLER} answers {caller.status} to our account")
        me = answers.caller(caller.json(CALLER))
        version = await self.service.get(VERSION)
        found: dict[str, Any] = {
            "version": one_line(version.body[:40].decode("utf-8", "replace"))
            if version.status == 200
            else ""
        }
        found |= await self._users(me)
        found["default_permission"] = await self._default_permission(me, found.get("grants"))
        found["models"] = await self._all(
            MODELS, {}, answers.models, lambda one, two: (*one, *two), "registered_model/"
        )
        found["experiments"] = await self._all(
            EXPERIMENTS,
            {"view_type": "ALL"},
            answers.experiments,
            lambda one, two: {**one, **two},
            "experiment/",
        )
        return found

    async def _users(self, me: User) -> dict[str, Any]:
        answer = await self.service.get(USERS)
        if answer.status != 200:
            self._refused(answer, USERS, "user/")
            self._refused(answer, USERS, "grant/")
            return {}
        value = answer.json(USERS)
        found: dict[str, Any] = {"users": answers.users(value)}
        if me not in found["users"]:
            raise CannotAsk(f"{USERS} does not list our own account: it cannot be complete")
        if not me.admin:
            self._gap(
                GapReason.FORBIDDEN,
                "grant/",
                f"{one_line(me.name, 80)} is no administrator, and MLflow shows others' grants "
                "to nobody else",
            )
            return found
        found["grants"] = answers.grants(value)
        if found["grants"] is None:
            self._gap(GapReason.UNSUPPORTED, "grant/", "users/list has no roles before MLflow 3.17")
        return found

    async def _default_permission(self, me: User, grants: Any) -> str | None:
        """What the server grants on a model that nobody was ever granted anything on."""
        info = await self.service.get(SERVER_INFO)
        workspaces = info.status == 200 and info.json(SERVER_INFO).get("workspaces_enabled")
        # A grant on every model, or of a workspace, would answer in the default's place.
        wide = {
            grant.user
            for grant in grants or ()
            if grant.resource_type == "workspace"
            or (grant.resource_type == "registered_model" and grant.pattern == "*")
        }
        if workspaces or me.name in wide or not me.admin:
            reason = "workspaces are enabled" if workspaces else f"not visible to {me.name}"
            self._gap(GapReason.UNSUPPORTED, "default-permission", one_line(reason))
            return None
        answer = await self.service.get(
            PERMISSION,
            {
                "username": me.name,
                "resource_type": "registered_model",
                "resource_id": _NOBODYS_MODEL,
            },
        )
        if answer.status != 200:
            self._refused(answer, PERMISSION, "default-permission")
            return None
        return answers.permission(answer.json(PERMISSION))

    async def _all(
        self,
        path: str,
        parameters: Mapping[str, str],
        read: Callable[[Any], tuple[_Page, str]],
        join: Callable[[_Page, _Page], _Page],
        place: str,
    ) -> _Page | None:
        """Every page of a search."""
        seen: set[str] = set()
        found: _Page | None = None
        token = ""
        while True:
            page = {"page_token": token} if token else {}
            try:
                answer = await self.service.get(
                    path, {"max_results": str(_PAGE), **parameters, **page}
                )
            except CallsUsedUp:
                self._gap(GapReason.TRUNCATED, place, f"more than {MOST_CALLS} calls were needed")
                return found
            if answer.status != 200:
                self._refused(answer, path, place)
                return found
            items, token = read(answer.json(path))
            found = items if found is None else join(found, items)
            if not token:
                return found
            if token in seen:
                raise CannotAsk(f"{path} gives the same page again and again")
            seen.add(token)

    def _refused(self, answer: Answer, path: str, place: str) -> None:
        if answer.status == 403:
            self._gap(GapReason.FORBIDDEN, place, f"{path} answers 403 to our account")
        elif answer.status == 404:
            self._gap(GapReason.UNSUPPORTED, place, f"{path} is not there before MLflow 3.17")
        else:
            raise CannotAsk(f"{path} answers {answer.status}")

    def _gap(self, reason: GapReason, place: str, detail: str) -> None:
        self.gaps.append(Gap(reason, place, detail))
