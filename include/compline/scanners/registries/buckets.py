"""Who may reach a bucket: its policy and ACL, read from S3 and judged here. Parsing is pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from compline.scanners.registries.aws import Access
from compline.scanners.registries.facts import CannotAsk

_EVERYBODY = {
    "http://acs.amazonaws.com/groups/global/AllUsers": "*",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": "*",
}
"""Whoever has an account of AWS is as good as anybody."""
_READS = ("s3:get", "s3:list")
_WRITES = ("s3:put", "s3:delete", "s3:abort", "s3:replicate", "s3:restore")


class BucketHidden(Exception):
    """The bucket does not tell us; the message says what is missing and holds no secret."""


@dataclass(frozen=True)
class BucketFacts:
    """Who may reach one bucket."""

    name: str
    reached_by: Mapping[str, str] = field(default_factory=dict)
    """Principal (`*` for anybody, else ARN, account or canonical id) to `read`, `write` or
    `read and write`; the owner is left out."""


def ask(name: str, access: Access) -> BucketFacts:
    """The bucket's policy, ACL and public access block, by reading calls.

    Raises:
        BucketHidden: it refuses, or does not answer in time.
        CannotAsk: its answer, or the credential, cannot be read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = access.client("s3")

    def told(call: Callable[..., Any], absent: str) -> Any:
        try:
            return call(Bucket=name)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == absent:
                return {}
            raise BucketHidden(f"{call.__name__} of s3://{name}: {code[:80]}") from None
        except BotoCoreError as error:
            raise BucketHidden(f"s3://{name}: {type(error).__name__}") from None

    return read(
        name,
        told(client.get_bucket_policy, "NoSuchBucketPolicy"),
        told(client.get_bucket_acl, ""),
        told(client.get_public_access_block, "NoSuchPublicAccessBlockConfiguration"),
    )


def read(
    name: str, policy: Mapping[str, Any], acl: Mapping[str, Any], block: Mapping[str, Any]
) -> BucketFacts:
    """The facts in S3's answers.

    Raises:
        CannotAsk: an answer is of another shape.
    """
    closed = block.get("PublicAccessBlockConfiguration") or {}
    found: defaultdict[str, set[str]] = defaultdict(set)
    try:
        for who, what in _granted(acl):
            if who != "*" or not closed.get("IgnorePublicAcls"):
                found[who] |= what
        for who, what in _allowed(policy):
            if who != "*" or not closed.get("RestrictPublicBuckets"):
                found[who] |= what
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CannotAsk(f"s3://{name}: its policy or ACL cannot be read") from None
    return BucketFacts(
        name, {who: " and ".join(sorted(what)) for who, what in found.items() if what}
    )


def _granted(acl: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    owner = acl["Owner"]["ID"]
    for grant in acl["Grants"]:
        grantee, permission = grant["Grantee"], grant["Permission"]
        who = _EVERYBODY.get(grantee.get("URI", "")) or grantee.get("ID") or grantee.get("URI", "")
        if who != owner and who:
            reads = {"read"} if permission in ("READ", "FULL_CONTROL") else set()
            writes = {"write"} if permission in ("WRITE", "WRITE_ACP", "FULL_CONTROL") else set()
            yield who, reads | writes


def _allowed(answer: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Of Allow statements; a condition may narrow one, which nobody here can tell."""
    if not answer:
        return
    for statement in _many(json.loads(answer["Policy"])["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        actions = [str(action).lower() for action in _many(statement.get("Action", "s3:*"))]
        what = {
            word
            for word, prefixes in (("read", _READS), ("write", _WRITES))
            if any(_reaches(action, prefixes) for action in actions)
        }
        principal = statement.get("Principal", "*")
        named = principal if isinstance(principal, str) else principal.get("AWS", ())
        for who in _many(named):
            yield str(who), what


def _reaches(action: str, prefixes: tuple[str, ...]) -> bool:
    if action in ("*", "s3:*"):
        return True
    bare = action.rstrip("*")
    return any(action.startswith(prefix) or prefix.startswith(bare) for prefix in prefixes)


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
