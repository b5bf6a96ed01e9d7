"""Turns an object store into the frames that the suites of all object stores speak of. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from compline.model import Gap, GapReason
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.services import one_line
from compline.scanners.stores.object_stores.facts import Bucket, Hidden, Row, Store

_OF_BUCKETS: Mapping[str, Sequence[str]] = {
    "encryption": ("encrypted", "algorithm", "key", "own_key", "needs_own_key", "declared"),
    "public_access": ("blocked", "open_ways"),
    "access": ("grantee", "reach", "access", "via", "condition", "effective", "declared"),
    "access_lists": ("disabled",),
    "transport": ("tls_only", "reason"),
    "versions": ("versioned", "required"),
    "locks": ("locked", "mode", "days", "required"),
    "logging": ("logged", "target"),
    "lifecycle": ("expires", "days", "required"),
    "objects": ("object", "encrypted", "algorithm", "key", "own_key", "needs_own_key"),
}
"""Columns behind `bucket` and `classification`."""

_PLACES = {
    "encryption": "encryption",
    "public_access": "public-access",
    "access": "access/",
    "access_lists": "access-lists",
    "transport": "transport",
    "versions": "versioning",
    "locks": "object-lock",
    "logging": "access-log",
    "lifecycle": "lifecycle",
    "objects": "objects",
    "classification": "classification",
    "": "",
}
"""Where, below `bucket/NAME/`, the findings of a frame are, which is what a gap in it covers."""

_REQUIRED_BY = {
    "versions": ("required", "versioned_classes"),
    "locks": ("required", "locked_classes"),
    "lifecycle": ("required", "expiring_classes"),
    "encryption": ("needs_own_key", "own_key_classes"),
    "objects": ("needs_own_key", "own_key_classes"),
}
"""The column that says whether the policy asks this of the bucket's classes."""


def inventory_of(store: Store, policy: Mapping[str, Any]) -> Inventory:
    """The store's frames; `policy` is what the common suite's parameters are bound to.

    Raises:
        CannotCollect: the store told nothing of any bucket.
    """
    _check_told(store.buckets)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _OF_BUCKETS}
    for bucket in store.buckets:
        for name, told in bucket.aspects.items():
            rows[name] += [_row(name, bucket, row, policy) for row in told]
    frames = {
        name: frame_of(("bucket", "classification", *columns), rows[name])
        for name, columns in _OF_BUCKETS.items()
    }
    frames["buckets"] = frame_of(("bucket", "classification"), map(_head, store.buckets))
    frames["keys"] = frame_of(("key", "enabled", "rotated", "detail"), store.keys)
    connection = {"endpoint": store.endpoint, "transport": _transport(store.endpoint)}
    frames["connection"] = frame_of(("endpoint", "transport"), [connection])
    for name, told in store.others.items():
        frames[name] = frame_of(store.columns[name], told)
    return Inventory(frames=frames, gaps=tuple(_gaps(store)))


def _transport(endpoint: str) -> str:
    address = urlsplit(endpoint)
    if address.scheme == "https":
        return "tls"
    host = address.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    return "loopback" if loopback else "plain"


def _check_told(buckets: Sequence[Bucket]) -> None:
    """An account that may ask nothing has not looked."""
    if buckets and not any(bucket.aspects for bucket in buckets):
        why = next((hidden.why for b in buckets for hidden in b.hidden.values()), "")
        raise CannotCollect(f"the store told nothing of any of {len(buckets)} buckets: {why}")


def _head(bucket: Bucket) -> dict[str, Any]:
    return {"bucket": bucket.name, "classification": " ".join(bucket.classes)}


def _row(name: str, bucket: Bucket, row: Row, policy: Mapping[str, Any]) -> dict[str, Any]:
    result = {**_head(bucket), **row}
    if name in _REQUIRED_BY:
        column, parameter = _REQUIRED_BY[name]
        result[column] = not set(bucket.classes).isdisjoint(policy.get(parameter) or ())
    if name == "access":
        result["declared"] = is_declared(row["names"], policy.get("allowed_accounts") or ())
    if name == "encryption":
        result["declared"] = is_declared((row["key"],), policy.get("keys") or ())
    if name == "logging" and policy.get("access_logged_elsewhere"):
        result.update(logged=True, target=row["target"] or "elsewhere, says the policy")
    return result


def is_declared(names: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether one of the names (an account, its ARN, ...) fits one of the policy's patterns."""
    return any(fnmatchcase(name, pattern) for name in names if name for pattern in patterns)


def _gaps(store: Store) -> Iterator[Gap]:
    for bucket in store.buckets:
        for name, hidden in bucket.hidden.items():
            yield _gap(f"bucket/{bucket.name}/{_PLACES[name]}", hidden)
    for key, hidden in store.hidden_keys.items():
        yield _gap(f"key/{key}", hidden)
    for place, hidden in store.hidden_places.items():
        yield _gap(place, hidden)


def _gap(place: str, hidden: Hidden) -> Gap:
    return Gap(hidden.reason, place, one_line(hidden.why))


def told_or_hidden(answer: Mapping[str, Any]) -> Hidden | None:
    """What a recorded answer says instead of an answer (`refused`, `unsupported`, `missing`)."""
    for word, reason in (
        ("refused", GapReason.FORBIDDEN),
        ("unsupported", GapReason.UNSUPPORTED),
        ("missing", GapReason.MISSING_OBJECT),
    ):
        if word in answer:
            return Hidden(reason, str(answer[word]))
    return None
