"""Turns Google's recorded answers into what the common frames are made of. Pure.

Format: resources of the JSON API of Cloud Storage, version 1 (buckets, objects, IAM policies), and
of Cloud KMS (CryptoKey); or `{"refused": ...}` and its like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compline.model import GapReason
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.stores.gcs.members import grants_of
from compline.scanners.stores.object_stores.facts import (
    Bucket,
    Hidden,
    Row,
    Store,
    classes_of,
    places_of,
)
from compline.scanners.stores.object_stores.frames import told_or_hidden

_DAY = 86_400


def store_of(
    answers: Mapping[str, Any], classes: Mapping[str, Sequence[str]], policy: Mapping[str, Any]
) -> Store:
    """The store; `classes` is what the configuration says of each bucket.

    Raises:
        CannotCollect: an answer is missing, or shaped otherwise than Google gives it.
    """
    try:
        keys, hidden_keys = _keys(answers["keys"])
        logs = {
            str(answer["bucket"].get("logging", {}).get("logBucket", ""))
            for answer in answers["buckets"].values()
        }
        project = str(answers["project"])
        return Store(
            endpoint=str(answers["endpoint"]),
            buckets=[
                _bucket(name, answer, project, classes.get(name, ()), policy, name in logs)
                for name, answer in answers["buckets"].items()
            ],
            keys=keys,
            hidden_keys=hidden_keys,
            hidden_places=places_of(answers),
        )
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise CannotCollect(
            f"an answer of Google's is not understood ({type(error).__name__})"
        ) from error


def _bucket(
    name: str,
    answer: Mapping[str, Any],
    project: str,
    declared: Sequence[str],
    policy: Mapping[str, Any],
    holds_logs: bool,
) -> Bucket:
    bucket = answer["bucket"]
    gone = told_or_hidden(bucket)
    if gone is not None:
        return Bucket(name, tuple(declared), hidden={"": gone})
    hidden: dict[str, Hidden] = {}
    aspects: dict[str, Sequence[Row]] = {
        "encryption": [_encrypted(bucket.get("encryption", {}).get("defaultKmsKeyName"))],
        "versions": [_versions(bucket)],
        "locks": [_lock(bucket)],
        "logging": [_logging(bucket, holds_logs)],
        "lifecycle": [_lifecycle(bucket)],
    }
    prevention = bucket.get("iamConfiguration", {}).get("publicAccessPrevention")
    blocked = prevention == "enforced" or bool(policy.get("public_access_blocked_above"))
    if prevention is None:
        # Google always tells; an emulator may not know the setting.
        unknown = Hidden(GapReason.UNSUPPORTED, "the store does not tell its iamConfiguration")
        hidden.update(public_access=unknown, access_lists=unknown)
    else:
        ways = "" if blocked else "public access prevention is not enforced"
        aspects["public_access"] = [{"blocked": blocked, "open_ways": ways}]
        uniform = bucket["iamConfiguration"].get("uniformBucketLevelAccess", {})
        aspects["access_lists"] = [{"disabled": bool(uniform.get("enabled"))}]
    untold = told_or_hidden(answer["iam"])
    if untold is None:
        aspects["access"] = list(grants_of(bucket, answer["iam"], project, blocked=blocked))
    else:
        hidden["access"] = untold
    untold = told_or_hidden(answer["objects"])
    if untold is None:
        aspects["objects"] = list(_objects(answer["objects"]))
    else:
        hidden["objects"] = untold
    label = bucket.get("labels", {}).get("classification")
    return Bucket(name, tuple(declared) or classes_of(label), aspects, hidden)


def _encrypted(key: object) -> Row:
    own = str(key or "")
    # What an object names is a version of the key.
    own = own.partition("/cryptoKeyVersions/")[0]
    return {"encrypted": True, "algorithm": "AES256", "key": own, "own_key": bool(own)}


def _objects(answer: Mapping[str, Any]) -> Iterator[Row]:
    for name, told in answer["sampled"].items():
        row = {**_encrypted(told.get("kmsKeyName")), "object": name}
        if told.get("customerEncryption"):
            row["own_key"] = True
        yield row


def _versions(bucket: Mapping[str, Any]) -> Row:
    """What a retention policy holds cannot be overwritten, so no old version is lost."""
    versioned = bool(bucket.get("versioning", {}).get("enabled"))
    return {"versioned": versioned or bool(_lock(bucket)["locked"])}


def _lock(bucket: Mapping[str, Any]) -> Row:
    retention = bucket.get("retentionPolicy", {})
    seconds = int(retention.get("retentionPeriod") or 0)
    mode = "locked" if retention.get("isLocked") else "unlocked" if seconds else ""
    days = max(1, seconds // _DAY) if seconds else None
    return {"locked": bool(seconds), "mode": mode, "days": days}


def _logging(bucket: Mapping[str, Any], holds_logs: bool) -> Row:
    target = str(bucket.get("logging", {}).get("logBucket", ""))
    return {
        "logged": bool(target) or holds_logs,
        "target": target or ("holds the logs of others" if holds_logs else ""),
    }


def _lifecycle(bucket: Mapping[str, Any]) -> Row:
    """Expires only what a rule for all objects deletes by age, old versions included."""
    versioned = bool(bucket.get("versioning", {}).get("enabled"))
    both, live, old = [], [], []
    for rule in bucket.get("lifecycle", {}).get("rule", ()):
        when = rule["condition"]
        if rule["action"]["type"] != "Delete" or set(when) - {"age", "isLive", _NONCURRENT}:
            continue  # a further condition spares some objects
        if set(when) == {"age"}:
            both.append(int(when["age"]))
        elif when.get("isLive") is True and "age" in when:
            live.append(int(when["age"]))
        elif when.get("isLive") is not True and _NONCURRENT in when and "age" not in when:
            old.append(int(when[_NONCURRENT]))
    ways = list(both)
    if live:
        ways += [min(live)] if not versioned else [min(live) + min(old)] if old else []
    if not ways:
        return {"expires": False, "days": None}
    kept = int(bucket.get("softDeletePolicy", {}).get("retentionDurationSeconds") or 0)
    return {"expires": True, "days": min(ways) + kept // _DAY}


_NONCURRENT = "daysSinceNoncurrentTime"


def _keys(answers: Mapping[str, Mapping[str, Any]]) -> tuple[list[Row], dict[str, Hidden]]:
    rows: list[Row] = []
    hidden: dict[str, Hidden] = {}
    for name, answer in answers.items():
        untold = told_or_hidden(answer)
        if untold is not None:
            hidden[name] = untold
            continue
        state = str(answer.get("primary", {}).get("state", "no primary version"))
        period = str(answer.get("rotationPeriod", ""))
        rows.append(
            {
                "key": name,
                "enabled": state == "ENABLED",
                "rotated": bool(period),
                "detail": f"state {state}, rotation period {period or 'none'}",
            }
        )
    return rows, hidden
