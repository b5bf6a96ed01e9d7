"""What time alone brings about: expiries, deadlines, alarms about silence, late deliveries."""

from datetime import datetime

from airflow.sdk import CronTriggerTimetable, dag, task

from compline_airflow.dagspec import load_dagspec

spec = load_dagspec()


@dag(
    dag_id="compliance_upkeep",
    schedule=CronTriggerTimetable(spec.upkeep_cron, timezone="UTC"),
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - the timetable carries the zone
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["compliance"],
    doc_md=__doc__,
)
def compliance_upkeep() -> None:
    """Each step runs whatever became of those before; alerts go out last."""

    @task
    def tend() -> None:
        from compline_airflow import steps

        steps.tend()

    @task(trigger_rule="all_done")
    def watch() -> list[str]:
        from compline_airflow import steps

        return steps.watch()

    @task(trigger_rule="all_done")
    def notify() -> None:
        from compline_airflow import steps

        steps.notify()

    @task(trigger_rule="all_done")
    def keep_house() -> None:
        from compline_airflow import steps

        steps.keep_house()

    # Last, since they may take minutes: what they find goes out a round later.
    @task(trigger_rule="all_done")
    def refresh() -> None:
        from compline_airflow import steps

        steps.refresh()

    @task(trigger_rule="all_done")
    def recheck() -> None:
        from compline_airflow import steps

        steps.recheck()

    tend() >> watch() >> notify() >> keep_house() >> [refresh(), recheck()]


compliance_upkeep()
