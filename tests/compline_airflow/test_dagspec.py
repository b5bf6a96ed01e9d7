"""What shapes the DAGs: whatever stands in compline.yaml, there are DAGs that say what to mend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from compline.config.loader import ConfigError, load_config
from compline.config.schema import RESERVED_SCHEDULES
from compline_airflow import dagspec
from compline_airflow.dagspec import DagSpec, ScheduleSpec, load_dagspec

ROOT = Path(__file__).parents[2]
NIGHTLY = ScheduleSpec("nightly", "0 2 * * *", "UTC")


def spec_of(tmp_path: Path, text: str) -> DagSpec:
    path = tmp_path / "compline.yaml"
    path.write_text(text, encoding="utf-8")
    return load_dagspec(path)


def test_a_good_configuration(tmp_path: Path) -> None:
    text = """
organisation: acme
targets:
  repositories: [{name: web, url: https://h/web}]
  images: [{name: api, reference: h/api}]
schedules:
  nightly: {cron: 30 1 * * 1-5, timezone: Europe/Berlin}
  weekly.deep: {cron: "@weekly", targets: [web]}
execution: {pool: scans, shard_seconds: 600, fail_at: medium}
"""
    spec = spec_of(tmp_path, text)
    load_config(tmp_path / "compline.yaml")
    assert spec.schedules == (
        ScheduleSpec("nightly", "30 1 * * 1-5", "Europe/Berlin"),
        ScheduleSpec("weekly.deep", "@weekly", "UTC"),
    )
    assert spec.targets == ("web", "api")
    assert (spec.pool, spec.shard_seconds, spec.fail_at, spec.error) == ("scans", 600, "medium", "")


def test_no_schedules_are_no_schedules(tmp_path: Path) -> None:
    assert spec_of(tmp_path, "organisation: acme\nschedules: {}\n").schedules == ()
    assert load_config(tmp_path / "compline.yaml").schedules == {}


@pytest.mark.parametrize(
    "schedules",
    [
        "{nightly: {cron: nonsense}}",
        "{nightly: {cron: 99 2 * * *}}",
        "{nightly: {cron: 5}}",
        "{nightly: {timezone: Mars/Base}}",
        "{nightly: }",
        "{nightly: [], 'a/b': {}, adhoc: {}}",
        "{adhoc: {}}",
        "{a/b: {}}",
        "[nightly]",
        "",
    ],
)
def test_what_airflow_could_not_schedule_has_a_dag_that_fails_with_the_reason(
    tmp_path: Path, schedules: str
) -> None:
    spec = spec_of(tmp_path, f"organisation: acme\nschedules: {schedules}\n")
    assert spec.schedules == (NIGHTLY,)
    with pytest.raises(ConfigError):  # which is what the DAG's first task says
        load_config(tmp_path / "compline.yaml")


@pytest.mark.parametrize(
    "text", ["organisation: [\n", "- a\n", "", "a: &a [*a]\ntargets: 5\n", "targets: {images: [1]}"]
)
def test_a_broken_file(tmp_path: Path, text: str) -> None:
    spec = spec_of(tmp_path, text)
    assert spec.schedules == (NIGHTLY,)
    assert "compline config check" in spec.error


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    spec = load_dagspec(tmp_path / "compline.yaml")
    assert spec.schedules == (NIGHTLY,)
    assert "cannot be read" in spec.error


def test_the_reserved_names_are_the_same() -> None:
    assert dagspec._RESERVED == RESERVED_SCHEDULES


PARSE = """
import sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
bag = DagBag(sys.argv[1])
for dag in bag.dags.values():
    DagSerialization.serialize_dag(dag)
form = bag.dags["compliance_adhoc"].params
print(sorted(bag.dags), bag.import_errors, form["fail_at"])
"""


def test_airflow_itself_reads_the_dags_of_a_wrong_configuration(tmp_path: Path) -> None:
    """By its own parser and serialiser, where a cron expression first matters to it."""
    config = {
        "organisation": "acme",
        "schedules": {"nightly": {"cron": "99 * * * *"}, "late": {"timezone": "X"}, "a/b": {}},
        "execution": {"fail_at": "critical"},
    }
    (tmp_path / "compline.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARSE, str(ROOT / "dags")],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "COMPLINE_CONFIG": str(tmp_path / "compline.yaml"),
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == (
        "['compliance_adhoc', 'compliance_late', 'compliance_model_gate', "
        "'compliance_nightly', 'compliance_upkeep'] {} "
        "critical"
    )
