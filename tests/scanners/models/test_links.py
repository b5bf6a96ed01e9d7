"""What provenance says of the asset graph."""

from __future__ import annotations

from pathlib import Path

from compline.config.schema import Config
from compline.model import Link
from compline.scanners.lineage.known import KnownAssets
from compline.scanners.models.artifacts import Model, Version
from compline.scanners.models.cards import read_card
from compline.scanners.models.links import links_of

URL = "https://git.example.org/ml/fraud.git"


def known(tmp_path: Path) -> KnownAssets:
    return KnownAssets(
        Config.model_validate(
            {
                "organisation": "acme",
                "workspace": str(tmp_path),
                "targets": {"repositories": [{"name": "train", "url": URL}]},
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
