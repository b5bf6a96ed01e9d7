"""Asks Google Cloud Storage, reading only, for what its inventory is made of.

Calls: a list for each 1,000 buckets with all their settings (one call per bucket where the
configuration lists them); per bucket its IAM policy and at most `LISTED_PAGES` lists of objects;
one per key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from google.auth import default, exceptions
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage
from google.oauth2 import service_account

from compline.config.secrets import AMBIENT
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.gcs.errors import translated
from compline.scanners.stores.object_stores import facts
from compline.scanners.stores.object_stores.calls import (
    Missing,
    Patience,
    Refused,
    Unsupported,
    answer_or_why,
    each,
)

_STORAGE = "https://storage.googleapis.com"
_KMS = "https://cloudkms.googleapis.com"
_READING = ("https://www.googleapis.com/auth/cloud-platform.read-only",)
_KEYS = ("https://www.googleapis.com/auth/cloudkms",)
_PAGE = 1000
_SOCKET_SECONDS = 20.0
_Answer = TypeVar("_Answer")


class GcsClient:
    """One project's storage."""

    def __init__(self, asked: Asked) -> None:
        settings = asked.target.settings
        self.endpoint = str(settings.get("endpoint_url") or _STORAGE)
        self.project = asked.text("project")
        self.patience = Patience(asked.seconds)
        self._kms = str(settings.get("kms_endpoint_url") or "")
        if not self._kms and self.endpoint == _STORAGE:
            self._kms = _KMS
        self._asked = asked
        # Else the library asks for each bucket's metadata once more, beside our own calls.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        session = _session(asked, _READING)
        self._client = storage.Client(
            project=self.project,
            credentials=session.credentials,
            _http=session,
            # Given always, so that no variable of the environment leads elsewhere.
            client_options={"api_endpoint": self.endpoint},
        )

    def answers(self, wanted: Sequence[str]) -> dict[str, Any]:
        """Every answer; `wanted` are the buckets to ask about, none meaning all there are.

        Raises:
            CannotCollect: no connection, no right at all, a time-out, an answer that broke off.
        """
        places: dict[str, tuple[str, str]] = {}
        if wanted:
            told = each(wanted, self._settings, self.patience)
            buckets = dict(zip(wanted, told, strict=True))
        else:
            buckets = facts.at_most(self._listed(), "buckets", places)
        names = list(buckets)
        rest = each(names, lambda name: self._bucket(name, buckets[name]), self.patience)
        keys = sorted(
            {
                str(bucket["encryption"]["defaultKmsKeyName"])
                for bucket in buckets.values()
                if bucket.get("encryption", {}).get("defaultKmsKeyName")
            }
        )
        return {
            "endpoint": self.endpoint,
            "project": self.project,
            "buckets": dict(zip(names, rest, strict=True)),
            "keys": dict(zip(keys, self._described(keys), strict=True)),
            "places": places,
        }

    def _listed(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        token: str | None = None
        while True:
            try:
                page = self._ask("list of buckets", partial(self._page_of_buckets, token))
            except (Refused, Unsupported, Missing) as error:
                raise CannotCollect(str(error)) from None
            found |= {str(item["name"]): item for item in page.get("items", ())}
            following = page.get("nextPageToken")
            if not following:
                return found
            if following == token:
                raise CannotCollect("the list of buckets goes in circles")
            token = str(following)

    def _page_of_buckets(self, token: str | None) -> dict[str, Any]:
        return _raw(
            self._client.list_buckets(
                page_token=token, page_size=_PAGE, projection="full", timeout=self._timeout,
                retry=None,
            )
        )  # fmt: skip

    def _settings(self, name: str) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            bucket = self._client.bucket(name)
            bucket.reload(projection="full", timeout=self._timeout, retry=None)
            # The resource as the server gave it: its attributes do not tell unset from untold.
            return dict(bucket._properties)

        return self._answer(f"bucket {name}", ask)

    def _bucket(self, name: str, settings: dict[str, Any]) -> dict[str, Any]:
        if not settings.get("name"):
            return {"bucket": settings}

        def policy() -> dict[str, Any]:
            told = self._client.bucket(name).get_iam_policy(
                requested_policy_version=3, timeout=self._timeout, retry=None
            )
            if told.etag is None:
                # Every policy has one, so that nobody overwrites another's.
                raise ValueError("no policy")
            return {"bindings": [{**b, "members": sorted(b["members"])} for b in told.bindings]}

        return {
            "bucket": settings,
            "iam": self._answer(f"IAM policy of {name}", policy),
            "objects": self._objects(name),
        }

    def _objects(self, bucket: str) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        token: str | None = None
        for _ in range(facts.LISTED_PAGES):
            page = self._answer(
                f"objects of {bucket}", partial(self._page_of_objects, bucket, token)
            )
            if "refused" in page or "unsupported" in page or "missing" in page:
                return page
            found |= {str(item["name"]): item for item in page.get("items", ())}
            following = page.get("nextPageToken")
            if not following:
                break
            if following == token:
                raise CannotCollect(f"the list of objects of {bucket} goes in circles")
            token = str(following)
        kept = ("kmsKeyName", "customerEncryption")
        return {
            "sampled": {
                name: {key: found[name][key] for key in kept if found[name].get(key)}
                for name in facts.sample(bucket, found)
            }
        }

    def _page_of_objects(self, bucket: str, token: str | None) -> dict[str, Any]:
        return _raw(
            self._client.list_blobs(
                bucket, page_token=token, page_size=_PAGE, timeout=self._timeout, retry=None
            )
        )

    def _described(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        if not keys:
            return []
        if not self._kms:
            nowhere = "no kms_endpoint_url is configured, so the key cannot be asked"
            return [{"unsupported": nowhere} for _ in keys]
        session = _session(self._asked, _KEYS)

        def describe(key: str) -> dict[str, Any]:
            def ask() -> dict[str, Any]:
                answer = session.get(f"{self._kms}/v1/{key}", timeout=self._timeout)
                answer.raise_for_status()
                return dict(answer.json())

            return self._answer(f"key {key}", ask)

        return each(keys, describe, self.patience)

    @property
    def _timeout(self) -> float:
        return min(_SOCKET_SECONDS, max(1.0, self.patience.left))

    def _answer(self, what: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """An answer, or what it was instead."""
        return answer_or_why(lambda: self._ask(what, call))

    def _ask(self, what: str, call: Callable[[], _Answer]) -> _Answer:
        def once() -> _Answer:
            with translated(what):
                return call()

        return self.patience.ask(once)


def _raw(iterator: Any) -> dict[str, Any]:
    """The first page as the server gave it."""
    page = next(iter(iterator.pages), None)
    raw: Mapping[str, Any] = page.raw_page if page is not None else {}
    if "kind" not in raw:
        # Every list says what it is one of, also when it is empty.
        raise ValueError("no list")
    return {**raw, "nextPageToken": iterator.next_page_token}


def _session(asked: Asked, scopes: Sequence[str]) -> AuthorizedSession:
    session = AuthorizedSession(_credentials(asked, scopes))
    # Nothing is asked anywhere but where the configuration says.
    session.max_redirects = 0
    return session


def _credentials(asked: Asked, scopes: Sequence[str]) -> Any:
    if asked.target.settings.get("credential") == AMBIENT:
        try:
            return default(scopes=scopes)[0]
        except exceptions.DefaultCredentialsError:
            raise CannotCollect(
                "this machine has no Google identity of its own: name a credential"
            ) from None
    try:
        return service_account.Credentials.from_service_account_info(
            json.loads(asked.secret("credential")), scopes=scopes
        )
    except ValueError:
        # Not repeated: what does not parse may hold half a private key.
        raise CannotCollect("the credential must be the JSON of a service account's key") from None
