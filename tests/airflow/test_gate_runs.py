"""Real DAG runs through the gate: one that is met goes on, breached and unknown stop it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hostile_models import safetensors
from stores import empty_sqlite

from compline.scanners import registry

ROOT = Path(__file__).parents[2]
DEPLOY = """
from datetime import datetime
from airflow.sdk import Param, dag, task
from compline_airflow.gate import ModelGate, model_gate

@dag(dag_id="deploy", schedule=None, start_date=datetime(2026, 1, 1),
     params={"version": Param("1", type="string")})
def deploy():
    @task
    def roll_out(which):
        return which

    gate = ModelGate(task_id="operator", model="fraud", version="{{ params.version }}")
    gate >> roll_out.override(task_id="after_operator")("operator")

    @task
    def chosen(params=None):
        return params["version"]

    decision = model_gate.override(task_id="function")("fraud", chosen(), "", "skip")
    decision >> roll_out.override(task_id="after_function")("function")

deploy()
"""
RUNS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
said = {}
for name, dag_id, conf in json.loads(sys.argv[2]):
    run = bag.dags[dag_id].test(run_conf=conf)
    states = {one.task_id: str(one.state) for one in run.get_task_instances()}
    decide = next((one for one in run.get_task_instances() if one.task_id == "decide"), None)
    verdict = decide and decide.xcom_pull(task_ids="decide")
    said[name] = [str(run.state), states, verdict and verdict["decision"]["verdict"]]
print("SAID" + json.dumps(said))
"""
GATE = "compliance_model_gate"
CARD = b"---\nlicense: apache-2.0\n---\n"


def _gate(version: str, **more: Any) -> dict[str, Any]:
    return {"model": "fraud", "version": version, **more}


ASKED = [
    *((f"gate {v}", GATE, _gate(v)) for v in ("1", "2", "3", "9")),
    ("gate 2, told", GATE, _gate("2", fail_unless_met=False)),
    *((f"deploy {v}", "deploy", {"version": v}) for v in ("1", "2", "3")),
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, installed_tools: Path) -> Any:
    """By run: its state, its tasks' states, and the gate's verdict. Version 1 states its licence,
    version 2 does not, and of version 3 not all can be read."""
    home = tmp_path_factory.mktemp("runs")
    for version, card in (("1", CARD), ("2", b"no card"), ("3", CARD)):
        folder = home / "fraud" / version
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(safetensors())
        (folder / "README.md").write_bytes(card)
    (home / "fraud" / "3" / "more").symlink_to("/etc/hostname")
    (home / "work").mkdir()
    (home / "work" / "tools").symlink_to(installed_tools)
    empty_sqlite(home / "work" / "store" / "compline.db")
    raw = {
        "organisation": "acme",
        "workspace": "work",
        "targets": {"models": [{"name": "fraud", "url": "fraud"}]},
        "scanners": {name: {"enabled": name == "model-guard"} for name in registry.names()},
        "gate": {"require": ["licence"]},
    }
    (home / "compline.yaml").write_text(yaml.safe_dump(raw))
    dags = home / "dags"
    dags.mkdir()
    shutil.copy(ROOT / "dags" / f"{GATE}.py", dags)
    (dags / "deploy.py").write_text(DEPLOY)
    environment = os.environ | {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "COMPLINE_CONFIG": str(home / "compline.yaml"),
        "PYTHONPATH": str(ROOT / "include"),
    }
    airflow = Path(sys.executable).with_name("airflow")
    for command in (
        [airflow, "db", "migrate"],
        [airflow, "dags", "reserialize"],
        [sys.executable, "-c", RUNS, str(dags), json.dumps(ASKED)],
    ):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, cwd=home,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout.rpartition("SAID")[2])


def test_the_dag_of_a_good_model_succeeds_with_its_decision(said: Any) -> None:
    assert said["gate 1"] == ["success", {"decide": "success", "enforce": "success"}, "met"]


@pytest.mark.parametrize(("version", "verdict"), [("2", "breached"), ("3", "unknown")])
def test_the_dag_of_any_other_fails_and_gives_its_decision(
    said: Any, version: str, verdict: str
) -> None:
    tasks = {"decide": "success", "enforce": "failed"}
    assert said[f"gate {version}"] == ["failed", tasks, verdict]


def test_the_dag_may_only_tell(said: Any) -> None:
    tasks = {"decide": "success", "enforce": "success"}
    assert said["gate 2, told"] == ["success", tasks, "breached"]


def test_a_version_that_is_not_there_fails_at_once(said: Any) -> None:
    state, tasks, verdict = said["gate 9"]
    assert (state, tasks["decide"], verdict) == ("failed", "failed", None)


def test_another_dag_goes_on_only_where_the_gate_is_met(said: Any) -> None:
    state, tasks, _ = said["deploy 1"]
    assert state == "success"
    assert set(tasks.values()) == {"success"}
    for version in ("2", "3"):
        state, tasks, _ = said[f"deploy {version}"]
        assert state == "failed"
        assert (tasks["operator"], tasks["after_operator"]) == ("failed", "upstream_failed")
        assert (tasks["function"], tasks["after_function"]) == ("skipped", "skipped")
