"""The bodies of the DAGs' tasks: open a session, call one use case, say what came of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from compline.config.loader import ConfigError, load_config
from compline.config.schema import Config
from compline.config.secrets import SecretMissing
from compline.evidence.signing import SigningKeyUnusable
from compline.model import RegressionKind, RunResult, Severity
from compline.pipeline import conclude as conclude_step
from compline.pipeline import discover
from compline.pipeline import notify as notify_step
from compline.pipeline import plan as plan_step
from compline.pipeline import recheck as recheck_step
from compline.pipeline import refresh as refresh_step
from compline.pipeline import scan as scan_step
from compline.pipeline import upkeep as upkeep_step
from compline.pipeline.adhoc import request_from_form
from compline.pipeline.gate import hold
from compline.pipeline.progress import Progress, Report, to_file, to_lines
from compline.pipeline.request import BadRequest, Request
from compline.pipeline.session import Session, open_session
from compline.store.alarms import end_alarm, raise_alarm
from compline.store.engine import StoreError
from compline.store.runs import get_run
from compline_airflow.dagspec import config_path
from compline_airflow.own import ThisAirflow
from compline_airflow.resolver import airflow_resolver


def begin(schedule: str, airflow_run: str) -> int:
    """Opens the nightly run of a schedule."""
    with _session() as session:
        configured = session.config.schedules.get(schedule)
        if configured is None:
            # The DAG was parsed before compline.yaml changed, or from another one.
            raise AirflowFailException(
                f"compline.yaml has no schedule {schedule!r}; there are "
                f"{', '.join(session.config.schedules) or 'none'}"
            )
        targets = configured.targets
        request = Request(targets=tuple(targets), fail_at=session.config.execution.fail_at)
        return _begin(session, schedule, airflow_run, request)


def begin_adhoc(airflow_run: str, form: Mapping[str, Any]) -> int:
    """Opens an ad hoc run from the trigger form."""
    with _session() as session:
        try:
            request = request_from_form(session.config, form)
        except BadRequest as error:
            raise AirflowFailException(str(error)) from error
        return _begin(session, "adhoc", airflow_run, request)


def plan(run: int) -> list[int]:
    """The numbers of the shards to scan."""
    with _session() as session:
        return list(range(plan_step.plan(session, run)))


def scan(run: int, shard: int, try_number: int) -> None:
    """Scans and records one shard."""
    owner = f"{socket.gethostname()}/{os.getpid()}/{try_number}"
    with _session() as session:
        scan_step.scan_shard(session, run, shard, owner)


def conclude(run: int | None) -> None:
    """Gives the run its result."""
    if run is not None:
        with _session() as session:
            conclude_step.conclude(session, run)


def notify() -> None:
    """Routes and delivers alerts; fails, to be retried, while a channel refuses."""
    with _session() as session:
        waiting = notify_step.notify(session)
    if waiting:
        raise RuntimeError(f"{waiting} deliveries were refused and wait in the outbox")


def tend() -> None:
    """What lapses with time."""
    with _session() as session:
        upkeep_step.tend(session)


def watch() -> list[str]:
    """Alarms about Compline itself; gives what is not well."""
    with _session() as session:
        return [check.subject for check in upkeep_step.watch(session)]


def report(subject: str, severity: str, message: str, detail: str, *, well: bool) -> None:
    """What another DAG tells, or takes back; then delivers what is due."""
    with _session() as session:
        kind = RegressionKind.REPORTED
        if well:
            end_alarm(session.store, kind, subject)
        else:
            now = session.now()
            raise_alarm(session.store, kind, subject, Severity(severity), message, detail, now)
        notify_step.notify(session)


def keep_house() -> None:
    """Retention, once a day."""
    with _session() as session:
        upkeep_step.keep_house(session)


def refresh() -> None:
    """Advisories of live sources, ahead of a night; fails where one cannot be refreshed."""
    with _session() as session:
        failed = refresh_step.refresh(session)
    if failed:
        raise RuntimeError("; ".join(f"{subject}: {error}" for subject, error in failed.items()))


def recheck() -> None:
    """A sample of cached results, once a day; fails where one differs."""
    with _session() as session:
        differing = recheck_step.recheck(session)
    if differing:
        contents = ", ".join(f"{one.scanner} {one.content}" for one in differing)
        raise RuntimeError(f"cached results that a new scan does not give again: {contents}")


def verdict(run: int | None) -> dict[str, Any]:
    """The run's result with counts; the DAG run fails only if it is incomplete."""
    if run is None:
        raise AirflowFailException("the run did not begin; see the log of the task `begin`")
    with _session() as session:
        view = get_run(session.store, run)
    if view.result is None or view.result == RunResult.INCOMPLETE:
        failed = ", ".join(view.summary.get("failed", ())) or "the run was not concluded"
        raise AirflowFailException(f"run {run} is incomplete: {failed}")
    return {"run": run, "result": str(view.result), **view.summary}


def gate(model: str, version: str, target: str, by: str, *, last: bool = False) -> dict[str, Any]:
    """The promotion gate's decision, as `compline gate model --output` writes it."""
    with _session() as session:
        try:
            return hold(session, model, version, target=target, last=last, by=by).as_json()
        except (BadRequest, SigningKeyUnusable) as error:
            raise AirflowFailException(str(error)) from error


def _begin(session: Session, kind: str, airflow_run: str, request: Request) -> int:
    try:
        return discover.begin(session, kind, f"{kind}/{airflow_run}", request)
    except BadRequest as error:
        raise AirflowFailException(str(error)) from error


@contextmanager
def _session() -> Iterator[Session]:
    """A session for one task; what no retry can mend fails at once."""
    try:
        with open_session(_config(), airflow_resolver(), _report(), ThisAirflow()) as session:
            yield session
    except (SecretMissing, StoreError) as error:
        raise RuntimeError(str(error)) from error


def _config() -> Config:
    try:
        return load_config(config_path())
    except ConfigError as error:
        raise AirflowFailException(f"the configuration is not valid:\n{error}") from error


def _report() -> Report:
    """Into the task's log, and into the file that `make nightly` follows."""
    lines = to_lines(print)
    followed = os.environ.get("COMPLINE_PROGRESS", "")
    if not followed:
        return lines
    to_followed = to_file(Path(followed))

    def both(progress: Progress) -> None:
        lines(progress)
        to_followed(progress)

    return both
