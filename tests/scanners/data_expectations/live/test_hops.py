"""A hop to a real PostgreSQL server: what its looks found is understood as what breaks the hop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flows import CLEAN, HOP, gaps
from flows import found as rules_of
from flows import look_at as look_at_flow  # noqa: F401 - the fixture

from compline.model import Completed, Look
from compline.store.standing import Defect, Standing


def standing(look: Look) -> Standing:
    """How the store stands after this look."""
    assert isinstance(look.outcome, Completed), look.outcome
    seen = look.outcome.observations
    return replace(
        CLEAN,
        gaps=look.outcome.gaps,
        defects=tuple(Defect(o.rule, o.place.path, o.cwe, o.title) for o in seen),
    )


@pytest.fixture
def crm(good: Any) -> Any:
    """A server with a table of addresses that everybody may read."""
    good.run(
        "CREATE SCHEMA crm",
        "GRANT USAGE ON SCHEMA crm TO compline_reader",
        "CREATE TABLE crm.customers AS SELECT 'p' || i || '@example.org' AS mail"
        " FROM generate_series(1, 50) AS i",
        "CREATE TABLE crm.orders AS SELECT 1 AS n",
        "GRANT SELECT ON crm.customers TO PUBLIC",
        "GRANT SELECT ON crm.orders TO compline_reader",
    )
    yield good
    good.run("DROP SCHEMA crm CASCADE")


def test_what_is_found_in_the_server_breaks_the_hop_that_it_is_about(
    crm: Any,
    look_at: Any,
    look_into: Any,
    look_at_flow: Any,  # noqa: F811 - the fixture
) -> None:
    policy = {"grants": {}, "roles": ["postgres"], "labels": {}, "accounts": ["etl"]}
    settings = look_at(url=crm.url(), policy=policy)
    columns = look_into(url=crm.url(), content={"tables": ["crm.*"], "rows": 50, "columns": {}})
    hops = [
        {**HOP, "resource": table, "dataset": table, "account": "", "classification": ""}
        for table in ("crm.customers", "crm.orders")
    ]

    look = look_at_flow(
        standing(settings),
        columns=standing(columns),
        policy=policy,
        flow={"hops": hops, "connections": ["warehouse"]},
    )

    assert rules_of(look) == {
        ("hop-open-to-others", "hop/read crm.customers warehouse/access"),
        ("hop-content-differs", "hop/read crm.customers warehouse/content"),
        ("hop-unencrypted-at-rest", "hop/read crm.customers warehouse/rest"),
        ("hop-open-to-others", "hop/read crm.orders warehouse/access"),
        ("hop-unencrypted-at-rest", "hop/read crm.orders warehouse/rest"),
    }
    assert gaps(look) == {}
