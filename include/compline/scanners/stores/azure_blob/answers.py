"""Turns Azure's recorded answers into what the common frames are made of. Pure.

Format: properties of containers and blobs as the Blob service's client gives them (see client.py),
and resources of Azure Resource Manager (Microsoft.Storage, version 2023-05-01) as they come; or
`{"refused": ...}` and its like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.azure_blob.management import lifecycle_of, scope_key
from compline.scanners.stores.object_stores.facts import (
    Bucket,
    Hidden,
    Row,
    Store,
    classes_of,
    places_of,
)
from compline.scanners.stores.object_stores.frames import told_or_hidden

Answer = Mapping[str, Any]
_ACCOUNT_COLUMNS = ("account", "tls_only", "tls", "anonymous_blocked", "network_open", "shared_key")
_CENTURY = 36_500
_ACCOUNT_PLACES = ("transport", "public-access", "network", "shared-key")


def store_of(
    answers: Mapping[str, Any],
    classes: Mapping[str, Sequence[str]],
    policy: Mapping[str, Any],
    now: datetime,
) -> Store:
    """The store; `classes` is what the configuration says of each container.

    Raises:
        CannotCollect: an answer is missing, or shaped otherwise than Azure gives it.
    """
    try:
        return _store(answers, classes, policy, now)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise CannotCollect(
            f"an answer of Azure's is not understood ({type(error).__name__})"
        ) from error


def _store(
    answers: Mapping[str, Any],
    classes: Mapping[str, Sequence[str]],
    policy: Mapping[str, Any],
    now: datetime,
) -> Store:
    account, management = str(answers["account"]), answers["management"]
    places = places_of(answers)
    others: dict[str, list[Row]] = {"account": [], "account_logging": [], "access_policies": []}
    untold = told_or_hidden(management["account"])
    if untold is None:
        others["account"].append(_account(account, management["account"]["properties"]))
    else:
        places |= {f"account/{account}/{place}": untold for place in _ACCOUNT_PLACES}
    untold = told_or_hidden(answers["service"])
    if untold is None or policy.get("access_logged_elsewhere"):
        logged = bool(policy.get("access_logged_elsewhere")) or _logs_all(answers["service"])
        others["account_logging"].append({"account": account, "logged": logged})
    else:
        places[f"account/{account}/access-log"] = untold
    days = min(int(policy.get("longest_policy_days") or 0), _CENTURY)
    longest = now + timedelta(days=days)
    buckets = []
    keys: dict[str, Row] = {}
    for name, answer in answers["buckets"].items():
        buckets.append(_bucket(name, answer, management, classes.get(name, ()), keys))
        untold = told_or_hidden(answer.get("access_policy", {}))
        if untold is not None:
            places[f"bucket/{name}/access-policy/"] = untold
        else:
            told = answer.get("access_policy", {}).get("identifiers", ())
            others["access_policies"] += (_policy(name, one, longest) for one in told)
    return Store(
        endpoint=str(answers["endpoint"]),
        buckets=buckets,
        keys=list(keys.values()),
        others=others,
        columns={
            "account": _ACCOUNT_COLUMNS,
            "account_logging": ("account", "logged"),
            "access_policies": ("bucket", "policy", "permissions", "expires", "long_lived"),
        },
        hidden_places=places,
    )


def _account(account: str, properties: Mapping[str, Any]) -> Row:
    version = str(properties.get("minimumTlsVersion", "TLS1_0"))
    https = bool(properties.get("supportsHttpsTrafficOnly"))
    rules = properties.get("networkAcls", {})
    reachable = str(properties.get("publicNetworkAccess", "Enabled")) == "Enabled"
    return {
        "account": account,
        "tls_only": https and version in ("TLS1_2", "TLS1_3"),
        "tls": f"secure transfer {'required' if https else 'not required'}, at least {version}",
        "anonymous_blocked": properties.get("allowBlobPublicAccess") is False,
        "network_open": reachable and rules.get("defaultAction", "Allow") == "Allow",
        # Unset means allowed.
        "shared_key": properties.get("allowSharedKeyAccess") is not False,
    }


def _logs_all(service: Mapping[str, Any]) -> bool:
    logging = service.get("analytics_logging", {})
    return all(bool(logging.get(what)) for what in ("read", "write", "delete"))


def _policy(bucket: str, identifier: Mapping[str, Any], longest: datetime) -> Row:
    expires = identifier.get("expiry")
    return {
        "bucket": bucket,
        "policy": str(identifier["id"]),
        "permissions": str(identifier.get("permission") or ""),
        "expires": str(expires or "it is removed"),
        "long_lived": not expires or datetime.fromisoformat(str(expires)) > longest,
    }


def _bucket(
    name: str,
    answer: Mapping[str, Any],
    management: Mapping[str, Mapping[str, Any]],
    declared: Sequence[str],
    keys: dict[str, Row],
) -> Bucket:
    properties = answer["properties"]
    gone = told_or_hidden(properties)
    if gone is not None:
        return Bucket(name, tuple(declared), hidden={"": gone})
    hidden: dict[str, Hidden] = {}
    aspects: dict[str, Sequence[Row]] = {"locks": [_lock(properties)]}
    aspects["access"] = list(_grants(properties, management["account"]))
    makers: dict[str, tuple[str, Callable[[Answer], Row | Hidden]]] = {
        "encryption": ("account", lambda told: _encryption(properties, told, management, keys)),
        "versions": ("blob_service", _versions),
        "lifecycle": ("lifecycle", lambda told: lifecycle_of(told, name, management)),
    }
    for aspect, (question, make) in makers.items():
        untold = told_or_hidden(management[question])
        made = untold if untold is not None else make(management[question])
        if isinstance(made, Hidden):
            hidden[aspect] = made
        else:
            aspects[aspect] = [made]
    untold = told_or_hidden(answer["objects"])
    if untold is None:
        aspects["objects"] = list(_objects(answer["objects"]))
    else:
        hidden["objects"] = untold
    metadata = properties.get("metadata") or {}
    tagged = next((v for k, v in metadata.items() if str(k).lower() == "classification"), "")
    return Bucket(name, tuple(declared) or classes_of(tagged), aspects, hidden)


def _lock(properties: Mapping[str, Any]) -> Row:
    held = bool(properties.get("has_immutability_policy"))
    return {"locked": held, "mode": "", "days": None}


def _grants(properties: Mapping[str, Any], account: Mapping[str, Any]) -> Iterator[Row]:
    level = properties.get("public_access")
    if level:
        blocked = account.get("properties", {}).get("allowBlobPublicAccess") is False
        yield {
            "grantee": "everyone",
            "reach": "public",
            "access": "read",
            "via": f"its public access level ({level})",
            "condition": "",
            "effective": not blocked,
            "names": (),
        }


def _versions(service: Mapping[str, Any]) -> Row:
    return {"versioned": bool(service["properties"].get("isVersioningEnabled"))}


def _encryption(
    properties: Mapping[str, Any],
    account: Mapping[str, Any],
    management: Mapping[str, Mapping[str, Any]],
    keys: dict[str, Row],
) -> Row | Hidden:
    scope = str(properties.get("encryption_scope") or "$account-encryption-key")
    if scope == "$account-encryption-key":
        encryption = account["properties"].get("encryption", {})
        vault = encryption.get("keyvaultproperties") or {}
        own = str(encryption.get("keySource", "")).lower() == "microsoft.keyvault"
        uri = str(vault.get("keyvaulturi", "")).rstrip("/")
        key, pinned = f"{uri}/keys/{vault.get('keyname', '')}", bool(vault.get("keyversion"))
    else:
        told = scope_key(scope, management["scopes"])
        if isinstance(told, Hidden):
            return told
        key, pinned = told
        own = bool(key)
    if own:
        detail = "its version is pinned" if pinned else "Azure follows the vault's newest version"
        keys[key] = {"key": key, "enabled": True, "rotated": not pinned, "detail": detail}
    return {
        "encrypted": True,
        "algorithm": "AES256",
        "key": key if own else "",
        "own_key": own,
    }


def _objects(answer: Mapping[str, Any]) -> Iterator[Row]:
    for name, told in answer["sampled"].items():
        yield {
            "object": name,
            "encrypted": bool(told.get("server_encrypted")),
            "algorithm": "AES256" if told.get("server_encrypted") else "",
            "key": str(told.get("encryption_scope") or ""),
            "own_key": None,  # a scope's name does not tell whose key it has
        }
