"""One DAG per schedule of compline.yaml: the whole organisation, every night."""

from datetime import datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, task
from compline_airflow.dagspec import load_dagspec

spec = load_dagspec()

for schedule in spec.schedules:

    @dag(
        dag_id=f"compliance_{schedule.name}",
        schedule=CronTriggerTimetable(schedule.cron, timezone=schedule.timezone),
        start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - the timetable carries the zone
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args={"retries": 1, "retry_delay": timedelta(minutes=1)},
        tags=["compliance"],
        doc_md=__doc__,
    )
    def compliance(name: str = schedule.name):
        """Discover, plan, scan, conclude, notify, verdict."""

        @task
        def begin(schedule_name: str, dag_run=None) -> str:
            from compline_airflow import steps

            return steps.begin(schedule_name, dag_run.run_id)

        @task
        def plan(run: str) -> list[int]:
            from compline_airflow import steps

            return steps.plan(run)

        @task(
            pool=spec.pool,
            map_index_template="{{ shard }}",
            execution_timeout=timedelta(seconds=spec.shard_seconds),
        )
        def scan(run: str, shard: int) -> None:
            from compline_airflow import steps

            steps.scan(run, shard)

        @task(trigger_rule="all_done")
        def conclude(run: str | None) -> None:
            from compline_airflow import steps

            steps.conclude(run)

        @task(trigger_rule="all_done", retries=3)
        def notify(run: str | None) -> None:
            from compline_airflow import steps

            steps.notify(run)

        @task(trigger_rule="all_done", retries=0)
        def verdict(run: str | None) -> dict:
            from compline_airflow import steps

            return steps.verdict(run)

        run = begin(name)
        scans = scan.partial(run=run).expand(shard=plan(run))
        scans >> conclude(run) >> notify(run) >> verdict(run)

    compliance()
