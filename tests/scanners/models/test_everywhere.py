"""What hides in a model file is found wherever the file lies: repository, image, bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import hostile_models as hostile
import pytest
from aws_server import read_from, serving_aws
from model_images import image

from compline.model import Completed, Target, TargetKind
from compline.scanners import registry
from compline.scanners.interface import Job
from compline.tools.toolbox import Toolbox

PICKLES = {"torch.pt", "legacy.pth", "objects.npy", "objects.npz", "plain.joblib", "model.7z"}
"""Some of those that picklescan finds as well; test_hiding.py has the whole list."""


@pytest.fixture(scope="module")
def hidden(tools: Callable[..., Toolbox], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Name to content."""
    python = tools("modelaudit").get("modelaudit").home / "bin" / "python"
    return hostile.hiding_places(python, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def found(tools: Callable[..., Toolbox], new_scene: Callable[[], Any]) -> Any:
    """Names of the files of which each tool says something; results are kept between places, as
    they are between targets."""
    scene = new_scene()

    def of(job: Job) -> dict[str, set[str]]:
        said = {}
        for name in ("modelaudit", "picklescan"):
            context = scene.context(tools("modelaudit", "picklescan", "model-signing"))
            (look,) = registry.load(name).scan([job], context)
            assert isinstance(look.outcome, Completed), look.outcome
            places = {each.place.path for each in look.outcome.observations}
            said[name] = {place.rpartition("/")[2] for place in places}
        return said

    return of


SITE = hostile.zipped({"run.sh": b"#!/bin/sh\n", "setup.exe": b"MZ" + bytes(200)})
"""modelaudit says something of every archive that holds a program."""


def test_in_a_repository(hidden: Any, found: Any, repository: Any) -> None:
    files = {f"models/{name}": content for name, content in hidden.items()}
    files |= {"site.zip": SITE, "notes.txt.gz": hostile.bad()}
    said = found(repository(files).job())
    assert said["modelaudit"] == set(hidden) - hostile.PLAIN_ARCHIVES
    assert said["picklescan"] >= PICKLES


def test_in_an_image(hidden: Any, found: Any, tmp_path: Path) -> None:
    files = {f"models/{name}": content for name, content in hidden.items()}
    archive, digest = image(tmp_path, files)
    target = Target(TargetKind.IMAGE, "scorer", str(archive))
    said = found(Job(target, digest, open_archive=lambda: archive))
    assert said["modelaudit"] == set(hidden) - hostile.PLAIN_ARCHIVES
    assert said["picklescan"] >= PICKLES


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of moto's S3; the scanners see the same."""
    with serving_aws() as url:
        read_from(url, monkeypatch)
        client = boto3.client("s3")
        client.create_bucket(Bucket="hidden")
        yield client


def test_in_a_bucket(hidden: Any, found: Any, bucket: Any) -> None:
    for name, content in hidden.items():
        bucket.put_object(Bucket="hidden", Key=f"fraud/1/{name}", Body=content)
    url = "s3://hidden/fraud"
    target = Target(TargetKind.MODEL, "fraud", url, settings={"url": url})
    said = found(Job(target, ""))
    assert said["modelaudit"] == set(hidden), "there every file is opened"
    assert said["picklescan"] >= PICKLES | {"inner.zip"}
