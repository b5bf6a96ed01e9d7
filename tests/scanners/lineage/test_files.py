"""What DVC files, model cards and image labels say, and what hostile ones cannot."""

from __future__ import annotations

import time
from typing import Any

import pytest

from compline.config.schema import Config
from compline.model import Link
from compline.scanners.lineage import cards, dvc, labels
from compline.scanners.lineage.known import KnownAssets, address
from compline.scanners.lineage.yaml_text import Unreadable, load

TARGETS = {
    "repositories": [
        {"name": "features", "url": "https://git.example.org/ml/features.git"},
        {"name": "api", "url": "ssh://git@git.example.org/ml/api"},
    ],
    "images": [
        {"name": "base", "reference": "registry.example.org/base:1"},
        {"name": "python", "reference": "python"},
    ],
    "data_stores": [
        {"name": "lake", "kind": "s3", "credential": "env:S3", "buckets": [{"name": "claims"}]},
        {
            "name": "google",
            "kind": "gcs",
            "credential": "env:G",
            "project": "p1",
            "buckets": [{"name": "claims"}],
        },
        {
            "name": "azure",
            "kind": "azure-blob",
            "credential": "env:A",
            "account_url": "https://acme.blob.core.windows.net",
            "buckets": [{"name": "claims"}],
        },
    ],
}


@pytest.fixture
def known() -> KnownAssets:
    return KnownAssets(Config.model_validate({"organisation": "acme", "targets": TARGETS}))


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://git.example.org/ml/features", "features"),
        ("git@git.example.org:ml/features.git", "features"),
        ("https://GIT.example.org/ml/api.git/", "api"),
        ("ssh://git@git.example.org:2222/ml/features.git", "features"),
        ("git+https://git.example.org:443/ml/features", "features"),
        ("https://git.example.org:8443/ml/features", ""),
        ("https://git.example.org/ml/other", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_addresses_however_they_are_written(known: KnownAssets, url: str, same: str) -> None:
    assert known.repository(url) == (f"repository/{same}" if same else "")


def test_an_address_keeps_no_credential() -> None:
    assert address("https://ann:pw@git.example.org/a/b.git") == "git.example.org/a/b"


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("s3://claims/dvc", "lake"),
        ("s3a://claims/x", "lake"),
        ("gs://claims", "google"),
        ("abfss://claims@acme.dfs.core.windows.net/x", "azure"),
        ("s3://other/x", ""),
        ("ssh://claims/x", ""),
        ("/data/claims", ""),
        ("s3://[", ""),
    ],
)
def test_a_bucket_belongs_to_a_store_of_its_kind(known: KnownAssets, url: str, store: str) -> None:
    assert known.store(url) == (f"data_store/{store}" if store else "")


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("registry.example.org/base:1", "base"),
        ("docker.io/library/python:latest", "python"),
        ("library/python", "python"),
        ("python:3.11", ""),
        ("registry.example.org/base", ""),
        ("registry.example.org/base@sha256:00", ""),
    ],
)
def test_an_image_however_it_is_written(known: KnownAssets, reference: str, image: str) -> None:
    assert known.image(reference) == (f"image/{image}" if image else "")


def test_tracked_data(known: KnownAssets) -> None:
    text = (
        "outs:\n- path: train.csv\n  md5: 1\n"
        "deps:\n- path: x\n  repo: {url: 'https://git.example.org/ml/features'}\n"
    )
    assert set(dvc.links("fraud", "data/train.csv.dvc", text, {}, known)) == {
        Link("dataset/fraud/data/train.csv", "repository/fraud", "is used by"),
        Link("repository/features", "dataset/fraud/data/train.csv", "is imported as"),
    }


def test_stages(known: KnownAssets) -> None:
    text = (
        "stages:\n  train:\n    cmd: python train.py\n    wdir: ..\n"
        "    deps: [train.py, data/train.csv]\n"
        "    outs:\n    - models/fraud.pt:\n        cache: true\n"
    )
    assert list(dvc.links("fraud", "ml/dvc.yaml", text, {}, known)) == [
        Link("repository/fraud", "model/fraud/models/fraud.pt", "makes"),
        Link("dataset/fraud/data/train.csv", "model/fraud/models/fraud.pt", "trained"),
    ]


def test_remotes() -> None:
    text = "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://bucket/dvc\n"
    assert dvc.remotes_of(text) == {"store": "s3://bucket/dvc", "": "s3://bucket/dvc"}
    with pytest.raises(Unreadable):
        dvc.remotes_of("no section")


def test_a_model_card() -> None:
    text = "---\nlicense: mit\ndatasets:\n- squad\nbase_model: org/bert\n---\n# Model\n"
    assert list(cards.links("qa", text)) == [
        Link("repository/qa", "model/qa", "holds"),
        Link("dataset/squad", "model/qa", "trained"),
        Link("model/org/bert", "model/qa", "is the base of"),
    ]
    assert list(cards.links("qa", text.replace("\n", "\r\n"))) == list(cards.links("qa", text))
    assert list(cards.links("qa", "# No front matter\n---\ndatasets: [a]\n---\n")) == []


def test_labels(known: KnownAssets) -> None:
    said = {
        "org.opencontainers.image.source": "https://git.example.org/ml/api",
        "org.opencontainers.image.base.name": "registry.example.org/base:1",
        "compline.model": "fraud/3",
    }
    assert list(labels.links("scoring", said, known)) == [
        Link("repository/api", "image/scoring", "is built into"),
        Link("image/base", "image/scoring", "is the base of"),
        Link("model/fraud/3", "image/scoring", "is packed into"),
    ]
    assert list(labels.links("scoring", {}, known)) == []


@pytest.mark.parametrize(
    "text",
    ["a: &x [1]\nb: *x\n", "[", "- just\n- a list\n", "x: " + "y" * 1_000_001],
    ids=["aliases", "not-yaml", "no-mapping", "too-large"],
)
def test_what_is_not_read(known: KnownAssets, text: str) -> None:
    with pytest.raises(Unreadable):
        list(dvc.links("a", "dvc.yaml", text, {}, known))


@pytest.mark.parametrize(
    "text", ["[" * 999_999, "{" * 999_999, "[']'," * 190_000, "- " * 499_000, "[" * 110 + "]" * 110]
)
def test_what_is_nested_deeply_costs_no_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable, match="nested too deeply"):
        load(text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "value",
    ["stages: 3", "stages: {a: 1}", "stages: {a: {outs: [1, [2], {}], deps: {}}}", "stages: {}"],
)
def test_odd_shapes_say_nothing(known: KnownAssets, value: Any) -> None:
    assert list(dvc.links("a", "dvc.yaml", value, {}, known)) == []
