"""Reads bucket policies and access lists: who is let in, and whether without TLS. Pure.

Format: the policy language of AWS (version 2012-10-17). Where it cannot be said that a condition
restricts, it does not: what is reported may then be stricter than AWS itself, never laxer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from compline.scanners.stores.s3.conditions import confined_by, is_plain_transport
from compline.scanners.stores.s3.identities import EVERYONE, Identity
from compline.scanners.stores.s3.principals import principals_of

_READING = ("s3:getobject", "s3:getobjectversion", "s3:listbucket", "s3:listbucketversions")
_WRITING = (
    "s3:putobject", "s3:deleteobject", "s3:deleteobjectversion", "s3:putobjectacl",
    "s3:putbucketpolicy", "s3:deletebucketpolicy", "s3:putbucketacl", "s3:deletebucket",
    "s3:putencryptionconfiguration", "s3:putlifecycleconfiguration", "s3:putbucketversioning",
    "s3:bypassgovernanceretention", "s3:putobjectretention", "s3:putbucketpublicaccessblock",
)  # fmt: skip
_WRITING_VERBS = (
    "put", "delete", "create", "restore", "replicate", "bypass", "update", "abort", "object",
    "initiate", "tag", "untag", "submit",
)  # fmt: skip
_EITHER = {"read": _READING, "write": _WRITING}


@dataclass(frozen=True)
class Grant:
    """Somebody besides the store's own account who is let in."""

    who: Identity
    access: str
    """`read` or `write`; write is everything that changes anything."""
    via: str
    condition: str = ""


@dataclass(frozen=True)
class _Guard:
    """A denial to everyone but some."""

    but: tuple[Identity, ...]
    actions: frozenset[str]
    """Of those that are known by name."""
    whole: bool
    """Whether it covers the bucket and its objects."""


def statements_of(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The policy's statements.

    Raises:
        ValueError: it is not shaped like a policy.
    """
    found = policy.get("Statement")
    listed = [found] if isinstance(found, Mapping) else found
    if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
        raise ValueError("the policy has no statements")
    return listed


def grants_of(policy: Mapping[str, Any], bucket: str, account: str, owner: str) -> list[Grant]:
    """Everyone besides the own account who is let in.

    Args:
        policy: the bucket's.
        bucket: its name.
        account: id of the own account; empty where nobody knows it.
        owner: the owner's canonical id.

    Raises:
        ValueError: the policy is not shaped like one.
    """
    statements = statements_of(policy)
    guards = [
        g
        for s in statements
        if s.get("Effect") == "Deny"
        for g in _guard(s, bucket, account, owner)
    ]
    found = []
    for number, statement in enumerate(statements, start=1):
        if statement.get("Effect") != "Allow":
            continue
        via = f"policy statement {statement.get('Sid') or number}"
        condition = statement.get("Condition") or {}
        for access, actions in _accesses(statement).items():
            for who in principals_of(statement, account, owner):
                for narrowed in _narrowed(who, condition, guards, actions, account):
                    if narrowed.reach != "own":
                        found.append(Grant(narrowed, access, via, " ".join(sorted(condition))))
    return found


def without_tls(policy: Mapping[str, Any], bucket: str) -> str:
    """What can be reached without TLS, for people; empty where the policy denies all of it.

    Raises:
        ValueError: the policy is not shaped like one.
    """
    covered: set[str] = set()
    for statement in statements_of(policy):
        if (
            statement.get("Effect") == "Deny"
            and _is_everyone(statement)
            and is_plain_transport(statement.get("Condition") or {})
            and any(action in ("*", "s3:*") for action in _words(statement.get("Action")))
        ):
            covered |= _covered(statement, bucket)
    missing = [part for part in ("the bucket", "its objects") if part not in covered]
    return " and ".join(missing)


def _narrowed(
    who: Identity,
    condition: Mapping[str, Any],
    guards: Sequence[_Guard],
    actions: frozenset[str],
    account: str,
) -> Iterator[Identity]:
    """Whom a statement reaches when its condition and the denials are taken into account."""
    if any(not guard.but and guard.whole and actions <= guard.actions for guard in guards):
        return
    if who.reach not in ("public", "authenticated", "service"):
        yield who
        return
    fences = [confined_by(condition, account)]
    fences += [
        guard.but for guard in guards if guard.but and guard.whole and actions <= guard.actions
    ]
    # All of them hold at once, so the narrowest may be taken: one that lets in nobody else.
    real = sorted((fence for fence in fences if fence), key=lambda f: (_is_foreign(f), len(f)))
    yield from real[0] if real else (who,)


def _is_foreign(fence: Sequence[Identity]) -> bool:
    return any(one.reach != "own" for one in fence)


def _guard(statement: Mapping[str, Any], bucket: str, account: str, owner: str) -> Iterator[_Guard]:
    whole = {"the bucket", "its objects"} <= _covered(statement, bucket)
    actions = frozenset(a for known in _accesses(statement).values() for a in known)
    condition = statement.get("Condition") or {}
    if "NotPrincipal" in statement:
        if not condition:
            excepted = {"Principal": statement["NotPrincipal"]}
            yield _Guard(tuple(principals_of(excepted, account, owner)), actions, whole)
    elif _is_everyone(statement):
        if not condition:
            yield _Guard((), actions, whole)
        else:
            but = confined_by(condition, account, denied=True)
            if but:
                yield _Guard(but, actions, whole)


def _is_everyone(statement: Mapping[str, Any]) -> bool:
    return any(who == EVERYONE for who in principals_of(statement, "", ""))


def _accesses(statement: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """`read` and `write`, as far as the statement speaks of them, with the known actions."""
    found: dict[str, frozenset[str]] = {}
    if "NotAction" in statement:
        spared = _words(statement["NotAction"])
        for access, known in _EITHER.items():
            left = {a for a in known if not any(fnmatchcase(a, p.lower()) for p in spared)}
            if left:
                found[access] = frozenset(left)
        return found
    for pattern in _words(statement.get("Action")):
        for access, known in _EITHER.items():
            named = {a for a in known if fnmatchcase(a, pattern.lower())}
            if named:
                found[access] = found.get(access, frozenset()) | named
        if not any(fnmatchcase(a, pattern.lower()) for a in (*_READING, *_WRITING)):
            verb = pattern.lower().partition(":")[2]
            access = "write" if verb.startswith(_WRITING_VERBS) else "read"
            found[access] = found.get(access, frozenset()) | {pattern.lower()}
    return found


def _covered(statement: Mapping[str, Any], bucket: str) -> set[str]:
    covered = set()
    for resource in _words(statement.get("Resource")):
        pattern = resource.rpartition(":::")[2]
        if fnmatchcase(bucket, pattern):
            covered.add("the bucket")
        # A pattern that ends here takes in every object, whatever it is called.
        if pattern.endswith("*") and fnmatchcase(f"{bucket}/", pattern):
            covered.add("its objects")
    return covered


def _words(value: Any) -> list[str]:
    return [str(item) for item in (value if isinstance(value, list) else [value] if value else [])]
