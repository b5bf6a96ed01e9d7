"""The gate's DAG, its operator and its task function, as Airflow has them."""

from __future__ import annotations

import json
import os
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
PROGRAM = """
import json, sys
from types import SimpleNamespace
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from compline_airflow.gate import ModelGate, model_gate

run = SimpleNamespace(dag_id="deploy", run_id="r1")
bag = DagBag(dag_folder=sys.argv[1])
dag = bag.dags["compliance_model_gate"]
decide, enforce = (dag.get_task(name).python_callable for name in ("decide", "enforce"))

def of(call):
    try:
        said = call()
    except (AirflowFailException, AirflowSkipException) as error:
        return [type(error).__name__, str(error)]
    return said and said["decision"]

form = {"model": "fraud", "version": "1", "target": None, "fail_unless_met": True}
decision = decide(dag_run=run, params=form)
gate = lambda **more: ModelGate(task_id="gate", model="fraud", last=True, **more)
print("SAID" + json.dumps({
    "errors": bag.import_errors,
    "upstream": sorted(dag.get_task("enforce").upstream_task_ids),
    "params": {name: dag.params.get_param(name).schema for name in dag.params},
    "decided": decision["decision"],
    "enforced": of(lambda: enforce(decision, params=form)),
    "told": of(lambda: enforce(decision, params={**form, "fail_unless_met": False})),
    "operator": of(lambda: gate(version="1").execute({"dag_run": run})),
    "skipped": of(lambda: gate(version="1", unless_met="skip").execute({"dag_run": run})),
    "task": of(lambda: model_gate.function("fraud", "1", "", "tell", True, dag_run=run)),
    "wrong": of(lambda: gate(version="9").execute({"dag_run": run})),

}))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, installed_tools: Path) -> Any:
    """What came of it over a folder whose model is not signed."""
    home = tmp_path_factory.mktemp("gate")
    (home / "fraud" / "1").mkdir(parents=True)
    (home / "fraud" / "1" / "model.safetensors").write_bytes(safetensors())
    (home / "work").mkdir()
    (home / "work" / "tools").symlink_to(installed_tools)
    empty_sqlite(home / "work" / "store" / "compline.db")
    enabled = ("model-guard",)
    raw = {
        "organisation": "acme",
        "workspace": "work",
        "targets": {"models": [{"name": "fraud", "url": "fraud"}]},
        "scanners": {name: {"enabled": name in enabled} for name in registry.names()},
        "gate": {"require": ["signature"]},
    }
    (home / "compline.yaml").write_text(yaml.safe_dump(raw))
    environment = os.environ | {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "COMPLINE_CONFIG": str(home / "compline.yaml"),
        "PYTHONPATH": str(ROOT / "include"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT / "dags" / "compliance_model_gate.py")],
        env=environment, capture_output=True, text=True, check=False, cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.rpartition("SAID")[2])


def test_the_dag_decides_and_then_fails_unless_met(said: Any) -> None:
    assert said["errors"] == {}
    assert said["upstream"] == ["decide"]
    assert set(said["params"]) == {"model", "version", "target", "fail_unless_met"}
    assert said["params"]["model"]["minLength"] == 1
    assert said["decided"]["verdict"] == "breached"
    assert said["decided"]["by"] == "deploy/r1"
    kind, text = said["enforced"]
    assert kind == "AirflowFailException"
    assert "the gate of fraud 1 is breached" in text
    assert "it is not signed" in text
    assert said["told"] is None


def test_the_operator_fails_skips_or_tells(said: Any) -> None:
    assert said["operator"][0] == "AirflowFailException"
    assert said["skipped"][0] == "AirflowSkipException"
    assert said["task"]["verdict"] == "breached"
    assert said["wrong"] == ["AirflowFailException", "fraud has no version '9'; there are: 1"]
