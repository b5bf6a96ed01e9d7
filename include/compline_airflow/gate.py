"""The promotion gate in other DAGs: a task that fails, or skips what follows, unless it is met.

    from compline_airflow.gate import ModelGate

    ModelGate(task_id="gate", model="fraud", version="{{ params.version }}") >> deploy()

or, where the version comes from a task, `decision = model_gate("fraud", choose())`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator, task

if TYPE_CHECKING:
    from airflow.sdk import Context

Unless = Literal["fail", "skip", "tell"]


class ModelGate(BaseOperator):  # type: ignore[misc]  # mypy skips airflow
    """Decides whether a model version may be deployed; gives the decision, signature and all.

    Args:
        model: its name in its registry or folder; a template.
        version: its version there; a template.
        target: which target holds it, where several might; a template.
        unless_met: what happens where the gate is breached or unknown: the task fails, it and
            what follows are skipped, or the decision is only told.
        last: judge the last looks instead of looking now.
    """

    template_fields: Sequence[str] = ("model", "version", "target")
    ui_color = "#e8f0e4"

    def __init__(
        self,
        *,
        model: str,
        version: str = "",
        target: str = "",
        unless_met: Unless = "fail",
        last: bool = False,
        **more: Any,
    ) -> None:
        if unless_met not in ("fail", "skip", "tell"):
            raise ValueError(f"unless_met is fail, skip or tell, not {unless_met!r}")
        # A retry would look again at the same; what fails for a moment is unknown, and told.
        super().__init__(**{"retries": 0, **more})
        self.model = model
        self.version = version
        self.target = target
        self.unless_met = unless_met
        self.last = last

    def execute(self, context: Context) -> dict[str, Any]:
        """The decision, as `compline gate model --output` writes it."""
        run = context["dag_run"]
        by = f"{run.dag_id}/{run.run_id}"
        return decided(self.model, self.version, self.target, by, self.unless_met, last=self.last)


@task(retries=0)  # type: ignore[untyped-decorator]  # mypy skips airflow
def model_gate(
    model: str,
    version: str = "",
    target: str = "",
    unless_met: Unless = "fail",
    last: bool = False,
    dag_run: Any = None,
) -> dict[str, Any]:
    """`ModelGate` as a task function."""
    by = f"{dag_run.dag_id}/{dag_run.run_id}"
    return decided(model, version, target, by, unless_met, last=last)


def decided(
    model: str, version: str, target: str, by: str, unless_met: Unless, *, last: bool = False
) -> dict[str, Any]:
    """Holds the gate, and does as `unless_met` says.

    Raises:
        AirflowFailException: not met, or no such model; no retry would mend it.
        AirflowSkipException: not met.
    """
    from compline_airflow import steps

    return enforce(steps.gate(model, version, target, by, last=last), unless_met)


def enforce(decision: dict[str, Any], unless_met: Unless) -> dict[str, Any]:
    """The decision, if it is met or need not be; raises as `decided`."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    said: Mapping[str, Any] = decision["decision"]
    if said["verdict"] == "met" or unless_met == "tell":
        return decision
    why = "; ".join(
        f"{each['name']} {each['verdict']}: {each['reason']}"
        for each in said["requirements"]
        if each["verdict"] != "met"
    )
    text = f"the gate of {said['model']} {said['version']} is {said['verdict']}: {why}"
    raise (AirflowSkipException if unless_met == "skip" else AirflowFailException)(text)
