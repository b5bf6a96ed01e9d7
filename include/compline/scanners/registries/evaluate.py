"""Holds an access policy against a registry's facts, both ways. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compline.advisories.records import Record
from compline.model import Observation
from compline.scanners.registries import activity, contents, permissions, server
from compline.scanners.registries.activity import last_seen
from compline.scanners.registries.buckets import BucketFacts
from compline.scanners.registries.facts import RegistryFacts
from compline.scanners.registries.policy import AccessPolicy
from compline.scanners.registries.rules import observed


def evaluate(
    facts: RegistryFacts,
    policy: AccessPolicy,
    scanner: str,
    advisories: Sequence[Record] = (),
    bucket: BucketFacts | None = None,
) -> tuple[Observation, ...]:
    """Every difference, one per rule and subject; what the registry did not show is not judged.

    Args:
        facts: of the registry.
        policy: what is declared.
        scanner: the check's name.
        advisories: that hold for the server's version.
        bucket: where the artifacts lie, as far as that was looked at.
    """
    return (
        *server.judged(facts, policy, scanner),
        *server.vulnerable(facts, advisories, scanner),
        *_people(facts, policy, scanner),
        *activity.judged(facts, policy, scanner),
        *permissions.beyond(facts, policy, scanner),
        *permissions.missing(facts, policy, scanner),
        *contents.judged(facts, policy, scanner),
        *contents.artifacts(facts, policy, bucket, scanner),
        *_undeclared(facts, policy, scanner),
    )


def _people(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    if facts.users is None:
        return
    admins = policy.admins or frozenset()
    for user in facts.users:
        if policy.admins is not None and user.admin and user.name not in admins:
            yield observed(
                scanner,
                "undeclared-admin",
                f"user/{user.name}",
                f"{user.name} is an administrator beyond the policy",
            )
        elif policy.users is not None and user.name not in policy.users | admins:
            yield observed(
                scanner,
                "undeclared-user",
                f"user/{user.name}",
                f"{user.name} is not in the policy",
                details=(("last seen", last_seen(user.name, facts.activity)),),
            )
    number = len(facts.admins)
    if policy.most_admins is not None and number > policy.most_admins:
        yield observed(
            scanner,
            "too-many-admins",
            "admins",
            f"{number} accounts are administrators; the policy says {policy.most_admins} at most",
            details=(("administrators", ", ".join(sorted(facts.admins)[:20])),),
        )
    there = {user.name for user in facts.users}
    for name in sorted((policy.users or frozenset()) - there):
        yield observed(
            scanner,
            "declared-but-missing",
            f"user/{name}",
            f"{name} is declared, but has no account",
        )
    for name in sorted(admins - facts.admins):
        yield observed(
            scanner,
            "declared-but-missing",
            f"admin/{name}",
            f"{name} is declared as an administrator, but is none",
        )


def _undeclared(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    for key in ("admins", "users", "grants"):
        if getattr(policy, key) is None:
            yield observed(
                scanner,
                "access-policy-undeclared",
                f"policy/{key}",
                f"The policy does not say which {key} are right, so nobody checks them",
            )
    if policy.movers is None and contents.served(facts, policy):
        yield observed(
            scanner,
            "access-policy-undeclared",
            "policy/movers",
            "The policy does not say who may move what production serves, so nobody checks it",
        )
