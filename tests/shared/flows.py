"""Looks at declared data flows: a pipeline, its store's standing, and what they are read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Look, Target, TargetKind
from compline.scanners.expectations import canary
from compline.scanners.interface import Job, no_trees
from compline.scanners.pipelines.scanner import PipelineFlows
from compline.store.standing import Standing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOP: dict[str, Any] = {
    "dataset": "customers", "store": "warehouse", "direction": "read", "resource": "crm.customers",
    "account": "etl", "classification": "personal",
}  # fmt: skip
FLOW: dict[str, Any] = {"hops": [HOP], "connections": ["warehouse"]}
POLICY = {"labels": {"crm.*": "personal"}, "accounts": ["etl"]}
CLEAN = Standing(NOW - timedelta(hours=2), "completed", (), ())
DAG = """
WAREHOUSE = "warehouse"
with DAG("churn"):
    SQLExecuteQueryOperator(task_id="a", conn_id=WAREHOUSE, sql="SELECT 1")
"""


@pytest.fixture
def look_at(
    context: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Look]:
    """One look at a pipeline; its settings are keyword arguments, `rules` its own policy."""
    monkeypatch.setattr(canary, "prove_built_in", lambda *_: None)
    dag = tmp_path / "churn.py"

    def look(
        standing: Any = CLEAN,
        *,
        columns: Any = None,
        source: str = DAG,
        policy: Any = POLICY,
        store: Any = None,
        trees: Any = no_trees,
        airflow: Any = None,
        own: Any = None,
        secrets: Any = None,
        rules: Any = None,
        seconds: int = 30,
        **given: Any,
    ) -> Look:
        dag.write_text(source)
        settings = {"dag": "churn", "dag_file": str(dag), "flow": FLOW, **given}
        settings["policy"] = rules or {}
        if airflow is not None:
            settings |= {"airflow": airflow["name"], "dag_file": None}
        warehouse = store or {"kind": "postgresql", "url": "env:X", "policy": policy}
        told = {"data-expectations": standing, "column-content": columns}
        targets = {
            "data_stores": [{"name": "warehouse", **warehouse}],
            "airflow": [airflow] if airflow else [],
        }
        asked = replace(
            context(
                None,
                targets=targets,
                secrets=secrets or {},
                scanners={"pipeline-flows": {"seconds": seconds}},
            ),
            standing=lambda names, scanner: {n: told[scanner] for n in names if told[scanner]},
            trees=trees,
            airflow=own,
        )
        target = Target(TargetKind.PIPELINE, "churn", "dag:churn", settings=settings)
        (result,) = PipelineFlows().scan([Job(target, "")], asked)
        return result

    return look


def found(look: Look) -> set[tuple[str, str]]:
    """(rule, subject) of a completed look."""
    assert isinstance(look.outcome, Completed), look.outcome
    return {(o.rule, o.subject) for o in look.outcome.observations}


def gaps(look: Look) -> dict[str, str]:
    """Path to detail of a completed look's gaps."""
    assert isinstance(look.outcome, Completed), look.outcome
    return {gap.path: gap.detail for gap in look.outcome.gaps}


def clean(look: Look) -> bool:
    """Whether nothing was found and nothing left out."""
    return found(look) == set() and not gaps(look)
