"""What a declared flow says of the asset graph."""

from __future__ import annotations

from typing import Any

from flows import FLOW, HOP

from compline.findings.graph import Graph
from compline.model import Link
from compline.scanners.pipelines.links import links_of

WRITE = {"dataset": "features", "store": "unlisted", "direction": "write", "resource": ""}


def test_a_store_reaches_what_is_made_of_its_data() -> None:
    flow = {"hops": [HOP, WRITE]}
    links = links_of("churn", flow, {"warehouse"}, "churn_dag", "features-code")
    assert links == (
        Link("pipeline/churn", "dag/churn_dag", "runs as"),
        Link("repository/features-code", "dag/churn_dag", "defines"),
        Link("data_store/warehouse", "dataset/customers", "holds"),
        Link("dataset/customers", "dag/churn_dag", "is used by"),
        Link("dag/churn_dag", "dataset/features", "writes"),
    )
    reached = Graph(links).reach("data_store/warehouse")
    assert [one.asset for one in reached] == [
        "dataset/customers",
        "dag/churn_dag",
        "dataset/features",
    ]


def test_a_pipeline_without_a_dag_stands_for_itself() -> None:
    assert links_of("churn", {"hops": [WRITE]}, (), "", "") == (
        Link("pipeline/churn", "dataset/features", "writes"),
    )


def test_a_look_says_so(look_at: Any) -> None:
    assert Link("dataset/customers", "dag/churn", "is used by") in look_at().outcome.links
    assert len(look_at(flow=FLOW).outcome.links) == 3
