"""Whom a policy's `Principal` or an access list's grantee means. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from compline.scanners.stores.s3.identities import EVERYONE, Identity, identity_of_account

_ANY_ACCOUNT = Identity("authenticated", "everyone with an account of the provider")
_GROUPS = {
    "http://acs.amazonaws.com/groups/global/AllUsers": EVERYONE,
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": _ANY_ACCOUNT,
}
_ARN = re.compile(r"^arn:[a-z0-9-]+:(?:iam|sts):[^:]*:([^:]*):(.*)$")
_UNIQUE_ID = re.compile(r"^A[A-Z]{2}A[A-Z0-9]{12,}$")


def principals_of(statement: Mapping[str, Any], account: str, owner: str) -> Iterator[Identity]:
    """Everyone whom the statement speaks of, the own account as reach `own`.

    Raises:
        ValueError: the principal has a shape that policies do not have.
    """
    if "NotPrincipal" in statement:
        # Everyone but some, so everyone.
        yield EVERYONE
        return
    principal = statement.get("Principal")
    if principal == "*":
        yield EVERYONE
        return
    if not isinstance(principal, Mapping):
        raise ValueError("a statement has no principal")  # noqa: TRY004 - said by the policy
    for sort, value in principal.items():
        for name in value if isinstance(value, list) else [value]:
            yield _of(str(sort), str(name), account, owner)


def grantee_of(grantee: Mapping[str, Any], owner: str) -> Identity:
    """Whom an access list's grant means."""
    if grantee.get("Type") == "Group" or "URI" in grantee:
        uri = str(grantee.get("URI"))
        # Log delivery is the only other group: the provider's own.
        return _GROUPS.get(uri, Identity("own", uri))
    name = str(grantee.get("ID") or grantee.get("EmailAddress") or "?")
    return Identity("own" if owner and name == owner else "account", name, (name,))


def _of(sort: str, name: str, account: str, owner: str) -> Identity:
    if name == "*":
        return EVERYONE
    if sort == "Service":
        return Identity("service", name, (name,))
    if sort == "CanonicalUser":
        return Identity("own" if owner and name == owner else "account", name, (name,))
    if sort != "AWS":
        return Identity("account", f"{sort.lower()} {name}", (name,))
    arn = _ARN.match(name)
    if arn is None:
        # What stands in a policy for a role or user that has been deleted lets in nobody.
        if _UNIQUE_ID.match(name):
            return Identity("own", name)
        return identity_of_account(name, account)
    if arn[1] == "cloudfront":
        return Identity("service", arn[2], (name, "cloudfront.amazonaws.com"))
    if not arn[1] and not account:
        # Compatible stores have users without accounts (arn:aws:iam:::user/etl): their own.
        return Identity("own", name, (name,))
    own = identity_of_account(arn[1], account)
    return Identity(own.reach, name, (name, arn[1]))
