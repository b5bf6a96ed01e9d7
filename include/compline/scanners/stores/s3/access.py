"""Who reaches a bucket: its policy, its access list and the public access block together. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from compline.model import GapReason
from compline.scanners.stores.object_stores.facts import Hidden, Row
from compline.scanners.stores.object_stores.frames import told_or_hidden
from compline.scanners.stores.s3.identities import EVERYONE
from compline.scanners.stores.s3.policies import Grant, grants_of
from compline.scanners.stores.s3.principals import grantee_of

_WAYS = {
    "BlockPublicAcls": "new public access lists are accepted",
    "IgnorePublicAcls": "public access lists count",
    "BlockPublicPolicy": "new public policies are accepted",
    "RestrictPublicBuckets": "public policies let strangers in",
}
_PUBLIC = ("public", "authenticated")


def open_ways_of(bucket: Mapping[str, Any], account: Mapping[str, Any]) -> list[str] | Hidden:
    """In which ways the bucket could become public; the account's block counts as the bucket's.

    What is hidden matters only where the other does not block everything by itself.
    """
    ways = [way for name, way in _WAYS.items() if not _blocks(name, bucket, account)]
    untold = told_or_hidden(bucket) or told_or_hidden(account)
    return untold if ways and untold is not None else ways


def access_of(
    name: str, answer: Mapping[str, Mapping[str, Any]], answers: Mapping[str, Any]
) -> tuple[list[Row], Hidden | None]:
    """The rows of everybody besides the own account, and what could not be seen of them."""
    owner = str(answer["acl"].get("Owner", {}).get("ID", ""))
    block, account = answer["public_access_block"], answers["account_block"]
    untold = told_or_hidden(answer["policy"]) or told_or_hidden(answer["acl"])
    if untold is None and "Grants" not in answer["acl"]:
        untold = Hidden(GapReason.UNPARSED, "the bucket's access list is not understood")
    grants: list[tuple[Grant, bool]] = []
    if told_or_hidden(answer["policy"]) is None:
        restricted = _blocks("RestrictPublicBuckets", block, account)
        try:
            found = list(_of_policy(name, answer, str(answers["account"]), owner))
        except ValueError:
            untold = Hidden(GapReason.UNPARSED, "the bucket policy is not understood")
        else:
            grants += [(grant, not restricted) for grant in found]
    if not acls_are_off(answer["ownership"]):
        ignored = _blocks("IgnorePublicAcls", block, account)
        grants += [(grant, not ignored) for grant in _of_list(answer["acl"], owner)]
    rows: list[Row] = [
        {
            "grantee": grant.who.name,
            "reach": grant.who.reach,
            "access": grant.access,
            "via": grant.via,
            "condition": grant.condition,
            "effective": counts or grant.who.reach not in _PUBLIC,
            "names": grant.who.names,
        }
        for grant, counts in grants
        if grant.who.reach != "own"
    ]
    return rows, untold


def _of_policy(
    name: str, answer: Mapping[str, Mapping[str, Any]], account: str, owner: str
) -> Iterator[Grant]:
    if "absent" in answer["policy"]:
        return
    found = grants_of(json.loads(answer["policy"]["Policy"]), name, account, owner)
    yield from found
    status = answer["policy_status"].get("PolicyStatus", {})
    # The store's own judgement counts where it is stricter than our reading.
    if status.get("IsPublic") and not any(grant.who.reach in _PUBLIC for grant in found):
        yield Grant(EVERYONE, "read", "the policy, as the store itself judges it")


def _of_list(acl: Mapping[str, Any], owner: str) -> Iterator[Grant]:
    for grant in acl.get("Grants", ()):
        permission = str(grant["Permission"])
        who = grantee_of(grant["Grantee"], owner)
        if permission in ("READ", "READ_ACP", "FULL_CONTROL"):
            yield Grant(who, "read", f"the access list ({permission})")
        if permission in ("WRITE", "WRITE_ACP", "FULL_CONTROL"):
            yield Grant(who, "write", f"the access list ({permission})")


def acls_are_off(ownership: Mapping[str, Any]) -> bool:
    """Whether the bucket's object ownership makes access lists count for nothing."""
    rules = ownership.get("OwnershipControls", {}).get("Rules", ())
    return any(rule["ObjectOwnership"] == "BucketOwnerEnforced" for rule in rules)


def _blocks(name: str, bucket: Mapping[str, Any], account: Mapping[str, Any]) -> bool:
    return any(
        bool(one.get("PublicAccessBlockConfiguration", {}).get(name)) for one in (bucket, account)
    )
