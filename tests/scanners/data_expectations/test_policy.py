"""A policy bound to a suite: defaults, types, and what is left out when nothing is declared."""

from __future__ import annotations

from typing import Any

import pytest

from compline.scanners.expectations.policy import PolicyError, bind
from compline.scanners.expectations.suite_file import built_in

SUITE = built_in("postgresql")


def test_defaults_hold_and_the_undeclared_is_left_out() -> None:
    bound = bind(SUITE, {})

    assert set(bound.left_out) == {
        "undeclared-role",
        "undeclared-schema-grant",
        "undeclared-read-grant",
        "undeclared-write-grant",
        "account-holds-more",
        "no-row-security",
        "labelled-data-beyond-readers",
        "labelled-data-through-membership",
    }
    by_id = {expectation.id: expectation for expectation in bound.expectations}
    assert by_id["unexpected-superuser"].kwargs["value_set"] == ["postgres"]
    rows = {row["item"]: row for row in bound.policy_rows()}
    assert rows["roles"] == {"item": "roles", "declared": False, "value": ""}
    assert rows["superusers"]["value"] == '["postgres"]'


def test_what_is_declared_takes_the_place() -> None:
    bound = bind(
        SUITE,
        {
            "superusers": ["root"],
            "roles": [],
            "grants": {},
            "labels": {},
            "encrypted_at_rest": False,
        },
    )

    assert bound.left_out == ()
    by_id = {expectation.id: expectation for expectation in bound.expectations}
    assert by_id["unexpected-superuser"].kwargs == {"column": "name", "value_set": ["root"]}
    assert by_id["undeclared-role"].kwargs["value_set"] == []
    rows = {row["item"]: row for row in bound.policy_rows()}
    assert rows["encrypted_at_rest"] == {
        "item": "encrypted_at_rest",
        "declared": True,
        "value": "false",
    }


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"superuser": []}, "did you mean 'superusers'?"),
        ({"zzz": []}, "there are account_powers, accounts, attestation_days"),
        ({"superusers": "postgres"}, "superusers must be a list of names"),
        ({"superusers": [1]}, "superusers must be a list of names"),
        ({"encrypted_at_rest": "yes"}, "encrypted_at_rest must be true or false"),
        ({"grants": {"etl": ["SELECT"]}}, "grants must be {role: {resource"),
        ({"grants": {"etl": {"t": "SELECT"}}}, "grants must be {role: {resource"),
        ({"labels": {"crm.*": ["personal"]}}, "labels must be {pattern: word}"),
        ({"readers": {"personal": "etl"}}, "readers must be {name: [name, ...]}"),
        ({"certificate_days": True}, "certificate_days must be a whole number"),
        ({"attested": {"disk": {"by": "ann"}}}, "attested must be {item: {encrypted: true"),
        ({"attested": {"disk": {"encrypted": True, "on": "today"}}}, "attested must be"),
        ({"attested": {"disk": {"encrypted": True, "of": 1}}}, "attested must be"),
    ],
)
def test_a_policy_that_is_not_understood(policy: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        bind(SUITE, policy)
    assert message in str(caught.value)
