"""The steps that every DAG of ours shares after its first: plan, scan, conclude, notify, verdict.

DAG files import this beside dagspec; it imports airflow's SDK, which they have loaded anyway, and
nothing else at module level: the library comes in when a task runs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import result, task

from compline_airflow.dagspec import DagSpec


def after(run: Any, spec: DagSpec) -> None:
    """Adds the steps behind the task that opens the run.

    Conclude, notify and verdict run whatever became of the scans: a scan task that died leaves
    failed ledger rows, people are told, and only the verdict decides the DAG run's state.

    Args:
        run: what the opening task returns, the run's number.
        spec: pool and time limit of the scan tasks.
    """

    @task
    def plan(run: int) -> list[int]:
        from compline_airflow import steps

        return steps.plan(run)

    @task(pool=spec.pool, execution_timeout=timedelta(seconds=spec.shard_seconds))
    def scan(run: int, shard: int, ti: Any = None) -> None:
        from compline_airflow import steps

        steps.scan(run, shard, ti.try_number)

    @task(trigger_rule="all_done")
    def conclude(run: int | None) -> None:
        from compline_airflow import steps

        steps.conclude(run)

    @task(trigger_rule="all_done", retries=3)
    def notify() -> None:
        from compline_airflow import steps

        steps.notify()

    @result
    @task(trigger_rule="all_done", retries=0)
    def verdict(run: int | None) -> dict[str, Any]:
        from compline_airflow import steps

        return steps.verdict(run)

    scans = scan.partial(run=run).expand(shard=plan(run))
    scans >> conclude(run) >> notify() >> verdict(run)
