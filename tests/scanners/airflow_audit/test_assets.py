"""Assets of Airflow as links, shaped as its API answers."""

from __future__ import annotations

from typing import Any

import pytest

from compline.config.schema import Config
from compline.model import GapReason, Link
from compline.scanners.airflow.asking import Answers
from compline.scanners.airflow.assets import links_of
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.lineage.known import KnownAssets

STORE = {"name": "lake", "kind": "s3", "credential": "ambient", "buckets": [{"name": "acme-lake"}]}


@pytest.fixture
def known() -> KnownAssets:
    targets = {"data_stores": [STORE]}
    return KnownAssets(Config.model_validate({"organisation": "acme", "targets": targets}))


def asset(**more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": 1,
        "name": "transactions",
        "uri": "s3://acme-lake/transactions",
        "scheduled_dags": [{"dag_id": "train", "created_at": "", "updated_at": ""}],
        "producing_tasks": [{"dag_id": "ingest", "task_id": "load"}],
        "consuming_tasks": [{"dag_id": "train", "task_id": "fit"}],
    }
    return given | more


def test_who_writes_and_who_uses(known: KnownAssets) -> None:
    assert links_of(Answers({"assets": [asset(), asset()]}), known) == (
        (
            Link("dag/ingest", "dataset/transactions", "writes"),
            Link("data_store/lake", "dataset/transactions", "holds"),
            Link("dataset/transactions", "dag/train", "is used by"),
        ),
        (),
    )


def test_a_bucket_that_is_not_listed_holds_nothing(known: KnownAssets) -> None:
    links, _ = links_of(Answers({"assets": [asset(uri="s3://other/x")]}), known)
    assert {link.how for link in links} == {"writes", "is used by"}


def test_assets_that_may_not_be_seen_are_a_gap(known: KnownAssets) -> None:
    links, [gap] = links_of(Answers({}, {"assets": "api/v2/assets answers 403"}), known)
    assert links == ()
    assert (gap.reason, gap.path) == (GapReason.FORBIDDEN, "asset/")


@pytest.mark.parametrize("odd", [asset(producing_tasks=None), asset(scheduled_dags=[{}]), "text"])
def test_another_shape_is_no_answer(known: KnownAssets, odd: Any) -> None:
    with pytest.raises(CannotCollect):
        links_of(Answers({"assets": [odd]}), known)
