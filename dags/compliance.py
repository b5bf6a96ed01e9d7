"""One DAG per schedule of compline.yaml: the whole organisation, every night."""

from datetime import datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from compline_airflow.dagspec import load_dagspec
from compline_airflow.flow import after

spec = load_dagspec()


def build(name: str, cron: str, timezone: str) -> None:
    """The DAG of one schedule."""

    @dag(
        dag_id=f"compliance_{name}",
        schedule=CronTriggerTimetable(cron, timezone=timezone),
        start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - the timetable carries the zone
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args={"retries": 1, "retry_delay": timedelta(minutes=1)},
        tags=["compliance"],
        doc_md=__doc__,
    )
    def compliance() -> None:
        """Opens the night's run and goes through every step."""

        @task
        def begin(dag_run=None) -> int:
            from compline_airflow import steps

            return steps.begin(name, dag_run.run_id)

        after(begin(), spec)

    compliance()


for schedule in spec.schedules:
    build(schedule.name, schedule.cron, schedule.timezone)
