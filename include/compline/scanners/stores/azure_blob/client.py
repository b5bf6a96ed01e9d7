"""Asks the blobs of an Azure storage account, reading only, for what its inventory is made of.

Calls: a list for each 1,000 containers (one call per container where the configuration lists
them) and one for the service; per container its access policy and at most `LISTED_PAGES` lists of
blobs; those of Resource Manager are told in management.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from azure.core.credentials import TokenCredential
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

from compline.config.secrets import AMBIENT
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.azure_blob.errors import is_an_answer, translated
from compline.scanners.stores.azure_blob.management import SCOPE, ask_management, untold
from compline.scanners.stores.object_stores import facts
from compline.scanners.stores.object_stores.calls import (
    Missing,
    Patience,
    Refused,
    Unsupported,
    answer_or_why,
    each,
)

_PAGE = 1000
_SOCKET_SECONDS = 20
_Answer = TypeVar("_Answer")


class AzureBlobClient:
    """One storage account."""

    def __init__(self, asked: Asked) -> None:
        settings = asked.target.settings
        self.url = asked.text("account_url").rstrip("/")
        self.patience = Patience(asked.seconds)
        self._resource = str(settings.get("resource_id") or "")
        self._management = str(settings.get("management_url") or "https://management.azure.com")
        options: dict[str, Any] = {
            # Tries are our own: they know Retry-After and our end.
            "retry_total": 0,
            "permit_redirects": False,
            "raw_response_hook": is_an_answer,
            "connection_timeout": min(10, max(1, int(asked.seconds))),
            "read_timeout": min(_SOCKET_SECONDS, max(1, int(asked.seconds))),
        }
        self._token: TokenCredential | None = None
        credential = _credential(asked)
        if isinstance(credential, str):
            self._client = _of_connection_string(credential, self.url, options)
        else:
            self._token = credential
            self._client = BlobServiceClient(self.url, credential=credential, **options)

    def answers(self, wanted: Sequence[str]) -> dict[str, Any]:
        """Every answer; `wanted` are the containers to ask about, none meaning all there are.

        Raises:
            CannotCollect: no connection, no right at all, a time-out, an answer that broke off.
        """
        places: dict[str, tuple[str, str]] = {}
        service = self._answer("service properties", self._service)
        if wanted:
            told = each(wanted, self._settings, self.patience)
            containers = dict(zip(wanted, told, strict=True))
        else:
            containers = facts.at_most(self._listed(), "containers", places)
        names = list(containers)
        rest = each(names, lambda name: self._container(name, containers[name]), self.patience)
        return {
            "endpoint": "{0.scheme}://{0.netloc}".format(urlsplit(self.url)),
            "account": str(self._client.account_name),
            "service": service,
            "management": self._managed(),
            "buckets": dict(zip(names, rest, strict=True)),
            "places": places,
        }

    def _managed(self) -> dict[str, dict[str, Any]]:
        token = self._token
        if token is None or not self._resource:
            return untold(
                "only Azure Resource Manager tells this: configure `resource_id`, and an "
                "application or `ambient` as the credential"
            )

        def bearer() -> str:
            with translated("token"):
                return token.get_token(SCOPE).token

        return ask_management(self._management, self._resource, bearer, self.patience)

    def _service(self) -> dict[str, Any]:
        logging: Any = self._client.get_service_properties()["analytics_logging"]
        names = ("read", "write", "delete")
        return {"analytics_logging": {name: bool(getattr(logging, name)) for name in names}}

    def _listed(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        token: str | None = None
        while True:
            try:
                page, following = self._ask("list of containers", partial(self._page, token))
            except (Refused, Unsupported, Missing) as error:
                raise CannotCollect(str(error)) from None
            found |= page
            if not following:
                return found
            if following == token:
                raise CannotCollect("the list of containers goes in circles")
            token = following

    def _page(self, token: str | None) -> tuple[dict[str, dict[str, Any]], str | None]:
        pages = self._client.list_containers(include_metadata=True, results_per_page=_PAGE).by_page(
            token
        )
        found = {str(item["name"]): _plain(item) for item in next(pages, ())}
        return found, pages.continuation_token  # type: ignore[attr-defined]

    def _settings(self, name: str) -> dict[str, Any]:
        container = self._client.get_container_client(name)
        return self._answer(
            f"container {name}", lambda: _plain(container.get_container_properties())
        )

    def _container(self, name: str, properties: dict[str, Any]) -> dict[str, Any]:
        if "name" not in properties:
            return {"properties": properties}
        container = self._client.get_container_client(name)

        def policy() -> dict[str, Any]:
            told: Any = container.get_container_access_policy()
            return {"identifiers": [_identifier(one) for one in told["signed_identifiers"]]}

        return {
            "properties": properties,
            "access_policy": self._answer(f"access policy of {name}", policy),
            "objects": self._answer(f"blobs of {name}", lambda: self._objects(container, name)),
        }

    def _objects(self, container: Any, name: str) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        token: str | None = None
        for _ in range(facts.LISTED_PAGES):
            pages = container.list_blobs(results_per_page=_PAGE).by_page(token)
            for item in self._ask(f"blobs of {name}", partial(_next, pages)):
                found[str(item.name)] = {
                    "server_encrypted": bool(item.server_encrypted),
                    "encryption_scope": item.encryption_scope,
                }
            following = pages.continuation_token
            if not following:
                break
            if following == token:
                raise CannotCollect(f"the list of blobs of {name} goes in circles")
            token = str(following)
        return {"sampled": {one: found[one] for one in facts.sample(name, found)}}

    def _answer(self, what: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """An answer, or what it was instead."""
        return answer_or_why(lambda: self._ask(what, call))

    def _ask(self, what: str, call: Callable[[], _Answer]) -> _Answer:
        def once() -> _Answer:
            with translated(what):
                return call()

        return self.patience.ask(once)


def _next(pages: Any) -> list[Any]:
    return list(next(pages, ()))


def _plain(properties: Any) -> dict[str, Any]:
    kept = ("name", "public_access", "has_immutability_policy", "encryption_scope", "metadata")
    told = {key: properties.get(key) for key in kept}
    scope = told["encryption_scope"]
    told["encryption_scope"] = getattr(scope, "default_encryption_scope", None)
    return told


def _identifier(identifier: Any) -> dict[str, Any]:
    policy = identifier.access_policy
    return {
        "id": identifier.id,
        "permission": str(policy.permission or "") if policy else "",
        "expiry": str(policy.expiry) if policy and policy.expiry else "",
    }


def _credential(asked: Asked) -> str | TokenCredential:
    """A connection string, or what gives out tokens."""
    if asked.target.settings.get("credential") == AMBIENT:
        return DefaultAzureCredential(exclude_interactive_browser_credential=True)
    secret = asked.secret("credential").strip()
    if not secret.startswith("{"):
        return secret
    try:
        given: Mapping[str, str] = json.loads(secret)
        return ClientSecretCredential(
            given["tenant_id"], given["client_id"], given["client_secret"]
        )
    except (ValueError, KeyError, TypeError):
        raise CannotCollect(
            "the credential must be a connection string, or JSON with tenant_id, client_id and "
            "client_secret"
        ) from None


def _of_connection_string(text: str, url: str, options: Mapping[str, Any]) -> BlobServiceClient:
    try:
        client = BlobServiceClient.from_connection_string(text, **options)
    except (ValueError, KeyError):
        raise CannotCollect("the credential is not a connection string of Azure Storage") from None
    if client.url.rstrip("/") != url:
        raise CannotCollect("the connection string is for another account than account_url")
    return client
