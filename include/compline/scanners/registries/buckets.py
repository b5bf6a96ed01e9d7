"""Who may reach a registry's bucket past the registry: asked of S3, read as data stores are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from compline.scanners.expectations.deadline import within
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.registries.aws import Access
from compline.scanners.registries.facts import CannotAsk
from compline.scanners.stores.s3.access import access_of

_SETTING = "scanners.registry-permissions.seconds"


class BucketHidden(Exception):
    """The bucket does not tell us; the message says what is missing and holds no secret."""


@dataclass(frozen=True)
class BucketFacts:
    """Who may reach one bucket."""

    name: str
    reached_by: Mapping[str, str] = field(default_factory=dict)
    """Principal (`*` for anybody, else ARN, account, canonical id, organisation, network or
    service) to `read`, `write` or `read and write`; the owner is left out."""


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

    def answers() -> tuple[Any, Any, Any]:
        return (
            told(client.get_bucket_policy, "NoSuchBucketPolicy"),
            told(client.get_bucket_acl, ""),
            told(client.get_public_access_block, "NoSuchPublicAccessBlockConfiguration"),
        )

    try:
        policy, acl, block = within(access.seconds, _SETTING, answers)
    except CannotCollect as error:
        raise BucketHidden(f"s3://{name}: {error}") from None
    return read(name, policy, acl, block)


def read(
    name: str, policy: Mapping[str, Any], acl: Mapping[str, Any], block: Mapping[str, Any]
) -> BucketFacts:
    """The facts in S3's answers.

    Raises:
        CannotAsk: an answer is of another shape.
    """
    answers = {
        "policy": policy or {"absent": "no policy"},
        # Asking for the store's own judgement of the policy would take one more right.
        "policy_status": {},
        "acl": acl,
        # Where access lists do not count, the store shows none but the owner's.
        "ownership": {},
        "public_access_block": block,
    }
    found: defaultdict[str, set[str]] = defaultdict(set)
    try:
        rows, untold = access_of(name, answers, {"account": "", "account_block": {}})
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CannotAsk(f"s3://{name}: its policy or ACL cannot be read") from None
    if untold is not None:
        raise CannotAsk(f"s3://{name}: {untold.why}")
    for row in rows:
        if row["effective"]:
            found[_who(row)].add(row["access"])
    return BucketFacts(name, {who: " and ".join(sorted(what)) for who, what in found.items()})


def _who(row: Mapping[str, Any]) -> str:
    if row["reach"] in ("public", "authenticated"):
        # Whoever has an account of the provider is as good as anybody.
        return "*"
    return str(row["names"][0] if row["names"] else row["grantee"])
