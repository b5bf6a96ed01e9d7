"""Who may reach a hop's resource in every kind of store: by findings, policies, or nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flows import CLEAN, HOP, found, gaps

from compline.scanners.expectations.columns import remember
from compline.scanners.expectations.suite_file import built_in
from compline.store.standing import Defect

PLACE = "read customers warehouse"
URL = {"url": "env:X"}
EVERYTHING = remember({one.id: [] for one in built_in("inventory").expectations})
"""An inventory file with every column."""
STORES: dict[str, dict[str, Any]] = {
    "postgresql": URL,
    "kafka": URL,
    "redis": URL,
    "s3": {"credential": "ambient"},
    "gcs": {"credential": "ambient", "project": "p"},
    "azure-blob": {
        "credential": "ambient",
        "account_url": "https://a.blob.core.windows.net",
    },
    "inventory": {"path": "x.csv"},
    "dataset": {"path": "x.csv"},
}
RESOURCES = {"postgresql": "crm.customers", "s3": "lake/features", "gcs": "gs://lake/features"}


def entry(kind: str, **more: Any) -> dict[str, Any]:
    given = {"kind": kind, **STORES[kind], "policy": {}, **more}
    return {key: value for key, value in given.items() if value is not None}


@pytest.fixture
def hop_at(look_at: Any) -> Any:
    """A look at one hop to a store of a kind."""

    def look(kind: str, *defects: Defect, hop: Any = None, columns: Any = None, **more: Any) -> Any:
        resource = RESOURCES.get(kind, "lake")
        one = {**HOP, "account": "", "classification": "", "resource": resource, **(hop or {})}
        store = entry(kind, **more)
        outcome = "skipped" if kind == "dataset" else "completed"
        standing = replace(CLEAN, defects=defects, outcome=outcome, memory=EVERYTHING)
        given = {"dag_file": None, "dag": "", "flow": {"hops": [one]}}
        return look_at(standing, store=store, columns=columns, **given)

    return look


def only(*cwe: str, rule: str, subject: str) -> Defect:
    return Defect(rule, subject, cwe, "")


@pytest.mark.parametrize(
    ("kind", "rule", "subject", "cwe"),
    [
        ("postgresql", "unexpected-superuser", "role/eve", "CWE-250"),
        ("postgresql", "privileged-membership", "membership/pg_read_all_data/eve", "CWE-250"),
        ("postgresql", "account-powers", "account/eve", "CWE-250"),
        ("postgresql", "account-holds-more", "account/eve/crm.customers", "CWE-250"),
        ("postgresql", "no-row-security", "table/crm.customers", "CWE-284"),
        ("kafka", "acl-for-everyone", "acl/User:*/topic:lake/READ", "CWE-732"),
        ("kafka", "undeclared-acl", "acl/User:CN=a/b/topic:la*/READ", "CWE-284"),
        ("kafka", "acl-for-every-resource", "acl/User:eve/topic:*/READ", "CWE-732"),
        ("kafka", "undeclared-acl", "acl/User:eve/cluster:kafka-cluster/ALTER", "CWE-284"),
        ("kafka", "open-without-acl", "setting/1/allow.everyone.if.no.acl.found", "CWE-276"),
        ("redis", "dangerous-commands", "user/eve", "CWE-250"),
        ("redis", "protected-mode-off", "setting/protected-mode", "CWE-284"),
        ("s3", "public-read", "bucket/lake/access/everyone", "CWE-732"),
        ("gcs", "foreign-read", "bucket/lake/access/user:eve@example.org", "CWE-284"),
        ("azure-blob", "open-to-all-networks", "account/a/network", "CWE-284"),
        ("azure-blob", "shared-key-access", "account/a/shared-key", "CWE-287"),
        ("azure-blob", "public-read", "bucket/lake/access/anonymous", "CWE-732"),
        ("inventory", "public-access", "resource/lake", "CWE-732"),
    ],
)
def test_who_reaches_the_resource_breaks_the_hop(
    hop_at: Any, kind: str, rule: str, subject: str, cwe: str
) -> None:
    look = hop_at(kind, only(cwe, rule=rule, subject=subject))
    assert found(look) == {("hop-open-to-others", f"hop/{PLACE}/access")}
    assert hop_at(kind).outcome.gaps == ()


@pytest.mark.parametrize(
    ("kind", "rule", "subject", "cwe"),
    [
        ("postgresql", "undeclared-role", "role/eve", "CWE-284"),
        ("postgresql", "account-holds-more", "account/eve/crm.orders", "CWE-250"),
        ("postgresql", "undeclared-read-grant", "table/crm.orders/role/eve", "CWE-284"),
        ("kafka", "undeclared-acl", "acl/User:eve/topic:pond/READ", "CWE-284"),
        ("kafka", "undeclared-acl", "acl/User:eve/group:etl/READ", "CWE-284"),
        ("kafka", "topics-made-by-anybody", "setting/1/auto.create.topics.enable", "CWE-284"),
        ("s3", "public-read", "bucket/lakes/access/everyone", "CWE-732"),
        ("azure-blob", "no-access-log", "account/a/access-log", "CWE-778"),
        ("inventory", "public-access", "resource/other", "CWE-732"),
    ],
)
def test_who_reaches_something_else_does_not(
    hop_at: Any, kind: str, rule: str, subject: str, cwe: str
) -> None:
    assert found(hop_at(kind, only(cwe, rule=rule, subject=subject))) == set()


@pytest.mark.parametrize(
    ("classification", "breaks"), [("personal", True), ("training", False), ("", False)]
)
def test_members_of_roles_that_reach_data_of_the_hops_sort(
    hop_at: Any, classification: str, breaks: bool
) -> None:
    member = only(
        "CWE-284",
        rule="labelled-data-through-membership",
        subject="membership/crm/ann/personal",
    )
    look = hop_at("postgresql", member, hop={"classification": classification})

    open_ = ("hop-open-to-others", f"hop/{PLACE}/access")
    assert (open_ in found(look)) is breaks


def test_a_policy_that_declares_nobody_leaves_the_hop_in_doubt(hop_at: Any) -> None:
    silent = only("CWE-1059", rule="access-policy-undeclared", subject="policy/grants")
    look = hop_at("postgresql", silent)
    assert found(look) == set()
    assert list(gaps(look)) == [f"hop/{PLACE}/access"]
    assert "does not declare who may reach it" in gaps(look)[f"hop/{PLACE}/access"]


@pytest.mark.parametrize(
    ("kind", "policy", "accessors", "beyond"),
    [
        ("postgresql", {"grants": {"bi": {"crm.*": ["SELECT"]}}}, [], "bi"),
        ("postgresql", {"grants": {"bi": {"crm.*": ["SELECT"]}}}, ["b*"], ""),
        ("postgresql", {"grants": {"bi": {"hr.*": ["SELECT"], "crm.*": []}}}, [], ""),
        ("postgresql", {"grants": {"etl": {"crm.*": ["SELECT"]}}}, [], ""),
        ("kafka", {"grants": {"User:bi": {"topic:la*": ["READ"]}}}, [], "User:bi"),
        ("kafka", {"grants": {"User:bi": {"topic:la*": ["READ"]}}}, ["bi"], ""),
        ("kafka", {"grants": {"User:bi": {"group:lake": ["READ"]}}}, [], ""),
        ("kafka", {"grants": {}, "administrators": ["User:root"]}, [], "User:root"),
        ("redis", {"users": ["bi", "etl"]}, [], "bi"),
        ("s3", {"public_buckets": ["lake"]}, [], "everyone"),
        ("gcs", {"allowed_accounts": ["domain:example.org"]}, [], "domain:example.org"),
        ("azure-blob", {"allowed_accounts": ["x"]}, ["x"], ""),
        ("inventory", {"public_resources": ["lake"]}, [], "everyone"),
    ],
)
def test_whom_the_stores_policy_lets_in_and_the_flow_does_not_name(
    hop_at: Any, kind: str, policy: Any, accessors: list[str], beyond: str
) -> None:
    policy = {"accounts": ["etl"], **policy} if kind == "postgresql" else policy
    account = {"postgresql": "etl", "redis": "etl"}.get(kind, "")
    look = hop_at(kind, hop={"accessors": accessors, "account": account}, policy=policy)
    wanted = {("undeclared-accessor", f"declaration/{PLACE}/accessors")} if beyond else set()
    assert found(look) == wanted
    assert all(one.title.endswith(f"declares: {beyond}") for one in look.outcome.observations)
    unsaid = {"s3", "gcs", "azure-blob", "inventory"}
    assert ("declaration/" in " ".join(gaps(look))) == (kind in unsaid)


@pytest.mark.parametrize("kind", ["postgresql", "kafka", "redis"])
def test_accessors_without_a_policy_are_a_gap(hop_at: Any, kind: str) -> None:
    look = hop_at(kind, hop={"accessors": []})
    assert found(look) == set()
    assert "does not declare who" in gaps(look)[f"declaration/{PLACE}/accessors"]


@pytest.mark.parametrize(
    ("kind", "policy", "checked"),
    [
        ("postgresql", {"accounts": ["etl"]}, True),
        ("postgresql", {"accounts": ["x"]}, False),
        ("kafka", {"grants": {"User:etl": {"topic:lake": ["READ"]}}}, True),
        ("kafka", {}, False),
        ("redis", {"users": ["etl"]}, True),
        ("redis", {"users": []}, False),
        ("s3", {}, None),
        ("inventory", {}, None),
    ],
)
def test_whether_anybody_checks_the_account(
    hop_at: Any, kind: str, policy: Any, checked: bool | None
) -> None:
    look = hop_at(kind, hop={"account": "etl"}, policy=policy)
    wanted = (
        {("account-not-checked", f"declaration/{PLACE}/account")} if checked is False else set()
    )
    assert found(look) == wanted
    assert (f"declaration/{PLACE}/account" in gaps(look)) == (checked is None)


@pytest.mark.parametrize(
    ("kind", "more", "agree"),
    [
        ("kafka", {"policy": {"labels": {"la*": "personal"}}}, True),
        ("kafka", {"policy": {}}, False),
        ("s3", {"buckets": [{"name": "lake", "classification": ["personal", "model"]}]}, True),
        ("s3", {"buckets": [{"name": "lake", "classification": "model"}]}, False),
        ("s3", {"buckets": [{"name": "lake"}]}, None),
        ("gcs", {}, None),
        ("inventory", {}, None),
        ("redis", {}, None),
    ],
)
def test_classifications_agree(hop_at: Any, kind: str, more: Any, agree: bool | None) -> None:
    look = hop_at(kind, hop={"classification": "personal"}, **more)
    differs = {("classification-differs", f"declaration/{PLACE}/classification")}
    assert found(look) == (differs if agree is False else set())
    assert (f"declaration/{PLACE}/classification" in gaps(look)) == (agree is None)


def test_a_store_that_holds_it_unclassified_differs(hop_at: Any) -> None:
    unclassified = only("CWE-1059", rule="unclassified", subject="bucket/lake/classification")
    look = hop_at("s3", unclassified, hop={"classification": "personal"})
    assert {rule for rule, _ in found(look)} == {"classification-differs"}
    assert found(hop_at("s3", unclassified)) == set()


SEEN = only("CWE-359", rule="personal-data", subject="column/crm.customers/note/e-mail address")
CLEAR = only("CWE-311", rule="not-encrypted", subject="column/crm.customers/iban")
OTHER = only("CWE-311", rule="not-encrypted", subject="column/crm.customers_old/iban")


@pytest.mark.parametrize(
    ("classification", "defects", "differs"),
    [
        ("", (SEEN,), True),
        ("personal", (SEEN,), False),
        ("personal", (CLEAR,), True),
        ("", (OTHER,), False),
        ("", (), False),
    ],
)
def test_what_columns_hold_counts(
    hop_at: Any, classification: str, defects: tuple[Defect, ...], differs: bool
) -> None:
    policy = {"labels": {"crm.*": classification}} if classification else {}
    look = hop_at(
        "postgresql",
        hop={"classification": classification},
        columns=replace(CLEAN, defects=defects),
        policy=policy,
    )
    assert found(look) == ({("hop-content-differs", f"hop/{PLACE}/content")} if differs else set())


def test_a_file_of_data_tells_of_its_columns_alone(hop_at: Any) -> None:
    defect = only("CWE-359", rule="personal-data", subject="column/note/e-mail address")
    look = hop_at("dataset", columns=replace(CLEAN, defects=(defect,)))
    assert found(look) == {("hop-content-differs", f"hop/{PLACE}/content")}
    assert set(gaps(look)) == {f"hop/{PLACE}/{aspect}" for aspect in ("transit", "rest", "access")}
    assert "no settings or grants" in gaps(look)[f"hop/{PLACE}/rest"]


def test_columns_that_could_not_be_looked_into_are_a_gap(hop_at: Any) -> None:
    look = hop_at("postgresql", columns=replace(CLEAN, looked_at=None, outcome="failed"))
    assert list(gaps(look)) == [f"hop/{PLACE}/content"]
