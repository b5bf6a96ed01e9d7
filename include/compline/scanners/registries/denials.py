"""Denials that were taken back: somebody may do more, though nobody granted anything. Pure.

MLflow puts a DENY before all else. Where one is gone, what else holds counts again: another grant,
the default. So denials are remembered from look to look; one that is not there any more is a fact
once more, of what its holder may do now.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict

from compline.model import Fact
from compline.scanners.registries.contents import Reach
from compline.scanners.registries.facts import Grant, RegistryFacts
from compline.scanners.registries.permissions import subject_of
from compline.scanners.registries.policy import LEVELS
from compline.scanners.registries.telling import fact_of

_DENY = "DENY"
_WORDS = {level: name for name, level in LEVELS.items() if name != _DENY}
_MOST = 20_000
"""Denials that are remembered."""


def taken_back(kept: bytes | None, facts: RegistryFacts) -> tuple[tuple[Fact, ...], bytes | None]:
    """What somebody may do now that it is not denied any more, and what to remember.

    Args:
        kept: what was remembered; None at the first look.
        facts: of the registry. Where they do not show whether a denial is still there, or what it
            was about, it stays remembered.
    """
    if facts.grants is None or facts.users is None:
        return (), kept
    now = {subject_of(grant): grant for grant in _denials(facts)}
    told: list[Fact] = []
    waiting = []
    for grant in _read(kept):
        if subject_of(grant) in now:
            continue
        if _unclear(grant, facts):
            waiting.append(grant)
        elif _is_there(grant, facts):
            told += _instead(grant, facts)
    return tuple(told), _written([*now.values(), *waiting][:_MOST])


def _denials(facts: RegistryFacts) -> Iterator[Grant]:
    direct = (grant for grant in facts.grants or () if not grant.role)
    for grant in (*direct, *(facts.roles or ())):
        if grant.permission == _DENY:
            yield grant


def _unclear(grant: Grant, facts: RegistryFacts) -> bool:
    if grant.role and (facts.roles is None or facts.members is None):
        return True
    return (
        facts.default_permission is None
        or (grant.resource_type == "registered_model" and facts.models is None)
        or (grant.resource_type == "experiment" and facts.experiments is None)
    )


def _is_there(grant: Grant, facts: RegistryFacts) -> bool:
    """Whether what was denied is; with a model go the denials of it, and nobody may do more."""
    if grant.pattern == "*":
        return True
    if grant.resource_type == "registered_model":
        return any(
            (one.workspace, one.name) == (grant.workspace, grant.pattern)
            for one in facts.models or ()
        )
    if grant.resource_type == "experiment":
        return any(one.id == grant.pattern for one in facts.experiments or ())
    return True


def _instead(grant: Grant, facts: RegistryFacts) -> Iterator[Fact]:
    level = max((_level(user, grant, facts) for user in _holders(grant, facts)), default=0)
    if level:
        word = _WORDS.get(level, "more than is known here")
        yield fact_of(grant, facts, f"{word}, which nothing denies any more", level)


def _holders(grant: Grant, facts: RegistryFacts) -> Collection[str]:
    """Who was denied it and has an account still; administrators pass every check anyway."""
    people = {user.name for user in facts.users or () if not user.admin}
    if not grant.role:
        return people & {grant.user}
    return people & {one.user for one in facts.members or () if one.role == grant.role_name}


def _level(user: str, grant: Grant, facts: RegistryFacts) -> int:
    kinds = (grant.resource_type, "workspace")
    held = (one for one in facts.grants or () if one.user == user and one.resource_type in kinds)
    return Reach(held, facts).level(grant.workspace, grant.pattern)


def _read(kept: bytes | None) -> Iterable[Grant]:
    try:
        return [Grant(**one) for one in json.loads(kept)] if kept else []
    except (ValueError, TypeError):
        return []  # of another version: they are remembered from now on


def _written(grants: Iterable[Grant]) -> bytes:
    told = sorted((asdict(grant) for grant in grants), key=lambda one: sorted(one.items()))
    return json.dumps(told).encode()
