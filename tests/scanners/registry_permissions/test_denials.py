"""Denials that are gone: what else holds counts again, unless what they were about is gone too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compline.scanners.registries.denials import taken_back
from compline.scanners.registries.facts import Grant, Member, Model, RegistryFacts, User

DENIED = Grant("ann", "registered_model", "fraud", "DENY")
HERE = RegistryFacts(
    https=True,
    loopback=False,
    open_to_anyone=(),
    users=(User("ann", False), User("root", True)),
    grants=(),
    roles=(),
    members=(),
    default_permission="READ",
    models=(Model("fraud"), Model("churn")),
    experiments=(),
)


def after(denied: RegistryFacts, now: RegistryFacts) -> list[tuple[str, str, int]]:
    """Facts of what was denied then and is not now; remembered through nights that hide it."""
    told, kept = taken_back(None, denied)
    assert told == ()
    hiding = replace(now, grants=None)
    assert taken_back(kept, hiding) == ((), kept)
    again, kept = taken_back(kept, replace(now, models=None))
    assert again == ()
    found, kept = taken_back(kept, now)
    assert taken_back(kept, now)[0] == (), "told once"
    return [(fact.subject, fact.value, fact.rank) for fact in found]


def holding(*grants: Grant, **more: Any) -> RegistryFacts:
    return replace(HERE, grants=grants, **more)


SUBJECT = "grant/ann/registered_model/fraud"
NOW = "which nothing denies any more"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (holding(), [(SUBJECT, f"READ, {NOW}", 1)]),
        (
            holding(Grant("ann", "registered_model", "*", "EDIT", role="science")),
            [(SUBJECT, f"EDIT, {NOW}", 3)],
        ),
        (holding(default_permission="NO_PERMISSIONS"), []),
        (holding(Grant("ann", "registered_model", "*", "DENY")), []),
        (holding(models=(Model("churn"),)), []),
        (holding(users=(User("root", True),)), []),
        (holding(users=(User("ann", True),)), []),
        (holding(DENIED), []),
    ],
)
def test_what_holds_instead(now: RegistryFacts, told: list[tuple[str, str, int]]) -> None:
    assert after(holding(DENIED), now) == told


def test_a_roles_denial_by_those_who_hold_it() -> None:
    role = Grant("", "registered_model", "fraud", "DENY", role="outside")
    denied = replace(HERE, roles=(role,), members=(Member("ann", "outside"),))
    assert after(denied, replace(denied, roles=())) == [
        ("role/outside/registered_model/fraud", f"READ, {NOW}", 1)
    ]
    assert after(denied, HERE) == [], "nobody holds it"


@pytest.mark.parametrize("kept", [b"", b"{", b"[1]", b'[{"of": "another version"}]'])
def test_what_was_kept_otherwise_is_forgotten(kept: bytes) -> None:
    assert taken_back(kept, HERE) == ((), b"[]")
