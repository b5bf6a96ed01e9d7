"""Which conditions of a policy's statement confine it, and to whom. Pure.

A key confines only where the request is sure to have it and a caller cannot choose it: not a
referrer or a user agent. `...IfExists` and `ForAllValues:` hold for requests that lack the key,
so they confine nothing; in a denial it is the other way round.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from compline.scanners.stores.s3.identities import Identity, identity_of_account

_ACCOUNTS = frozenset(
    {"aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "s3:dataaccesspointaccount"}
)
_ORGANISATIONS = frozenset(
    {"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths",
     "aws:vpceorgid", "aws:vpceorgpaths"}
)  # fmt: skip
_ARNS = frozenset({"aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn"})
_NETWORKS = frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:vpceaccount"})
_ADDRESS = "aws:sourceip"
_OWN = "${aws:ResourceAccount}"

_EQUAL = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"}
)
_UNEQUAL = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
}
_PATTERNS = frozenset({"stringlike", "arnlike", "arnequals"})
_BROADEST = {4: 8, 6: 32}
"""Fewest bits of a network that AWS itself does not call public."""


def confined_by(
    condition: Mapping[str, Any], account: str, *, denied: bool = False
) -> tuple[Identity, ...]:
    """Whom a condition leaves; empty where it confines nobody.

    Args:
        condition: of an allowing statement, or with `denied` of one that denies to everyone.
        account: id of the own account.
        denied: then the condition must say who is *not* denied, in each of its parts, since
            only who fits all parts is denied.
    """
    fences: list[tuple[Identity, ...]] = []
    for operator, keys in condition.items():
        for key, value in keys.items() if isinstance(keys, Mapping) else ():
            values = [str(v) for v in (value if isinstance(value, list) else [value])]
            fence = _fence(operator.lower(), key.lower(), values, account, denied=denied)
            if fence:
                fences.append(fence)
            elif denied:
                return ()
    if denied:
        return tuple(one for fence in fences for one in fence)
    return min(fences, key=lambda f: (any(one.reach != "own" for one in f), len(f)), default=())


def is_plain_transport(condition: Mapping[str, Any]) -> bool:
    """Whether this is the condition of requests without TLS, of them all and of nothing else."""
    if len(condition) != 1:
        return False
    ((operator, keys),) = condition.items()
    if operator.lower() not in ("bool", "boolifexists") or not isinstance(keys, Mapping):
        return False
    if len(keys) != 1:
        return False
    ((key, value),) = keys.items()
    values = value if isinstance(value, list) else [value]
    return key.lower() == "aws:securetransport" and [str(v).lower() for v in values] == ["false"]


def _fence(
    operator: str, key: str, values: list[str], account: str, *, denied: bool
) -> tuple[Identity, ...]:
    if denied:
        if operator == "bool" and key in ("aws:principalisawsservice", "aws:viaawsservice"):
            return (Identity("own", "services of the provider"),) if values == ["false"] else ()
        operator = operator.removesuffix("ifexists").removeprefix("forallvalues:")
        plain = _UNEQUAL.get(operator, "")
    else:
        plain = operator.removeprefix("foranyvalue:")
    if plain not in _EQUAL:
        return ()
    identities = [_identity(plain, key, value, account) for value in values]
    # One value that confines nobody lets everybody in, since any of them is enough.
    return tuple(one for one in identities if one) if all(identities) else ()


def _identity(operator: str, key: str, value: str, account: str) -> Identity | None:
    if key == _ADDRESS:
        return _network(value)
    if key in _ACCOUNTS and value == _OWN:
        return Identity("own", "the own account")
    if "${" in value:
        return None
    open_ended = operator in _PATTERNS and re.search(r"[*?]", value)
    if key in _ARNS:
        return _of_arn(value, account, open_ended=bool(open_ended))
    if key in _ORGANISATIONS:
        organisation = value.split("/")[0]
        if re.search(r"[*?]", organisation):
            return None
        return Identity("organisation", f"organisation {value}", (value, organisation))
    if open_ended:
        return None
    if key in _ACCOUNTS:
        return identity_of_account(value, account)
    if key in _NETWORKS:
        return Identity("network", value, (value,))
    return None


def _of_arn(value: str, account: str, *, open_ended: bool) -> Identity | None:
    parts = value.split(":", 5)
    if len(parts) < 6:
        return None
    if not parts[4] or (open_ended and re.search(r"[*?]", parts[4])):
        # Names of buckets have no account, yet there is but one of each.
        if parts[2] == "s3" and not parts[4] and not re.search(r"[*?]", parts[5].split("/")[0]):
            return Identity("account", value, (value,))
        return None
    own = identity_of_account(parts[4], account)
    return Identity(own.reach, value, (value, parts[4]))


def _network(value: str) -> Identity | None:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None
    if network.prefixlen < _BROADEST[network.version]:
        return None
    return Identity("network", value, (value,))
