"""What DAG files need of compline.yaml, by the standard library and a YAML parser, in milliseconds.

The DAG processor parses DAG files again and again; so nothing here validates, connects or imports
the library. A configuration that cannot be read yields a specification with an `error`, and the
DAGs built from it fail in their first task with that message instead of as an import error.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from compline.config.cron import check_cron, check_timezone

_GROUPS = (
    "repositories",
    "images",
    "data_stores",
    "model_registries",
    "endpoints",
    "airflow",
    "logs",
    "models",
    "pipelines",
)
SCANNERS = (
    "bandit",
    "semgrep",
    "pip-audit",
    "trivy",
    "trivy-image",
    "lineage",
    "data-expectations",
    "column-content",
    "registry-permissions",
    "airflow-audit",
    "log-secrets",
    "model-access",
    "endpoint-guard",
    "endpoint-dynamic",
    "modelaudit",
    "picklescan",
    "model-guard",
    "pipeline-flows",
)
"""The registry's names; a test holds that they are the same. Here since importing it is dear."""
_CRON, _TIMEZONE = "0 2 * * *", "UTC"
_SCHEDULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESERVED = ("adhoc", "upkeep", "gate", "model_gate")
SEVERITIES = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True)
class ScheduleSpec:
    """One DAG `compliance_<name>`."""

    name: str
    cron: str
    timezone: str


_DEFAULT = (ScheduleSpec("nightly", _CRON, _TIMEZONE),)


@dataclass(frozen=True)
class DagSpec:
    """The part of the configuration that shapes the DAGs."""

    path: Path
    schedules: tuple[ScheduleSpec, ...]
    targets: tuple[str, ...]
    pool: str = "default_pool"
    """Airflow pool that bounds how many shards are scanned at once."""
    shard_seconds: int = 6 * 3600
    """Time limit of one scan task."""
    fail_at: str = "high"
    """What the trigger form proposes."""
    upkeep_cron: str = "*/15 * * * *"
    error: str = ""


def config_path() -> Path:
    """compline.yaml: named by COMPLINE_CONFIG, else beside the folder that holds the DAGs."""
    named = os.environ.get("COMPLINE_CONFIG", "")
    if named:
        return Path(named)
    dags = os.environ.get("AIRFLOW__CORE__DAGS_FOLDER", "dags")
    return Path(dags).resolve().parent / "compline.yaml"


def load_dagspec(path: Path | None = None) -> DagSpec:
    """Never raises: what is wrong is in `error`, and the default schedule is then assumed."""
    path = path or config_path()
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe one
        if not isinstance(raw, dict):
            raise TypeError("expected a mapping of sections")  # noqa: TRY301
        execution = raw.get("execution") or {}
        health = raw.get("health") or {}
        return DagSpec(
            path,
            _schedules(raw["schedules"]) if "schedules" in raw else _DEFAULT,
            _targets(raw),
            pool=str(execution.get("pool") or DagSpec.pool),
            shard_seconds=int(execution.get("shard_seconds", DagSpec.shard_seconds)),
            fail_at=_fail_at(execution),
            upkeep_cron=str(health.get("upkeep_cron", DagSpec.upkeep_cron)),
        )
    except (OSError, UnicodeDecodeError) as error:
        return DagSpec(path, _DEFAULT, (), error=f"{path}: cannot be read: {error}")
    except (
        yaml.YAMLError,
        TypeError,
        ValueError,
        AttributeError,
        KeyError,
        RecursionError,
    ) as error:
        message = f"{path}: {error} (run `compline config check`)"
        return DagSpec(path, _DEFAULT, (), error=message)


def _schedules(given: dict[str, Any]) -> tuple[ScheduleSpec, ...]:
    """What Airflow can schedule; what it cannot has a DAG too, whose first task says what to mend.

    A name that no DAG can have is left out: it is in the message of the others.
    """
    found = tuple(
        _schedule(str(name), entry)
        for name, entry in given.items()
        if _SCHEDULE.fullmatch(str(name)) and name not in _RESERVED
    )
    return found or (_DEFAULT if given else ())


def _schedule(name: str, entry: Any) -> ScheduleSpec:
    try:
        cron, timezone = entry.get("cron", _CRON), entry.get("timezone", _TIMEZONE)
        return ScheduleSpec(name, check_cron(cron), check_timezone(timezone))
    except (ValueError, TypeError, AttributeError):
        return ScheduleSpec(name, _CRON, _TIMEZONE)


def _targets(raw: dict[str, Any]) -> tuple[str, ...]:
    groups = raw.get("targets") or {}
    return tuple(str(entry["name"]) for group in _GROUPS for entry in groups.get(group) or ())


def _fail_at(execution: dict[str, Any]) -> str:
    given = execution.get("fail_at")
    return given if given in SEVERITIES else DagSpec.fail_at
