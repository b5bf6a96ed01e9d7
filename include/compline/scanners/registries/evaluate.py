"""Holds an access policy against a registry's facts, both ways. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from compline.model import Confidence, FindingKind, Observation, Place, Severity
from compline.scanners.registries.facts import Grant, RegistryFacts
from compline.scanners.registries.policy import LEVELS, MLFLOWS_DEFAULT, AccessPolicy
from compline.scanners.registries.rules import RULES
from compline.scanners.services import escaped, one_line

_UNKNOWN_LEVEL = 5
"""A permission that this version does not know counts as more than any it knows."""


def evaluate(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> tuple[Observation, ...]:
    """Every difference, one per rule and subject; what the registry did not show is not judged."""
    findings = _Findings(scanner)
    return (
        *findings.of_the_server(facts, policy),
        *findings.of_users(facts, policy),
        *findings.of_grants(facts, policy),
        *findings.of_missing_grants(facts, policy),
        *findings.of_the_policy(policy),
    )


class _Findings:
    def __init__(self, scanner: str) -> None:
        self._scanner = scanner

    def of_the_server(self, facts: RegistryFacts, policy: AccessPolicy) -> Iterator[Observation]:
        for path in facts.open_to_anyone:
            yield self._found(
                "anonymous-access", f"endpoint/{path}", f"Anyone may read {path} without logging in"
            )
        if not facts.https and not (facts.loopback and policy.allow_loopback_http):
            # On loopback nobody on the network listens; it still is worth a word, since the
            # address may be one end of a tunnel.
            yield self._found(
                "registry-without-tls",
                "server",
                "The registry is reached over plain http",
                severity=Severity.LOW if facts.loopback else None,
            )
        default, most = facts.default_permission, policy.default_permission or MLFLOWS_DEFAULT
        if default is not None and _level(default) > LEVELS[most]:
            yield self._found(
                "default-permission-too-wide",
                "default-permission",
                f"Every user may {default} every model; the policy says {most} at most",
                severity=Severity.CRITICAL if _level(default) >= LEVELS["EDIT"] else None,
            )

    def of_users(self, facts: RegistryFacts, policy: AccessPolicy) -> Iterator[Observation]:
        if facts.users is None:
            return
        admins = policy.admins or frozenset()
        for user in facts.users:
            if policy.admins is not None and user.admin and user.name not in admins:
                yield self._found(
                    "undeclared-admin",
                    f"user/{user.name}",
                    f"{user.name} is an administrator beyond the policy",
                )
            elif policy.users is not None and user.name not in policy.users | admins:
                yield self._found(
                    "undeclared-user", f"user/{user.name}", f"{user.name} is not in the policy"
                )
        there = {user.name for user in facts.users}
        in_charge = {user.name for user in facts.users if user.admin}
        for name in sorted((policy.users or frozenset()) - there):
            yield self._found(
                "declared-but-missing", f"user/{name}", f"{name} is declared, but has no account"
            )
        for name in sorted(admins - in_charge):
            yield self._found(
                "declared-but-missing",
                f"admin/{name}",
                f"{name} is declared as an administrator, but is none",
            )

    def of_grants(self, facts: RegistryFacts, policy: AccessPolicy) -> Iterator[Observation]:
        if facts.grants is None or policy.grants is None:
            return
        # Administrators pass every check by being administrators, which is judged by itself.
        admins = {user.name for user in facts.users or () if user.admin}
        worst: dict[tuple[str, str], tuple[Grant, int]] = {}
        for grant in facts.grants:
            if grant.user in admins:
                continue
            declared = policy.declared_level(grant.user, grant.role, _names(grant, facts))
            level = _level(grant.permission)
            key = (grant.user, grant.resource)
            if level > declared and (key not in worst or level > _level(worst[key][0].permission)):
                worst[key] = (grant, declared)
        for (user, resource), (grant, declared) in sorted(worst.items(), key=lambda item: item[0]):
            permitted = next(name for name, level in LEVELS.items() if level == declared)
            called = _called(grant, facts)
            yield self._found(
                "grant-beyond-policy",
                f"grant/{user}/{resource}",
                f"{user} may {grant.permission} {called}; the policy says "
                f"{permitted if declared else 'nothing'}",
                severity=Severity.HIGH if _level(grant.permission) >= LEVELS["EDIT"] else None,
                details=(
                    ("permission", grant.permission),
                    ("declared", permitted if declared else ""),
                    ("through", f"role {grant.role}" if grant.role else "a grant of its own"),
                ),
            )

    def of_missing_grants(
        self, facts: RegistryFacts, policy: AccessPolicy
    ) -> Iterator[Observation]:
        if facts.grants is None or policy.grants is None:
            return
        held: dict[tuple[str, str], int] = {}
        for grant in facts.grants:
            for name in _names(grant, facts):
                key = (grant.user, name)
                held[key] = max(held.get(key, 0), _level(grant.permission))
        admins = {user.name for user in facts.users or () if user.admin}
        for user, resources in sorted(policy.grants.items()):
            for resource, permission in sorted(resources.items()):
                every = resource.partition("/")[0] + "/*"
                level = max(held.get((user, name), 0) for name in (resource, every))
                if user not in admins and level < LEVELS[permission]:
                    yield self._found(
                        "declared-but-missing",
                        f"grant/{user}/{resource}",
                        f"{user} is declared to have {permission} on {resource}, but has not",
                    )

    def of_the_policy(self, policy: AccessPolicy) -> Iterator[Observation]:
        for key in ("admins", "users", "grants"):
            if getattr(policy, key) is None:
                yield self._found(
                    "access-policy-undeclared",
                    f"policy/{key}",
                    f"The policy does not say which {key} are right, so nobody checks them",
                )

    def _found(
        self,
        rule: str,
        subject: str,
        title: str,
        *,
        severity: Severity | None = None,
        details: tuple[tuple[str, str], ...] = (),
    ) -> Observation:
        known = RULES[rule]
        subject = escaped(subject)
        return Observation(
            scanner=self._scanner,
            rule=rule,
            kind=FindingKind.ACCESS,
            severity=severity or known.severity,
            confidence=Confidence.HIGH,
            title=one_line(title, 200),
            place=Place(path=subject),
            subject=subject,
            cwe=(known.cwe,),
            details=(
                ("remediation", known.remediation),
                *((key, one_line(value)) for key, value in details),
            ),
        )


def _level(permission: str) -> int:
    return LEVELS.get(permission, _UNKNOWN_LEVEL)


def _names(grant: Grant, facts: RegistryFacts) -> tuple[str, ...]:
    """An experiment is granted by its id and declared by its name, or the other way round."""
    name = (facts.experiments or {}).get(grant.pattern)
    if grant.resource_type != "experiment" or name is None:
        return (grant.resource,)
    return (grant.resource, grant.resource.removesuffix(grant.pattern) + name)


def _called(grant: Grant, facts: RegistryFacts) -> str:
    names = _names(grant, facts)
    return names[-1] if len(names) == 1 else f"{names[0]} ({names[1].partition('/')[2]})"
