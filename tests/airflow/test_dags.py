"""Airflow itself takes our DAG files, and our notifier, as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from compline.config.loader import load_config
from compline.config.secrets import SecretResolver
from compline.pipeline.session import open_session
from compline.store.outbox import list_deliveries
from compline.store.schema import threads

ROOT = Path(__file__).parents[2]
LOOK = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
print("DAGS" + json.dumps({
    "errors": bag.import_errors,
    "dags": {
        dag.dag_id: {
            "schedule": getattr(dag.timetable, "expression", None) or str(dag.timetable),
            "tasks": {
                task.task_id: [task.trigger_rule.value, sorted(task.upstream_task_ids)]
                for task in dag.tasks
            },
        }
        for dag in bag.dags.values()
    },
}))
"""
TELL = """
import sys
from airflow.sdk import DAG
from compline_airflow.notifier import ComplineNotifier

context = {"dag": DAG("training", schedule=None), "run_id": sys.argv[1]}
ComplineNotifier("{{ dag.dag_id }} failed in {{ run_id }}", severity=sys.argv[2])(context)
ComplineNotifier("it failed", subject="training")(context)
ComplineNotifier("it failed", subject="training")(context)
if len(sys.argv) > 3:
    ComplineNotifier(subject="training", well=True)(context)
"""

FAIL = """
from compline.model import ScanKey
from compline.pipeline.sampled import Differing
from compline_airflow import steps

steps.refresh()
steps.recheck()
wrong = Differing("bandit", ScanKey("tool", "1"), "abc:python", ("B102 only in the cache",))
steps.refresh_step.refresh = lambda _session: {"advisories/osv": "it is away"}
steps.recheck_step.recheck = lambda _session: (wrong,)
for step in (steps.refresh, steps.recheck):
    try:
        step()
    except RuntimeError as error:
        print("FAILED", error)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home and a compline.yaml."""
    home = tmp_path_factory.mktemp("airflow")
    raw = {
        "organisation": "acme",
        "workspace": "work",
        "schedules": {"weekly": {"cron": "0 3 * * 0", "timezone": "Europe/Berlin"}},
        "health": {"upkeep_cron": "*/7 * * * *"},
    }
    (home / "compline.yaml").write_text(yaml.safe_dump(raw))
    return home


def run(home: Path, program: str, *arguments: str) -> str:
    environment = os.environ | {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "COMPLINE_CONFIG": str(home / "compline.yaml"),
        "PYTHONPATH": str(ROOT / "include"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment, capture_output=True, text=True, check=False, cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def bag(home: Path) -> Any:
    """What Airflow makes of the DAG files."""
    out = run(home, LOOK, str(ROOT / "dags"))
    return json.loads(out.rpartition("DAGS")[2])


def test_they_are_imported(bag: Any) -> None:
    assert bag["errors"] == {}
    assert set(bag["dags"]) == {
        "compliance_weekly",
        "compliance_adhoc",
        "compliance_upkeep",
        "compliance_model_gate",
    }


def test_upkeep_goes_on_whatever_failed(bag: Any) -> None:
    upkeep = bag["dags"]["compliance_upkeep"]
    assert upkeep["schedule"] == "*/7 * * * *"
    assert upkeep["tasks"] == {
        "tend": ["all_success", []],
        "watch": ["all_done", ["tend"]],
        "notify": ["all_done", ["watch"]],
        "keep_house": ["all_done", ["notify"]],
        "refresh": ["all_done", ["keep_house"]],
        "recheck": ["all_done", ["keep_house"]],
    }


def test_what_upkeep_finds_wrong_fails_its_own_task(home: Path) -> None:
    failed = [line for line in run(home, FAIL).splitlines() if line.startswith("FAILED")]
    assert failed == [
        "FAILED advisories/osv: it is away",
        "FAILED cached results that a new scan does not give again: bandit abc:python",
    ]


def test_a_night_notifies_whatever_failed(bag: Any) -> None:
    tasks = bag["dags"]["compliance_weekly"]["tasks"]
    assert tasks["notify"] == ["all_done", ["conclude"]]
    assert tasks["verdict"] == ["all_done", ["begin", "notify"]]


def test_the_notifier_tells_once_until_it_is_well(home: Path) -> None:
    run(home, TELL, "one", "high")
    run(home, TELL, "two", "low", "well")
    config = load_config(home / "compline.yaml")
    with open_session(config, SecretResolver({}), lambda _p: None) as session:
        told = [
            (one.event, one.payload["entries"][0]["title"], one.state)
            for one in reversed(list_deliveries(session.store))
        ]
        with session.store.reading() as connection:
            assert connection.scalars(select(threads.c.state)).all() == ["closed", "closed"]
    assert sorted(told) == [
        ("opened", "it failed", "delivered"),
        ("opened", "training failed in one", "delivered"),
        ("resolved", "it failed (training)", "delivered"),
    ], "low is below from_severity"
