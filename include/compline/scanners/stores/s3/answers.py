"""Turns a store's recorded answers into what the common frames are made of. Pure.

An answer is what boto3 gives, without its metadata, or one of `{"absent": CODE}`,
`{"refused": ...}`, `{"unsupported": ...}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from compline.model import GapReason
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.object_stores.facts import (
    Bucket,
    Hidden,
    Row,
    Store,
    classes_of,
    places_of,
)
from compline.scanners.stores.object_stores.frames import told_or_hidden
from compline.scanners.stores.s3.access import access_of, acls_are_off, open_ways_of
from compline.scanners.stores.s3.policies import without_tls

Answer = Mapping[str, Any]
_OWN_KEYS = ("aws:kms", "aws:kms:dsse")


def store_of(answers: Mapping[str, Any], classes: Mapping[str, Sequence[str]]) -> Store:
    """The store; `classes` is what the configuration says of each bucket.

    Raises:
        CannotCollect: an answer is missing, or shaped otherwise than boto3 gives it.
    """
    try:
        keys, hidden_keys = _keys(answers["keys"])
        aliases = {
            name: str(answer["DescribeKey"]["KeyManager"])
            for name, answer in answers["keys"].items()
            if "DescribeKey" in answer
        }
        logs = {
            str(answer["logging"].get("LoggingEnabled", {}).get("TargetBucket", ""))
            for answer in answers["buckets"].values()
            if "logging" in answer
        }
        return Store(
            endpoint=str(answers["endpoint"]),
            buckets=[
                _bucket(name, answer, answers, classes.get(name, ()), aliases, logs)
                for name, answer in answers["buckets"].items()
            ],
            keys=keys,
            hidden_keys=hidden_keys,
            hidden_places=places_of(answers),
        )
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise CannotCollect(
            f"an answer of the store is not understood ({type(error).__name__})"
        ) from error


def _bucket(
    name: str,
    answer: Mapping[str, Answer],
    answers: Mapping[str, Any],
    declared: Sequence[str],
    managers: Mapping[str, str],
    logs: set[str],
) -> Bucket:
    gone = told_or_hidden(answer.get("whole", {}))
    if gone is not None:
        return Bucket(name, tuple(declared), hidden={"": gone})
    aspects: dict[str, Sequence[Row]] = {}
    hidden_by: dict[str, Hidden] = {}
    makers: dict[str, tuple[str, Callable[[Answer], Iterable[Row]]]] = {
        "encryption": ("encryption", lambda a: _encryption(a, answers["aws"], managers)),
        "versions": ("versioning", lambda a: [_versions(a)]),
        "locks": ("lock", lambda a: [_lock(a)]),
        "logging": ("logging", lambda a: [_logging(a, name in logs)]),
        "lifecycle": ("lifecycle", lambda a: [_lifecycle(a, answer["versioning"])]),
        "access_lists": ("ownership", lambda a: [{"disabled": acls_are_off(a)}]),
        "objects": ("objects", lambda a: _objects(a, managers)),
        "transport": ("policy", lambda a: [_transport(a, name)]),
    }
    for aspect, (question, make) in makers.items():
        hidden = told_or_hidden(answer[question])
        if hidden is None:
            try:
                aspects[aspect] = list(make(answer[question]))
            except ValueError:
                hidden = Hidden(GapReason.UNPARSED, f"the bucket's {question} is not understood")
        if hidden is not None:
            hidden_by[aspect] = hidden
    if "partly" in answer["objects"]:
        hidden_by["objects"] = Hidden(GapReason.FORBIDDEN, str(answer["objects"]["partly"]))
    ways = open_ways_of(answer["public_access_block"], answers["account_block"])
    if isinstance(ways, Hidden):
        hidden_by["public_access"] = ways
    else:
        aspects["public_access"] = [{"blocked": not ways, "open_ways": ", ".join(ways)}]
    rows, unseen = access_of(name, answer, answers)
    aspects["access"] = rows
    if unseen:
        hidden_by["access"] = unseen
        if not rows:
            del aspects["access"]
    tags = answer["tagging"].get("TagSet", ())
    tagged = next((t["Value"] for t in tags if str(t["Key"]).lower() == "classification"), "")
    if not declared and (untold := told_or_hidden(answer["tagging"])) is not None:
        hidden_by["classification"] = untold
    return Bucket(name, tuple(declared) or classes_of(tagged), aspects, hidden_by)


def _encryption(answer: Answer, aws: bool, managers: Mapping[str, str]) -> Iterator[Row]:
    # AWS encrypts all that is written since January 2023, whatever it answers; others do not.
    rule: Mapping[str, Any] = {"SSEAlgorithm": "AES256"} if aws else {}
    if "absent" not in answer:
        rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
        rule = next((r["ApplyServerSideEncryptionByDefault"] for r in rules), {})
    algorithm = str(rule.get("SSEAlgorithm", ""))
    key = str(rule.get("KMSMasterKeyID", ""))
    own = algorithm in _OWN_KEYS and _is_own(key, managers)
    yield {"encrypted": bool(algorithm), "algorithm": algorithm, "key": key, "own_key": own}


def _is_own(key: str, managers: Mapping[str, str]) -> bool:
    """A key of the customer's: no key named, and the alias aws/s3, mean the provider's."""
    return bool(key) and not key.endswith("alias/aws/s3") and managers.get(key) != "AWS"


def _objects(answer: Answer, managers: Mapping[str, str]) -> Iterator[Row]:
    for name, head in answer["sampled"].items():
        algorithm = str(head.get("ServerSideEncryption") or head.get("SSECustomerAlgorithm") or "")
        key = str(head.get("SSEKMSKeyId", ""))
        customer = bool(head.get("SSECustomerAlgorithm"))
        yield {
            "object": name,
            "encrypted": bool(algorithm),
            "algorithm": algorithm,
            "key": key,
            "own_key": customer or (algorithm in _OWN_KEYS and _is_own(key, managers)),
        }


def _versions(answer: Answer) -> Row:
    return {"versioned": answer.get("Status") == "Enabled"}


def _lock(answer: Answer) -> Row:
    """Without a default retention, object lock holds nothing by itself."""
    rule = answer.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    days = rule.get("Days") or rule.get("Years", 0) * 365
    return {"locked": bool(days), "mode": str(rule.get("Mode", "")).lower(), "days": days or None}


def _logging(answer: Answer, holds_logs: bool) -> Row:
    target = str(answer.get("LoggingEnabled", {}).get("TargetBucket", ""))
    return {
        "logged": bool(target) or holds_logs,
        "target": target or ("holds the logs of others" if holds_logs else ""),
    }


def _lifecycle(answer: Answer, versioning: Answer) -> Row:
    """Expires only what a rule for the whole bucket deletes, old versions included."""
    rules = [r for r in answer.get("Rules", ()) if r["Status"] == "Enabled" and _is_whole(r)]
    current = [r["Expiration"]["Days"] for r in rules if r.get("Expiration", {}).get("Days")]
    old = [
        r["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for r in rules
        if r.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
    ]
    keeps_versions = bool(versioning.get("Status"))
    expires = bool(current) and bool(old or not keeps_versions)
    days = min(current) + (min(old) if keeps_versions else 0) if expires else None
    return {"expires": expires, "days": days}


def _is_whole(rule: Mapping[str, Any]) -> bool:
    given = rule.get("Filter") or {}
    return not rule.get("Prefix") and not any(given.values())


def _transport(answer: Answer, bucket: str) -> Row:
    policy = {"Statement": []} if "absent" in answer else json.loads(answer["Policy"])
    reached = without_tls(policy, bucket)
    return {"tls_only": not reached, "reason": f"no policy denies it for {reached}"}


def _keys(answers: Mapping[str, Mapping[str, Any]]) -> tuple[list[Row], dict[str, Hidden]]:
    rows: list[Row] = []
    hidden: dict[str, Hidden] = {}
    for name, answer in answers.items():
        untold = told_or_hidden(answer)
        if untold is not None:
            hidden[name] = untold
            continue
        described = answer["DescribeKey"]
        state = str(described["KeyState"])
        provider = described.get("KeyManager") == "AWS"
        rotation = answer["GetKeyRotationStatus"]
        # Keys whose material was imported cannot be rotated by the provider ("unsupported").
        if "refused" in rotation and not provider:
            hidden[name] = Hidden(GapReason.FORBIDDEN, str(rotation["refused"]))
            continue
        rotated = provider or bool(rotation.get("KeyRotationEnabled"))
        detail = f"state {state}, origin {described.get('Origin', '?')}"
        rows.append(
            {"key": name, "enabled": state == "Enabled", "rotated": rotated, "detail": detail}
        )
    return rows, hidden
