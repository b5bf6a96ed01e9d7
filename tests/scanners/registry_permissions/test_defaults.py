"""Whom to ask about to learn what an MLflow server grants by itself."""

from __future__ import annotations

import pytest

from compline.scanners.registries.defaults import stranger, witnesses
from compline.scanners.registries.facts import Grant, User

USERS = (User("ann", False), User("bob", False), User("root", True))


@pytest.mark.parametrize(
    ("grants", "asked"),
    [
        ([], "ann"),
        ([Grant("ann", "registered_model", "fraud", "READ")], "ann"),
        ([Grant("ann", "registered_model", "*", "DENY")], "bob"),
        ([Grant("ann", "registered_model", "*", "READ", workspace="lab")], "ann"),
        ([Grant("ann", "workspace", "*", "MANAGE", role="keepers")], "bob"),
        ([Grant(user.name, "registered_model", "*", "READ") for user in USERS], None),
    ],
)
def test_an_account_without_a_grant_that_fits(grants: list[Grant], asked: str | None) -> None:
    assert stranger(USERS, grants) == asked


READ = Grant("ann", "registered_model", "fraud", "READ", workspace="lab")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (Grant("ann", "registered_model", "churn", "EDIT", workspace="lab"), True),
        (Grant("bob", "registered_model", "fraud", "EDIT", workspace="lab"), True),
        (Grant("ann", "registered_model", "fraud", "EDIT"), True),
        (Grant("ann", "registered_model", "fraud", "EDIT", workspace="lab", role="x"), False),
        (Grant("ann", "registered_model", "*", "USE", workspace="lab"), False),
        (Grant("ann", "registered_model", "*", "DENY", workspace="lab"), False),
        (Grant("ann", "workspace", "*", "MANAGE", workspace="lab"), False),
    ],
)
def test_a_grant_on_which_lifting_shows(more: Grant, told: bool) -> None:
    assert (READ in witnesses([READ, more])) is told


def test_what_cannot_be_lifted_is_not_asked() -> None:
    grants = [
        Grant("ann", "registered_model", "fraud", "MANAGE"),
        Grant("bob", "registered_model", "fraud", "DENY"),
        Grant("bob", "workspace", "*", "USE"),
    ]
    assert witnesses(grants) == []


def test_the_lowest_and_surest_come_first() -> None:
    grants = [
        Grant(f"user{number}", "registered_model", pattern, permission)
        for number, (pattern, permission) in enumerate(
            [("fraud", "EDIT"), ("fraud", "READ"), ("*", "READ"), ("*", "USE")]
        )
    ]
    assert [(one.pattern, one.permission) for one in witnesses(grants)] == [
        ("*", "READ"),
        ("fraud", "READ"),
        ("*", "USE"),
    ]
