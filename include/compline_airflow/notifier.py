"""A notifier for any DAG of the same Airflow: what it tells goes the way of all alerts.

    @dag(on_failure_callback=ComplineNotifier("the training pipeline failed"))

Airflow does not promise that callbacks are called, and only logs what they raise. Where telling
matters, call it in a last task with `trigger_rule="all_done"`: `ComplineNotifier(...).notify({})`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class ComplineNotifier(BaseNotifier):  # type: ignore[misc]  # mypy skips airflow
    """Writes an alert of the kind `reported` into the outbox, and delivers what is due.

    Args:
        message: what happened, one sentence; a template.
        severity: info, low, medium, high or critical, for the rules in compline.yaml.
        subject: what it is about; a template. Of one subject nothing more is told until it is well
            again; one that begins with `run:`, as the default does, is told once and is over.
        detail: more of it; a template.
        well: tells that the subject is well again, for instance as `on_success_callback`.
    """

    template_fields: Sequence[str] = ("message", "subject", "detail")

    def __init__(
        self,
        message: str = "{{ dag.dag_id }} failed",
        *,
        severity: str = "high",
        subject: str = "run:{{ dag.dag_id }}/{{ run_id }}",
        detail: str = "",
        well: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.message = message
        self.severity = severity
        self.subject = subject
        self.detail = detail
        self.well = well

    def notify(self, context: Context) -> None:
        """Tells it; what a channel refuses waits in the outbox, and the upkeep DAG tries again."""
        from compline_airflow import steps

        steps.report(self.subject, self.severity, self.message, self.detail, well=self.well)
