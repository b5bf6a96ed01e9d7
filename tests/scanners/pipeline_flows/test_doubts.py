"""What a store's look did not see leaves those aspects of a hop unknown that it bears on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flows import CLEAN, HOP, found, gaps

from compline.model import Gap, GapReason
from compline.scanners.expectations.columns import remember
from compline.store.standing import Defect

PLACE = "hop/read customers warehouse"
ALL = {"transit", "rest", "access"}
STORES: dict[str, dict[str, Any]] = {
    "postgresql": {"url": "env:X"},
    "kafka": {"url": "env:X"},
    "redis": {"url": "env:X"},
    "s3": {"credential": "ambient"},
    "gcs": {"credential": "ambient", "project": "p"},
    "azure-blob": {"credential": "ambient", "account_url": "https://a.blob.core.windows.net"},
    "inventory": {"path": "x.csv"},
}


@pytest.fixture
def unknown_at(look_at: Any) -> Any:
    """The aspects of a hop to the resource `lake` that a store of a kind leaves unknown."""

    def look(kind: str, *seen: Gap, memory: bytes | None = None, **more: Any) -> set[str]:
        hop = {**HOP, "account": "", "classification": "", "resource": "lake"}
        standing = replace(CLEAN, gaps=seen, memory=memory)
        store = {"kind": kind, "policy": {}, **STORES[kind], **more}
        look = look_at(standing, store=store, dag_file=None, dag="", flow={"hops": [hop]})
        assert found(look) == set()
        return {place.removeprefix(f"{PLACE}/") for place in gaps(look)}

    return look


@pytest.mark.parametrize(
    ("kind", "place", "aspects"),
    [
        ("postgresql", "", ALL),
        ("postgresql", "certificate/", {"transit"}),
        ("postgresql", "hba/", {"transit", "access"}),
        ("postgresql", "setting/ssl_ciphers", {"transit"}),
        ("postgresql", "setting/shared_preload_libraries", set()),
        ("postgresql", "setting/", {"transit"}),
        ("postgresql", "role/", {"access"}),
        ("postgresql", "table/", {"access"}),
        ("postgresql", "table/lake/", {"access"}),
        ("postgresql", "table/pond/", set()),
        ("postgresql", "attestation/", {"rest"}),
        ("kafka", "listener/1/", {"transit", "access"}),
        ("kafka", "acl/", {"access"}),
        ("kafka", "topic/", {"transit"}),
        ("redis", "user/", {"access"}),
        ("s3", "bucket/", ALL),
        ("s3", "bucket/lake/", ALL),
        ("s3", "bucket/lake/encryption", {"rest"}),
        ("s3", "bucket/lake/objects", {"rest"}),
        ("s3", "bucket/lake/access/", {"access"}),
        ("s3", "bucket/lake/transport", {"transit"}),
        ("s3", "bucket/lake/access-log", set()),
        ("s3", "bucket/lakes/access/", set()),
        ("s3", "bucket/pond/", set()),
        ("s3", "key/arn:aws:kms:eu-1:1:key/2", set()),
        ("azure-blob", "account/a/transport", {"transit"}),
        ("azure-blob", "account/a/access-log", set()),
        ("gcs", "bucket/lake/access/", {"access"}),
    ],
)
def test_a_gap_counts_for_what_could_be_found_in_it(
    unknown_at: Any, kind: str, place: str, aspects: set[str]
) -> None:
    assert unknown_at(kind, Gap(GapReason.FORBIDDEN, place, "refused")) == aspects


def test_a_gap_beside_a_finding_does_not_undo_it(look_at: Any) -> None:
    standing = replace(
        CLEAN,
        gaps=(Gap(GapReason.FORBIDDEN, "hba/"),),
        defects=(Defect("tls-disabled", "setting/ssl", ("CWE-319",), ""),),
    )
    look = look_at(standing)
    assert found(look) == {("hop-in-clear", f"{PLACE}/transit")}
    assert list(gaps(look)) == [f"{PLACE}/access"]
    assert gaps(look)[f"{PLACE}/access"] == "the last look at warehouse did not see hba/: forbidden"


@pytest.mark.parametrize(
    ("told", "aspects"),
    [
        ([], ALL),
        (["unencrypted-at-rest"], {"transit", "access"}),
        (["unencrypted-at-rest", "unencrypted-in-transit", "public-access"], set()),
    ],
)
def test_a_file_tells_only_what_it_has_columns_for(
    unknown_at: Any, told: list[str], aspects: set[str]
) -> None:
    assert unknown_at("inventory", memory=remember({name: [] for name in told})) == aspects


def test_a_suite_that_does_not_ask_leaves_the_hop_unknown(unknown_at: Any, tmp_path: Path) -> None:
    """Whoever replaces the built-in rules by others has nobody look at transport."""
    suite = tmp_path / "own.yaml"
    suite.write_text(
        "expectations:\n"
        "  - {id: plain, frame: inventory, expect: ExpectColumnValuesToNotBeNull,\n"
        "     kwargs: {column: owner}, severity: low, title: t, remediation: r,\n"
        "     resource: 'resource/{resource}', cwe: [CWE-311]}\n"
    )
    assert unknown_at("inventory", suite=str(suite)) == {"transit", "access"}
