"""May this model version be deployed? Met, breached or unknown, with the reasons, as evidence."""

from datetime import datetime

from airflow.sdk import Param, dag, result, task

OPTIONAL_TEXT = ["null", "string"]


@dag(
    dag_id="compliance_model_gate",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - never scheduled
    catchup=False,
    is_paused_upon_creation=False,
    tags=["compliance"],
    doc_md=__doc__,
    params={
        "model": Param(
            "",
            type="string",
            minLength=1,
            title="Model",
            description="As its registry or folder calls it",
        ),
        "version": Param(
            None,
            type=OPTIONAL_TEXT,
            title="Version",
            description="Empty only where the target is one model without versions",
        ),
        "target": Param(
            None,
            type=OPTIONAL_TEXT,
            title="Target",
            description="The registry or folder that holds it, where several might",
        ),
        "fail_unless_met": Param(
            True,
            type="boolean",
            title="Fail unless met",
            description="Otherwise the run succeeds with its decision, whatever that is",
        ),
    },
)
def compliance_model_gate() -> None:
    """Decides, keeps and tells; only then fails, so that the decision can be read in any case."""

    @result
    @task(retries=0)
    def decide(dag_run=None, params=None) -> dict:
        from compline_airflow import steps

        by = f"{dag_run.dag_id}/{dag_run.run_id}"
        return steps.gate(params["model"], params["version"] or "", params["target"] or "", by)

    @task(retries=0)
    def enforce(decision: dict, params=None) -> None:
        from compline_airflow import gate

        gate.enforce(decision, "fail" if params["fail_unless_met"] else "tell")

    enforce(decide())


compliance_model_gate()
