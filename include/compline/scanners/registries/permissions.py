"""Grants against the declared access policy, both ways: what is too much, and what is missing.

What comes through a role is one finding of the role, whoever holds it: one grant, one defect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from compline.model import Observation, Severity
from compline.scanners.registries.facts import Experiment, Grant, RegistryFacts
from compline.scanners.registries.policy import LEVELS, AccessPolicy, level_of
from compline.scanners.registries.rules import observed

_NAMED = 10
"""Holders of a role that a finding names."""
_SEEDED = {"admin": "MANAGE", "user": "USE"}
"""Roles that MLflow makes with each workspace, and what they hold of it."""
_MAY = {1: "read", 2: "use", 3: "change", 4: "change and delete"}


def subject_of(grant: Grant) -> str:
    """What a finding or a fact about the grant is found by."""
    if grant.role:
        return f"role/{grant.role}/{grant.resource}"
    return f"grant/{grant.user}/{grant.resource}"


def widest(grants: Iterable[Grant]) -> Mapping[str, Grant]:
    """By subject the grant that lets one do most."""
    found: dict[str, Grant] = {}
    for grant in grants:
        subject = subject_of(grant)
        before = found.get(subject)
        if before is None or level_of(grant.permission) > level_of(before.permission):
            found[subject] = grant
    return found


def beyond(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    """What somebody may do, or a role, that the policy does not say."""
    yield from _members(facts, policy, scanner)
    if facts.grants is None:
        return
    # Administrators pass every check by being administrators, which is judged by itself. Who is one
    # beyond the policy keeps what it was granted beyond it.
    exempt = facts.admins if policy.admins is None else facts.admins & policy.admins
    held = [grant for grant in facts.grants if grant.user not in exempt and _is_named(grant, facts)]
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for grant in held:
        holders[subject_of(grant)].append(grant.user)
    # A role that nobody holds is judged as well: who gets it one day is a change of its own.
    idle = (grant for grant in facts.roles or () if subject_of(grant) not in holders)
    held += [grant for grant in idle if not _seeded(grant) and _is_named(grant, facts)]
    if policy.grants is None:
        yield from _everything(held, holders, scanner)
        return
    names = Names(facts.experiments)
    over = {
        subject_of(grant)
        for grant in held
        if level_of(grant.permission)
        > policy.declared_level(grant.user, grant.role_name, names.of(grant))
    }
    for subject, grant in sorted(widest(held).items()):
        if subject in over:
            for about, users in _about(grant, holders[subject]):
                yield _beyond(about, grant, users, policy, names, scanner)


def _is_named(grant: Grant, facts: RegistryFacts) -> bool:
    """Whether it can be told what policies call its resource."""
    return grant.resource_type != "experiment" or facts.experiments is not None


def _seeded(grant: Grant) -> bool:
    """Whether MLflow makes such a role with each workspace, for nobody yet."""
    return grant.resource_type == "workspace" and _SEEDED.get(grant.role) == grant.permission


def _about(grant: Grant, holders: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """What a finding about it is found by, and whom it names.

    Who has a seeded role is what somebody decided, so each holder is one finding.
    """
    if not _seeded(grant):
        yield subject_of(grant), holders
        return
    for user in sorted(set(holders)):
        yield f"member/{user}/{grant.role_name}", (user,)


def _beyond(
    subject: str,
    grant: Grant,
    holders: Sequence[str],
    policy: AccessPolicy,
    names: Names,
    scanner: str,
) -> Observation:
    declared = min(
        policy.declared_level(user, grant.role_name, names.of(grant)) for user in holders or ("",)
    )
    permitted = next(name for name, level in LEVELS.items() if level == declared)
    level = level_of(grant.permission)
    return observed(
        scanner,
        "grant-beyond-policy",
        subject,
        f"{_who(grant, holders)} may {grant.permission} {names.called(grant)}; the policy says "
        f"{permitted if declared else 'nothing'}",
        severity=Severity.HIGH if level >= LEVELS["EDIT"] else None,
        details=(
            ("permission", grant.permission),
            ("may", _MAY.get(level, "more than is known here")),
            ("declared", permitted if declared else ""),
            ("through", f"role {grant.role}" if grant.role else "a grant of its own"),
            *((("held by", _some(holders) or "nobody"),) if grant.role else ()),
        ),
    )


def _everything(
    held: Sequence[Grant], holders: Mapping[str, Sequence[str]], scanner: str
) -> Iterator[Observation]:
    """Without a policy, what is too much by itself: to change or delete every model."""
    for subject, grant in sorted(widest(held).items()):
        models = grant.resource_type == "registered_model" and grant.pattern == "*"
        keeper = grant.resource_type == "workspace"
        level = level_of(grant.permission)
        if level < LEVELS["MANAGE" if keeper else "EDIT"] or not (models or keeper):
            continue
        may = _MAY.get(level, grant.permission)
        for about, users in _about(grant, holders[subject]):
            yield observed(
                scanner,
                "may-change-every-model",
                about,
                f"{_who(grant, users)} may {may} every model of {grant.workspace}",
                details=(
                    ("permission", grant.permission),
                    *((("held by", _some(users) or "nobody"),) if grant.role else ()),
                ),
            )


def _who(grant: Grant, holders: Sequence[str]) -> str:
    if not grant.role:
        return grant.user
    return (
        f"{holders[0]}, by the role {grant.role}," if _seeded(grant) else f"the role {grant.role}"
    )


def _members(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    if policy.members is None or facts.members is None:
        return
    held = {(member.user, member.role) for member in facts.members}
    for user, role in sorted(held):
        if user not in policy.members.get(role, frozenset()):
            yield observed(
                scanner,
                "member-beyond-policy",
                f"member/{user}/{role}",
                f"{user} has the role {role}; the policy does not say so",
            )
    for role, users in sorted(policy.members.items()):
        for user in sorted(users):
            if (user, role) not in held:
                yield observed(
                    scanner,
                    "declared-but-missing",
                    f"member/{user}/{role}",
                    f"{user} is declared to have the role {role}, but has not",
                )


def missing(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    """What the policy says and nobody was granted."""
    if facts.grants is None or policy.grants is None:
        return
    names = Names(facts.experiments)
    held: dict[tuple[str, str], int] = {}
    for grant in facts.grants:
        for name in names.of(grant):
            key = (grant.user, name)
            held[key] = max(held.get(key, 0), level_of(grant.permission))
    for user, resources in sorted(policy.grants.items()):
        for resource, permission in sorted(resources.items()):
            every = resource.partition("/")[0] + "/*"
            level = max(held.get((user, name), 0) for name in (resource, every))
            unknown = resource.startswith("experiment/") and facts.experiments is None
            if user not in facts.admins and level < LEVELS[permission] and not unknown:
                yield observed(
                    scanner,
                    "declared-but-missing",
                    f"grant/{user}/{resource}",
                    f"{user} is declared to have {permission} on {resource}, but has not",
                )


class Names:
    """An experiment is granted by its id and declared by its name, or the other way round."""

    def __init__(self, experiments: Iterable[Experiment] | None) -> None:
        self._names = {one.id: one.name for one in experiments or ()}

    def of(self, grant: Grant) -> tuple[str, ...]:
        """Every name of its resource."""
        name = self._names.get(grant.pattern)
        if grant.resource_type != "experiment" or name is None:
            return (grant.resource,)
        return (grant.resource, grant.resource.removesuffix(grant.pattern) + name)

    def called(self, grant: Grant) -> str:
        """The resource for people: `model fraud`, `experiment 1 (training)`."""
        names = self.of(grant)
        return grant.called if len(names) == 1 else f"{grant.called} ({names[1].partition('/')[2]})"


def _some(users: Sequence[str]) -> str:
    told = sorted(set(users))
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return ", ".join(told[:_NAMED]) + more
