"""Scan by hand: what, which revision, which scanners; gives clean, findings or incomplete."""

from datetime import datetime

from airflow.sdk import Param, dag, task

from compline_airflow.dagspec import SCANNERS, SEVERITIES, load_dagspec
from compline_airflow.flow import after

spec = load_dagspec()
OPTIONAL_TEXT = ["null", "string"]


def choice(names: tuple[str, ...], **texts: str) -> Param:
    """A multi-select; `items` makes the server refuse what the form does not offer."""
    items = {"type": "string", **({"enum": list(names)} if names else {})}
    return Param([], type=["null", "array"], examples=list(names), items=items, **texts)


@dag(
    dag_id="compliance_adhoc",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - never scheduled
    catchup=False,
    is_paused_upon_creation=False,
    tags=["compliance"],
    doc_md=__doc__,
    params={
        "targets": choice(
            spec.targets,
            title="Targets",
            description="Listed targets; none chosen and no address below: all of them",
        ),
        "other": Param(
            None,
            type=OPTIONAL_TEXT,
            title="Another repository or image",
            description="A URL or image reference that `adhoc.allow` permits; gets no credentials",
        ),
        "revision": Param(
            None,
            type=OPTIONAL_TEXT,
            title="Revision",
            description="Branch, tag or commit; empty: the tracked branch, which updates findings",
        ),
        "scanners": choice(
            SCANNERS, title="Scanners", description="None chosen: all that are enabled"
        ),
        "fail_at": Param(
            spec.fail_at,
            enum=list(SEVERITIES),
            title="Fail at",
            description="The least severity that makes the result `findings`",
        ),
        "fresh": Param(
            False, type="boolean", title="Fresh", description="Scan again whatever is cached"
        ),
    },
)
def compliance_adhoc() -> None:
    """Opens a run from the form and goes through every step."""

    @task(retries=0)
    def begin(dag_run=None, params=None) -> int:
        from compline_airflow import steps

        return steps.begin_adhoc(dag_run.run_id, dict(params))

    after(begin(), spec)


compliance_adhoc()
