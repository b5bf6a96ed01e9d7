"""Asks S3, reading only, for what its inventory is made of.

Calls per bucket: 11 settings (one more for a policy on AWS), at most `LISTED_PAGES` lists and
`SAMPLED` heads; per key 2; per account a list for each 1,000 buckets and, on AWS, 2.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from compline.model import GapReason
from compline.scanners.expectations.collector import Asked
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.object_stores import facts
from compline.scanners.stores.object_stores.calls import (
    Missing,
    Patience,
    Refused,
    Unsupported,
    each,
)
from compline.scanners.stores.s3.errors import is_an_answer, translated
from compline.scanners.stores.s3.session import bounded, is_aws, session_of

QUESTIONS: Mapping[str, str] = {
    "encryption": "get_bucket_encryption",
    "public_access_block": "get_public_access_block",
    "policy": "get_bucket_policy",
    "acl": "get_bucket_acl",
    "ownership": "get_bucket_ownership_controls",
    "versioning": "get_bucket_versioning",
    "lock": "get_object_lock_configuration",
    "logging": "get_bucket_logging",
    "lifecycle": "get_bucket_lifecycle_configuration",
    "tagging": "get_bucket_tagging",
}
MOST_KEYS = 200
_PAGE = 1000


class S3Client:
    """One store and one account in it."""

    def __init__(self, asked: Asked) -> None:
        settings = asked.target.settings
        self.endpoint = str(settings.get("endpoint_url") or "")
        self.region = str(settings.get("region") or "us-east-1")
        self.aws = not self.endpoint or is_aws(self.endpoint)
        self.patience = Patience(asked.seconds)
        self._settings = settings
        self._session = session_of(asked)
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def answers(self, wanted: Sequence[str]) -> dict[str, Any]:
        """Every answer; `wanted` are the buckets to ask about, none meaning all there are.

        Raises:
            CannotCollect: no connection, no right at all, a time-out, an answer that broke off.
        """
        regions: dict[str, str] = dict.fromkeys(wanted, "")
        places: dict[str, tuple[str, str]] = {}
        if not wanted:
            regions = facts.at_most(self._listed(), "buckets", places)
        account = self._account()
        names = list(regions)
        told = each(names, lambda name: self._bucket(name, regions[name]), self.patience)
        buckets = dict(zip(names, told, strict=True))
        keys = self._keys(buckets)
        for key in keys[MOST_KEYS:]:
            places[f"key/{key[0]}"] = (GapReason.TOO_MANY.value, f"more than {MOST_KEYS} keys")
        described = each(keys[:MOST_KEYS], self._key, self.patience)
        return {
            "aws": self.aws,
            "endpoint": self.endpoint or f"https://s3.{self.region}.amazonaws.com",
            "account": account,
            "account_block": self._account_block(account),
            "buckets": buckets,
            "keys": dict(zip((key for key, _ in keys[:MOST_KEYS]), described, strict=True)),
            "places": places,
        }

    def _listed(self) -> dict[str, str]:
        """Region by bucket, of all that the account has; empty where untold."""
        regions: dict[str, str] = {}
        token: dict[str, str] = {}
        while True:
            page = self._must("list_buckets", MaxBuckets=_PAGE, **token)
            found = page.get("Buckets", ())
            regions |= {str(one["Name"]): str(one.get("BucketRegion") or "") for one in found}
            following = page.get("ContinuationToken")
            if not following:
                break
            if following == token.get("ContinuationToken"):
                raise CannotCollect("the list of buckets goes in circles")
            token = {"ContinuationToken": str(following)}
        if not token and len(regions) >= _PAGE:
            # A compatible store may cut the list and give no way to go on: asked in one piece then.
            whole = self._must("list_buckets").get("Buckets", ())
            regions = {str(one["Name"]): "" for one in whole} | regions
        return regions

    def _account(self) -> str:
        declared = str(self._settings.get("account") or "")
        if declared or not self.aws:
            return declared
        client = self._client("sts")
        return str(self._ask("sts", lambda: client.get_caller_identity())["Account"])

    def _account_block(self, account: str) -> dict[str, Any]:
        if not self.aws or not account:
            return {"absent": "no such setting"}
        client = self._client("s3control")
        return self._answer(
            "account's public access block",
            lambda: client.get_public_access_block(AccountId=account),
        )

    def _bucket(self, name: str, region: str) -> dict[str, Any]:
        client = self._client("s3", region)
        answers: dict[str, Any] = {}
        try:
            for question, operation in QUESTIONS.items():
                call = getattr(client, operation)
                answers[question] = self._answer(operation, partial(call, Bucket=name))
            asks = self.aws and "Policy" in answers["policy"]
            answers["policy_status"] = (
                self._answer("policy", lambda: client.get_bucket_policy_status(Bucket=name))
                if asks
                else {"absent": "no policy"}
            )
            answers["objects"] = self._objects(client, name)
        except Missing:
            return {"whole": {"missing": f"there is no bucket {name}"}}
        # Whoever asks for the region of a bucket elsewhere is told by a redirect, once a client.
        answers["region"] = region
        return answers

    def _objects(self, client: Any, bucket: str) -> dict[str, Any]:
        names: list[str] = []
        token: dict[str, str] = {}
        try:
            for _ in range(facts.LISTED_PAGES):
                page = self._ask(
                    f"objects of {bucket}",
                    partial(client.list_objects_v2, Bucket=bucket, MaxKeys=_PAGE, **token),
                )
                names += [str(item["Key"]) for item in page.get("Contents", ())]
                if not page.get("IsTruncated"):
                    break
                following = str(page.get("NextContinuationToken") or "")
                if not following or following == token.get("ContinuationToken"):
                    raise CannotCollect(f"the list of objects of {bucket} breaks off")
                token = {"ContinuationToken": following}
        except Refused as error:
            return {"refused": str(error)}
        answers: dict[str, Any] = {"sampled": {}}
        for name in facts.sample(bucket, names):
            try:
                head = self._ask("object", partial(_head, client, bucket, name))
            except Missing:
                continue  # deleted since it was listed
            except (Refused, Unsupported) as error:
                answers["partly"] = f"some objects: {error}"
                continue
            answers["sampled"][name] = head
        return answers

    def _keys(self, buckets: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
        """(key, region) of each that some bucket names."""
        found: dict[str, str] = {}
        for answer in buckets.values():
            rules = answer.get("encryption", {}).get("ServerSideEncryptionConfiguration", {})
            for rule in rules.get("Rules", ()):
                key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
                if key and not str(key).endswith("alias/aws/s3"):
                    parts = str(key).split(":")
                    found[str(key)] = parts[3] if len(parts) > 4 else str(answer["region"])
        return sorted(found.items())

    def _key(self, key: tuple[str, str]) -> dict[str, Any]:
        name, region = key
        if not self.aws and not self._settings.get("kms_endpoint_url"):
            return {"unsupported": "no kms_endpoint_url is configured, so the key cannot be asked"}
        client = self._client("kms", region)
        try:
            described = self._answer(f"key {name}", lambda: client.describe_key(KeyId=name))
        except Missing as error:
            return {"missing": str(error)}
        if "KeyMetadata" not in described:
            return described
        identifier = described["KeyMetadata"]["Arn"]
        rotation = self._answer(
            f"key {name}", lambda: client.get_key_rotation_status(KeyId=identifier)
        )
        return {"DescribeKey": described["KeyMetadata"], "GetKeyRotationStatus": rotation}

    def _answer(self, what: str, call: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """An answer, or what it was instead."""
        try:
            return self._ask(what, call)
        except Refused as error:
            return {"refused": str(error)}
        except Unsupported as error:
            return {"unsupported": str(error)}

    def _must(self, operation: str, **arguments: Any) -> dict[str, Any]:
        call = getattr(self._client("s3"), operation)
        try:
            return self._ask(operation, partial(call, **arguments))
        except (Refused, Unsupported, Missing) as error:
            raise CannotCollect(str(error)) from None

    def _ask(self, what: str, call: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        def once() -> dict[str, Any]:
            answer: dict[str, Any] = {}
            with translated(what) as absent:
                answer = _plain(call())
            return {"absent": absent.code} if absent.code else answer

        return self.patience.ask(once)

    def _client(self, service: str, region: str = "") -> Any:
        wanted = (service, region or self.region)
        with self._lock:
            if wanted not in self._clients:
                self._clients[wanted] = self._new_client(*wanted)
            return self._clients[wanted]

    def _new_client(self, service: str, region: str) -> Any:
        endpoint = {"s3": self.endpoint, "kms": self._settings.get("kms_endpoint_url")}
        made = self._session.client(
            service,
            region_name=region,
            endpoint_url=endpoint.get(service) or None,
            config=bounded(self.patience.left, path_style=bool(self.endpoint)),
            verify=str(self._settings["ca_file"]) if self._settings.get("ca_file") else None,
        )
        if service == "s3":
            made.meta.events.register("before-parse.s3", is_an_answer)
        return made


def _head(client: Any, bucket: str, name: str) -> dict[str, Any]:
    answer = client.head_object(Bucket=bucket, Key=name)
    kept = ("ServerSideEncryption", "SSEKMSKeyId", "SSECustomerAlgorithm")
    return {key: answer[key] for key in kept if answer.get(key)}


def _plain(value: Any) -> Any:
    """Plain JSON values, without the metadata of the call."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
