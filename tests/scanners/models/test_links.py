"""What provenance says of the asset graph."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from compline.config.schema import Config
from compline.model import Link
from compline.scanners.lineage.known import KnownAssets
from compline.scanners.models.artifacts import Model, Version
from compline.scanners.models.guard.cards import read_card
from compline.scanners.models.guard.links import links_of
from compline.scanners.models.mlflow.run_data import of_inputs

URL = "https://git.example.org/ml/fraud.git"


def known(tmp_path: Path) -> KnownAssets:
    return KnownAssets(
        Config.model_validate(
            {
                "organisation": "acme",
                "workspace": str(tmp_path),
                "targets": {
                    "repositories": [{"name": "train", "url": URL}],
                    "data_stores": [
                        {
                            "name": "lake",
                            "kind": "s3",
                            "credential": "env:S3",
                            "buckets": [{"name": "claims"}],
                        }
                    ],
                },
            }
        )
    )


def test_data_and_listed_repositories_lead_to_their_version(tmp_path: Path) -> None:
    models = (Model("fraud", (Version("1"), Version("2")), served="1"),)
    origins = {
        ("fraud", "1"): {"dataset": "claims, people", "source": f"{URL}#training"},
        ("fraud", "2"): {"repository": "https://git.example.org/other"},
    }
    assert links_of(models, origins, known(tmp_path)) == (
        Link("dataset/claims", "model/fraud/1", "trained"),
        Link("dataset/people", "model/fraud/1", "trained"),
        Link("repository/train", "model/fraud/1", "made"),
        Link("model/fraud/1", "model/fraud", "is served as"),
    )


def test_a_card_names_its_repository(tmp_path: Path) -> None:
    origin = read_card(b"---\nrepository: git@git.example.org:ml/fraud\n---\n")
    models = (Model("fraud", (Version(""),), served=""),)
    (link,) = links_of(models, {("fraud", ""): origin}, known(tmp_path))
    assert link == Link("repository/train", "model/fraud", "made")


def test_what_holds_them_reaches_what_production_serves(tmp_path: Path) -> None:
    models = (Model("fraud", (Version("1"), Version("2")), served="2"),)
    holder = "model_registry/mlflow"
    assert links_of(models, {("fraud", "1"): {}, ("fraud", "2"): {}}, known(tmp_path), holder) == (
        Link(holder, "model/fraud/2", "holds"),
        Link("model/fraud/2", "model/fraud", "is served as"),
    )


def used(name: str, source: Any) -> dict[str, Any]:
    """A data set of a run, as MLflow's `runs/get` has it."""
    return {"dataset": {"name": name, "digest": "0", "source": json.dumps(source)}, "tags": []}


def test_every_data_set_of_a_run_with_the_store_that_it_lies_in(tmp_path: Path) -> None:
    origin = of_inputs(
        [
            used("people", {"uri": "s3://claims/people.parquet?X-Amz-Signature=0123"}),
            used("old", {"url": "https://ann:pw@files.example.org/old.csv"}),
            used("local", {"uri": "/data/x.csv"}),
            used("odd", ["s3://claims"]),
            {"dataset": {"name": "none", "source": "no JSON"}},
            {},
        ]
    )
    assert "pw" not in str(origin)
    assert "Signature" not in str(origin)
    models = (Model("fraud", (Version("1"),), served=""),)
    names = ("people", "old", "local", "odd", "none")
    assert set(links_of(models, {("fraud", "1"): origin}, known(tmp_path))) == {
        *(Link(f"dataset/{name}", "model/fraud/1", "trained") for name in names),
        Link("data_store/lake", "dataset/people", "holds"),
    }
    assert of_inputs(None) == {}


def test_a_card_names_what_it_was_made_from(tmp_path: Path) -> None:
    origin = read_card(b"\xef\xbb\xbf---\nbase_model: [org/bert, org/t5]\n---\n")
    models = (Model("fraud", (Version("1"),), served=""),)
    assert links_of(models, {("fraud", "1"): origin}, known(tmp_path)) == (
        Link("model/org/bert", "model/fraud/1", "is the base of"),
        Link("model/org/t5", "model/fraud/1", "is the base of"),
    )


def test_a_card_that_would_grow_without_end_is_not_read() -> None:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 20)}]" for n in range(8)]
    began = time.monotonic()
    assert read_card("\n".join(["---", *lines, "datasets: *a7", "---"]).encode()) == {}
    assert time.monotonic() - began < 1
    assert read_card(b"---\ndatasets: [[a, [b]], c]\n---\n") == {"dataset": "c"}
