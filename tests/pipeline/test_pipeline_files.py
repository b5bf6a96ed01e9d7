"""A pipeline declared in a file of its repository, through whole nights with real git."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from compline.store.findings import FindingFilter, list_findings

STORE = "resource,encrypted_at_rest,encrypted_in_transit,public_access\nlake,true,true,false\n"
HOP = {"dataset": "features", "store": "buckets", "direction": "write", "resource": "lake"}
DAG = 'with DAG("churn"):\n    S3Hook(aws_conn_id="lake")\n'


def tree(*connections: str) -> dict[str, str]:
    flow = json.dumps({"hops": [HOP], "connections": list(connections)})
    return {"flows/churn.yaml": flow, "dags/churn.py": DAG, "README.md": "# Features\n"}


@pytest.fixture
def features(organisation: Any, tmp_path: Path) -> Any:
    """An organisation with a repository, a store and a pipeline that is declared in the one."""
    (tmp_path / "stores.csv").write_text(STORE)
    organisation.scanners = ("lineage", "data-expectations", "pipeline-flows")
    organisation.commit("features", tree("lake"))
    organisation.sections = {
        "targets": {
            "repositories": [
                {"name": "features", "url": organisation.url("features"), "branch": "main"}
            ],
            "pipelines": [
                {
                    "name": "churn",
                    "dag": "churn",
                    "repository": "features",
                    "flow_file": "flows/churn.yaml",
                    "dag_file": "dags/churn.py",
                }
            ],
            "data_stores": [
                {"name": "buckets", "kind": "inventory", "path": str(tmp_path / "stores.csv")}
            ],
        }
    }
    return organisation


def rules(organisation: Any) -> dict[str, str]:
    with organisation.session() as session:
        found = list_findings(session.store, FindingFilter(targets=("churn",)))
    return {one.rule: one.state.value for one in found}


def revisions(organisation: Any, night: Any) -> set[str]:
    """The commits that the evidence of the pipeline's look names."""
    with organisation.session() as session:
        documents = [
            json.loads(session.evidence.get(digest))
            for digest in night.row("churn", "pipeline-flows").evidence
        ]
    return {
        row["revision"] for one in documents for row in one.get("frames", {}).get("sources", ())
    }


def test_a_night_reads_the_head_that_it_has_just_seen(features: Any) -> None:
    first = features.night()
    assert first.row("churn", "pipeline-flows").outcome == "completed"
    assert revisions(features, first) == {features.git("features", "rev-parse", "main")}
    assert rules(features) == {}

    head = features.commit("features", tree())
    second = features.night()
    assert revisions(features, second) == {head}
    assert rules(features) == {"undeclared-connection": "open"}


@pytest.mark.parametrize("shards", [1, 100])
def test_whatever_shard_the_repository_is_in(features: Any, shards: int) -> None:
    features.sections["execution"] = {"processes": 1, "shard_targets": shards}
    night = features.night()
    assert night.row("churn", "pipeline-flows").outcome == "completed"
    assert revisions(features, night) == {features.git("features", "rev-parse", "main")}


def test_a_repository_that_does_not_answer_counts_as_it_was_last_looked_at(features: Any) -> None:
    features.night()
    head = features.git("features", "rev-parse", "main")
    away = features.path("features").with_suffix(".away")
    features.path("features").rename(away)

    night = features.night()
    assert night.outcomes[("features", "lineage")] == "failed"
    assert night.row("churn", "pipeline-flows").outcome == "completed"
    assert revisions(features, night) == {head}

    shutil.rmtree(features.home / "work" / "mirrors")
    row = features.night().row("churn", "pipeline-flows")
    assert row.outcome == "failed"
    assert "the repository features cannot be read" in row.reason


def test_a_mirror_that_is_gone_is_fetched_again(features: Any) -> None:
    features.night()
    shutil.rmtree(features.home / "work" / "mirrors")
    night = features.night(targets=("churn",))
    assert night.row("churn", "pipeline-flows").outcome == "completed"
    assert revisions(features, night) == {features.git("features", "rev-parse", "main")}


def test_a_repository_that_was_never_looked_at_is_failed(features: Any) -> None:
    row = features.night(targets=("churn",)).row("churn", "pipeline-flows")
    assert row.outcome == "failed"
    assert "run `compline scan features`" in row.reason
