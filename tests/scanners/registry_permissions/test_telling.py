"""Facts of a registry: one per grant, however many users and models there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from compline.scanners.registries.facts import (
    Experiment,
    Grant,
    Member,
    Model,
    RegistryFacts,
    User,
)
from compline.scanners.registries.telling import facts_of


def facts(**changes: Any) -> RegistryFacts:
    return RegistryFacts(https=True, loopback=False, open_to_anyone=(), **changes)


def told(here: RegistryFacts) -> dict[str, tuple[str, int, str]]:
    return {fact.subject: (fact.value, fact.rank, fact.title) for fact in facts_of(here)}


def test_each_grant_names_who_what_and_how_much() -> None:
    here = facts(
        default_permission="READ",
        users=(User("root", True), User("ann", False)),
        grants=(
            Grant("ann", "registered_model", "fraud", "EDIT"),
            Grant("ann", "registered_model", "*", "USE", role="science"),
            Grant("ann", "experiment", "1", "READ", workspace="lab"),
        ),
        roles=(Grant("", "registered_model", "*", "USE", role="science"),),
        members=(Member("ann", "science"),),
        experiments=(Experiment("1", "training"),),
    )
    assert told(here) == {
        "default-permission": ("READ", 1, "every user on every model"),
        "user/root": ("administrator", 6, "root in the registry"),
        "user/ann": ("account", 0, "ann in the registry"),
        "grant/ann/registered_model/fraud": ("EDIT", 3, "ann on model fraud"),
        "grant/ann/lab:experiment/1": ("READ", 1, "ann on experiment 1 of lab (training)"),
        "role/science/registered_model/*": ("USE", 2, "the role science on every model"),
        "member/ann/science": ("member", 1, "ann in the role science (USE on every model)"),
    }


def test_the_widest_of_two_grants_on_one_thing() -> None:
    here = facts(
        grants=(
            Grant("ann", "registered_model", "fraud", "EDIT"),
            Grant("ann", "registered_model", "fraud", "READ"),
        )
    )
    assert told(here)["grant/ann/registered_model/fraud"][0] == "EDIT"


def test_a_permission_on_a_new_model_is_as_young_as_it() -> None:
    here = facts(
        grants=(
            Grant("ann", "registered_model", "fraud", "MANAGE"),
            Grant("ann", "registered_model", "*", "READ"),
        ),
        models=(Model("fraud", 1_735_689_600_000),),
    )
    assert [fact.since for fact in facts_of(here)] == [datetime(2025, 1, 1, tzinfo=UTC), None]


def test_what_is_hidden_is_no_fact() -> None:
    assert facts_of(facts()) == ()


def test_a_role_that_many_hold_is_not_multiplied() -> None:
    users = tuple(User(f"u{number}", False) for number in range(500))
    here = facts(
        users=users,
        grants=tuple(
            Grant(user.name, "registered_model", f"m{number}", "READ", role="science")
            for user in users
            for number in range(20)
        ),
        members=tuple(Member(user.name, "science") for user in users),
        models=tuple(Model(f"m{number}") for number in range(5000)),
    )
    assert len(facts_of(here)) == 500 + 20 + 500


def test_a_hostile_name_stays_one_line() -> None:
    here = facts(grants=(Grant("x\n\x1b[31m", "registered_model", "a\0b", "READ"),))
    ((subject, (_, _, title)),) = told(here).items()
    assert subject == "grant/x\\u000a\\u001b[31m/registered_model/a\\u0000b"
    assert "\n" not in title
    assert "\x1b" not in title
