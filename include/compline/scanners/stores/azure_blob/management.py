"""What only Azure Resource Manager tells of a storage account: asked by GET, and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx

from compline.model import GapReason
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.services import one_line
from compline.scanners.stores.azure_blob.errors import meaning
from compline.scanners.stores.object_stores.calls import Missing, Patience, Refused, Unsupported
from compline.scanners.stores.object_stores.facts import Hidden, Row
from compline.scanners.stores.object_stores.frames import told_or_hidden

SCOPE = "https://management.azure.com/.default"
_VERSION = "2023-05-01"
QUESTIONS: Mapping[str, str] = {
    "account": "",
    "blob_service": "/blobServices/default",
    "lifecycle": "/managementPolicies/default",
    "scopes": "/encryptionScopes",
}
_AGES = (
    "daysAfterModificationGreaterThan",
    "daysAfterCreationGreaterThan",
    "daysAfterLastAccessTimeGreaterThan",
)
_MOST_PAGES = 20
_SOCKET_SECONDS = 20.0


def ask_management(
    base: str, resource_id: str, token: Callable[[], str], patience: Patience
) -> dict[str, dict[str, Any]]:
    """The answers by question: 4 calls, and one for each further page of encryption scopes.

    Raises:
        CannotCollect: no connection, no answer in time, a token that is not accepted.
    """
    answers: dict[str, dict[str, Any]] = {}
    with httpx.Client(timeout=_SOCKET_SECONDS, follow_redirects=False) as client:
        for question, path in QUESTIONS.items():
            url = f"{base.rstrip('/')}{resource_id}{path}?api-version={_VERSION}"
            try:
                answers[question] = _pages(client, url, base, token, patience)
            except Refused as error:
                answers[question] = {"refused": str(error)}
            except Unsupported as error:
                answers[question] = {"unsupported": str(error)}
            except Missing as error:
                # An account without a lifecycle policy has none to show.
                absent = {"absent": "none"} if question == "lifecycle" else {"missing": str(error)}
                answers[question] = absent
    return answers


def _pages(
    client: httpx.Client, url: str, base: str, token: Callable[[], str], patience: Patience
) -> dict[str, Any]:
    answer = patience.ask(partial(_asked, client, url, token))
    following, pages = answer.get("nextLink"), 1
    while following:
        pages += 1
        if pages > _MOST_PAGES or not str(following).startswith(base.rstrip("/") + "/"):
            raise CannotCollect(
                "a list of Azure Resource Manager goes on without end, or elsewhere"
            )
        more = patience.ask(partial(_asked, client, str(following), token))
        answer = {"value": [*answer.get("value", ()), *more.get("value", ())]}
        following = more.get("nextLink")
    return answer


def _asked(client: httpx.Client, url: str, token: Callable[[], str]) -> dict[str, Any]:
    what = re.sub(r"^.*/storageAccounts/[^/?]+", "account", url.partition("?")[0])
    try:
        answer = client.get(url, headers={"Authorization": f"Bearer {token()}"})
    except httpx.TimeoutException:
        raise CannotCollect(f"{what}: Azure Resource Manager did not answer in time") from None
    except httpx.HTTPError as error:
        reason = one_line(str(error), 150)
        raise CannotCollect(f"{what}: no connection to Azure Resource Manager: {reason}") from None
    if answer.status_code != 200:
        raise meaning(what, answer.status_code, "", answer.headers)
    try:
        return dict(answer.json())
    except (ValueError, TypeError):
        raise CannotCollect(f"{what}: the answer is not JSON, or broke off") from None


def untold(why: str) -> dict[str, dict[str, Any]]:
    """The answers where Resource Manager cannot be asked."""
    return {question: {"unsupported": why} for question in QUESTIONS}


def lifecycle_of(
    answer: Mapping[str, Any], container: str, management: Mapping[str, Mapping[str, Any]]
) -> Row:
    """After how many days a rule deletes the whole container, old versions included."""
    properties = management["blob_service"].get("properties", {})
    versioned = bool(properties.get("isVersioningEnabled"))
    days = []
    rules = answer.get("properties", {}).get("policy", {}).get("rules", ())
    for rule in rules:
        filters = rule["definition"].get("filters", {})
        if rule.get("enabled") is False or not _is_whole(filters, container):
            continue
        actions = rule["definition"].get("actions", {})
        current = _least(actions.get("baseBlob", {}).get("delete", {}))
        old = _least(actions.get("version", {}).get("delete", {}))
        if current is not None and (old is not None or not versioned):
            days.append(current + (old or 0 if versioned else 0))
    if not days:
        return {"expires": False, "days": None}
    kept = properties.get("deleteRetentionPolicy") or {}
    return {"expires": True, "days": min(days) + int(kept.get("days") or 0)}


def _is_whole(filters: Mapping[str, Any], container: str) -> bool:
    prefixes = filters.get("prefixMatch") or [""]
    whole = any(container == p.rstrip("/") or container.startswith(p) for p in prefixes)
    return whole and not filters.get("blobIndexMatch")


def _least(delete: Mapping[str, Any]) -> int | None:
    found = [int(delete[age]) for age in _AGES if delete.get(age) is not None]
    return min(found) if found else None


def scope_key(scope: str, answer: Mapping[str, Any]) -> tuple[str, bool] | Hidden:
    """(key, whether its version is pinned) of an encryption scope; "" is a key of Microsoft's."""
    hidden = told_or_hidden(answer)
    if hidden is not None:
        return hidden
    for one in answer.get("value", ()):
        if one["name"] == scope:
            uri = str((one["properties"].get("keyVaultProperties") or {}).get("keyUri") or "")
            if str(one["properties"].get("source", "")).lower() != "microsoft.keyvault":
                return "", False
            key, _, version = uri.partition("/keys/")
            name, _, pinned = version.partition("/")
            return f"{key}/keys/{name}", bool(pinned)
    return Hidden(GapReason.MISSING_OBJECT, f"there is no encryption scope {scope}")
