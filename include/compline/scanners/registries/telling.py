"""What of a registry is compared from night to night: who may do what, one fact per grant. Pure.

A grant through a role is a fact of the role, and who holds it another: so one change is told once,
and 500 users with one role on 5,000 models are 501 facts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from compline.model import Fact, RegressionKind
from compline.scanners.registries.facts import DEFAULT_WORKSPACE, NOTHING, Grant, RegistryFacts
from compline.scanners.registries.permissions import Names, subject_of, widest
from compline.scanners.registries.policy import LEVELS, level_of
from compline.scanners.services import escaped, one_line

_NAMED = 3
"""Grants that are told of a role whose member somebody becomes."""
_ADMINISTRATOR = max(LEVELS.values()) + 2
"""More than any permission, known or not."""


def facts_of(facts: RegistryFacts) -> tuple[Fact, ...]:
    """Every permission that there is, by grant and not by what it comes to."""
    return tuple(_Teller(facts).all())


def fact_of(grant: Grant, facts: RegistryFacts, value: str, level: int) -> Fact:
    """What a grant's holder may do with what it is on, whatever the grant itself says."""
    return replace(_Teller(facts).of(grant), value=one_line(value, 60), rank=level)


class _Teller:
    def __init__(self, facts: RegistryFacts) -> None:
        self._facts = facts
        self._names = Names(facts.experiments)
        self._born = {
            ("registered_model", model.workspace, model.name): model.created
            for model in facts.models or ()
        } | {("experiment", one.workspace, one.id): one.created for one in facts.experiments or ()}

    def all(self) -> Iterator[Fact]:
        """In no particular order."""
        facts = self._facts
        for path in facts.open_to_anyone:
            yield _fact(f"endpoint/{path}", "open", 1, f"anybody without a login on {path}")
        if facts.default_permission is not None:
            level = facts.default_permission
            of = f" of the workspace {DEFAULT_WORKSPACE}" if len(facts.workspaces) > 1 else ""
            yield _fact(
                "default-permission", level, level_of(level), f"every user on every model{of}"
            )
        lifted = facts.lifted_to
        if lifted is not None:
            yield _fact(
                "lifted-permission",
                "as granted" if lifted == NOTHING else lifted,
                level_of(lifted),
                "whoever is granted anything on a model",
            )
        for user in facts.users or ():
            yield _fact(
                f"user/{user.name}",
                "administrator" if user.admin else "account",
                _ADMINISTRATOR if user.admin else 0,
                f"{user.name} in the registry",
            )
        direct = (grant for grant in facts.grants or () if not grant.role)
        through = facts.roles
        if through is None:
            through = tuple(grant for grant in facts.grants or () if grant.role)
        for grant in (*widest(direct).values(), *widest(through).values()):
            yield self.of(grant)
        may: defaultdict[str, list[Grant]] = defaultdict(list)
        for grant in through:
            may[grant.role_name].append(grant)
        carried = {role: self._carries(grants) for role, grants in may.items()}
        for member in facts.members or ():
            yield _fact(
                f"member/{member.user}/{member.role}",
                "member",
                1,
                f"{member.user} in the role {member.role}{carried.get(member.role, '')}",
            )

    def _carries(self, grants: Iterable[Grant]) -> str:
        """What somebody may do who holds a role."""
        widest_first = sorted(
            {(-level_of(one.permission), one.permission, self._names.called(one)) for one in grants}
        )
        told = [f"{permission} on {called}" for _, permission, called in widest_first[:_NAMED]]
        more = len(widest_first) - len(told)
        return f" ({', '.join(told)}{f' and {more} more' if more else ''})" if told else ""

    def of(self, grant: Grant) -> Fact:
        """One grant's."""
        who = f"the role {grant.role}" if grant.role else grant.user
        born = self._born.get((grant.resource_type, grant.workspace, grant.pattern), 0)
        return _fact(
            subject_of(grant),
            grant.permission,
            level_of(grant.permission),
            f"{who} on {self._names.called(grant)}",
            datetime.fromtimestamp(born / 1000, UTC) if born else None,
        )


def _fact(subject: str, value: str, rank: int, title: str, since: datetime | None = None) -> Fact:
    return Fact(
        RegressionKind.PERMISSION_WIDENED,
        escaped(subject),
        one_line(value, 60),
        rank,
        one_line(title, 160),
        since,
    )
