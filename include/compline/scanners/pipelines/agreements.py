"""What a flow declares, held against what the stores' entries under `targets` declare. Pure.

A store's own look tells what is granted beyond its policy. So whoever may reach a resource is in
the policy or in an open finding; here the policy is held against the flow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from compline.model import Gap, GapReason
from compline.scanners.expectations.suite import Expectation
from compline.scanners.pipelines.concerns import bucket_of
from compline.store.standing import Defect

_BUCKETS = ("s3", "gcs", "azure-blob")
EVERYONE = "everyone"
"""What the policies of object stores and inventory files name by listing a resource as public."""


@dataclass(frozen=True)
class StoreEntry:
    """A listed data store, as far as a flow depends on it."""

    kind: str
    policy: Mapping[str, Any]
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Bucket to its classifications, as far as the entry lists them."""
    suite: Sequence[Expectation] = ()
    """What `data-expectations` holds it to."""
    columns: Sequence[Expectation] = ()
    """What `column-content` holds it to."""


def declarations(
    name: str, hop: Mapping[str, Any], entry: StoreEntry | None, defects: Sequence[Defect]
) -> tuple[list[dict[str, Any]], list[Gap]]:
    """Rows of the frame `declarations` for one hop, and what cannot be compared.

    Args:
        name: of the hop.
        hop: as declared.
        entry: the store's; None where it is not listed.
        defects: the store's open findings.
    """
    row = {"hop": name, "store": hop["store"], "resource": hop["resource"]}
    rows = [{**row, "what": "store", "holds": entry is not None, "because": ""}]
    gaps: list[Gap] = []
    if entry is None:
        return rows, gaps
    for what, ask in (
        ("classification", _classification),
        ("account", _account),
        ("accessors", _accessors),
    ):
        for holds, because in ask(hop, entry, defects):
            if holds is None:
                place = f"declaration/{name}/{what}"
                gaps.append(Gap(GapReason.NOT_REPORTED, place, because))
            else:
                rows.append({**row, "what": what, "holds": holds, "because": because})
    return rows, gaps


_Answers = Iterator[tuple[bool | None, str]]
"""Whether both agree (None: nobody can say) and what is to be told."""


def _classification(
    hop: Mapping[str, Any], entry: StoreEntry, defects: Sequence[Defect]
) -> _Answers:
    declared, resource = hop["classification"], hop["resource"]
    if not resource:
        return
    if entry.kind in ("postgresql", "kafka"):
        labels = entry.policy.get("labels") or {}
        known = [next((str(c) for p, c in labels.items() if fnmatchcase(resource, p)), "")]
        where = "in the store's labels"
    elif entry.kind in _BUCKETS and bucket_of(resource) in entry.classes:
        known = list(entry.classes[bucket_of(resource)])
        where = "in the store's buckets"
    elif any(
        one.rule == "unclassified" and bucket_of(resource) in one.subject.split("/")
        for one in defects
    ):
        known, where = [], "in the store"
    else:
        if declared:
            yield None, f"the store's entry does not declare how {resource} is classified"
        return
    words = [word.lower() for word in known if word]
    agree = declared.lower() in words if words else not declared
    text = ", ".join(words) or "nothing"
    yield agree, f"{declared or 'nothing'} in the flow, {text} {where}"


def _account(hop: Mapping[str, Any], entry: StoreEntry, _defects: Sequence[Defect]) -> _Answers:
    account, policy = hop["account"], entry.policy
    if not account:
        return
    if entry.kind == "postgresql":
        held = account in (policy.get("accounts") or ())
        yield held, f"{account} is not under accounts in the store's policy"
    elif entry.kind == "kafka":
        names = {one.partition(":")[2] or one for one in policy.get("grants") or ()}
        held = account.removeprefix("User:") in names
        yield held, f"{account} is not under grants in the store's policy"
    elif entry.kind == "redis":
        held = account in (policy.get("users") or ())
        yield held, f"{account} is not under users in the store's policy"
    else:
        yield None, f"what {account} may do is not told by a store of the kind {entry.kind}"


def _accessors(hop: Mapping[str, Any], entry: StoreEntry, _defects: Sequence[Defect]) -> _Answers:
    wanted = hop.get("accessors")
    if wanted is None:
        return
    allowed = _allowed(entry, hop["resource"])
    if allowed is None:
        yield None, "the store's policy does not declare who may reach it"
        return
    patterns = [*wanted, hop["account"]]
    beyond = sorted(
        who
        for who in allowed
        if not any(fnmatchcase(name, p) for p in patterns for name in {who, _bare(who)})
    )
    yield not beyond, ", ".join(beyond)
    if entry.kind in (*_BUCKETS, "inventory"):
        yield None, "who of the store's own accounts may reach it is not told by its findings"


def _allowed(entry: StoreEntry, resource: str) -> set[str] | None:
    """Whom the store's policy lets at the resource; None if it does not declare it."""
    policy = entry.policy
    if entry.kind in ("postgresql", "kafka"):
        grants = policy.get("grants")
        if grants is None:
            return None
        sort = "topic:" if entry.kind == "kafka" else ""
        found = {
            who
            for who, granted in grants.items()
            if any(what and _reaches(pattern, sort, resource) for pattern, what in granted.items())
        }
        return found | set(policy.get("administrators") or ())
    if entry.kind == "redis":
        users = policy.get("users")
        return None if users is None else {*users, *(policy.get("administrators") or ())}
    public = policy.get("public_buckets" if entry.kind in _BUCKETS else "public_resources") or ()
    found = set(policy.get("allowed_accounts") or ()) if entry.kind in _BUCKETS else set()
    return found | ({EVERYONE} if {resource, bucket_of(resource)} & set(public) else set())


def _reaches(pattern: str, sort: str, resource: str) -> bool:
    """A hop that names no resource means all of the store."""
    return pattern.startswith(sort) and (not resource or fnmatchcase(sort + resource, pattern))


def _bare(who: str) -> str:
    return who.partition(":")[2] or who
