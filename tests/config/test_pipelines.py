"""Pipelines in compline.yaml: whose files are meant, and mistakes with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from compline.config.loader import ConfigError, load_config
from compline.pipeline.foresee import not_here

HEAD = """\
organisation: acme
targets:
  repositories: [{name: features, url: "https://example.org/features"}]
  airflow: [{name: orchestrator, url: "https://airflow.example.org", credential: env:A}]
  pipelines:
    - name: churn
      dag: churn
"""
NAMED = "      repository: features\n"
FLOW = "      flow: {hops: [{dataset: a, store: b, direction: read}]}\n"


def write(tmp_path: Path, rest: str, head: str = HEAD) -> Path:
    path = tmp_path / "compline.yaml"
    path.write_text(head + rest)
    return path


def test_files_lie_in_the_repository_or_beside_compline_yaml(tmp_path: Path) -> None:
    files = "      flow_file: flows/a.yaml\n      dag_file: dags/a.py\n"
    config = load_config(write(tmp_path, NAMED + files))
    [pipeline] = config.targets.pipelines
    assert (str(pipeline.flow_file), str(pipeline.dag_file)) == ("flows/a.yaml", "dags/a.py")
    assert list(pipeline.paths()) == []
    assert [what for what, _ in not_here(config, {"A": "x"})] == []

    config = load_config(write(tmp_path, files))
    [pipeline] = config.targets.pipelines
    assert pipeline.flow_file == tmp_path / "flows" / "a.yaml"
    assert len(list(not_here(config, {"A": "x"}))) == 2


NO_REPOSITORY = "repository: no repository is named 'feature'; did you mean 'features'?"
NO_AIRFLOW = "airflow: no airflow is named 'orchestra'; did you mean 'orchestrator'?"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("      repository: feature\n      flow_file: a.yaml\n", NO_REPOSITORY),
        (f"      airflow: orchestra\n{FLOW}", NO_AIRFLOW),
        (f"      airflow: orchestrator\n      dag_file: a.py\n{FLOW}", "give either `airflow`"),
        (f"{NAMED}{FLOW}", "`repository` needs a `flow_file` or `dag_file`"),
        (
            f"{NAMED}      flow_file: ../a.yaml\n",
            "9: targets.pipelines.0.flow_file: expected the path",
        ),
        (f"{NAMED}      flow_file: /etc/a.yaml\n", "inside the repository"),
        (f"{NAMED}      flow_file: a/../../a.yaml\n", "inside the repository"),
    ],
)
def test_mistakes(tmp_path: Path, rest: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(write(tmp_path, rest))
    assert said in str(raised.value)


def test_an_airflow_is_asked_for_a_dag(tmp_path: Path) -> None:
    head = HEAD.replace("      dag: churn\n", "      airflow: orchestrator\n")
    with pytest.raises(ConfigError) as raised:
        load_config(write(tmp_path, FLOW, head))
    assert "`airflow` needs the `dag`" in str(raised.value)
