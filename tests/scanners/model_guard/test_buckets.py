"""A registry that leaves its files in a bucket: listed once for all versions, by moto's S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import hostile_models as hostile
import pytest
from aws_server import read_from, serving_aws

from compline.model import Completed, GapReason
from compline.scanners.models.places.s3 import Bucket

MODEL = "fraud"
VERSIONS = 6


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The server's URL."""
    with serving_aws() as url:
        yield url


@pytest.fixture
def listed(
    server: str, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, list[str]]]:
    """A client that may write, and the folders of every listing; versions lie at s3://store/N."""
    read_from(server, monkeypatch)
    client = boto3.client("s3")
    client.create_bucket(Bucket="store")
    for number in range(1, VERSIONS + 1):
        body = hostile.bad() if number == 1 else hostile.good()
        client.put_object(Bucket="store", Key=f"m/{number}/data/model.pkl", Body=body)
    versions = [
        {"name": MODEL, "version": str(number), "source": f"s3://store/m/{number}", "run_id": ""}
        for number in range(1, VERSIONS + 1)
    ]
    for path, answer in recorded.answers.items():
        if "model-versions/search" in path:
            answer["model_versions"] = versions
        if "registered-models/search" in path:
            answer["registered_models"] = [{"name": MODEL}]
    asked: list[str] = []
    real = Bucket.pages

    def pages(self: Bucket, inside: str = "") -> Any:
        for page in real(self, inside):
            asked.append(inside)
            yield page

    monkeypatch.setattr(Bucket, "pages", pages)
    yield client, asked
    for each in client.list_objects_v2(Bucket="store").get("Contents", ()):
        client.delete_object(Bucket="store", Key=each["Key"])
    client.delete_bucket(Bucket="store")


def completed(look: Any, scanner: str = "picklescan") -> Completed:
    outcome = look(scanner, artifacts=["s3://store"]).outcome
    assert isinstance(outcome, Completed), outcome
    return outcome


def test_the_folder_of_all_versions_is_listed_once(listed: Any, look: Any) -> None:
    outcome = completed(look)
    assert [each.subject for each in outcome.observations] == [f"{MODEL}/1/data/model.pkl"]
    assert outcome.gaps == ()
    assert listed[1] == ["m/"]


def test_where_much_else_lies_each_version_is_listed_by_itself(
    listed: Any, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline.scanners.models.places.s3.PAGE", 2)
    for number in range(30):
        listed[0].put_object(Bucket="store", Key=f"m/0-other/{number:02}", Body=b"")
    outcome = completed(look)
    assert [each.subject for each in outcome.observations] == [f"{MODEL}/1/data/model.pkl"]
    assert outcome.gaps == ()
    assert len(listed[1]) == 2 * VERSIONS


def test_a_version_without_files_is_a_gap_and_not_its_neighbours(listed: Any, look: Any) -> None:
    listed[0].delete_object(Bucket="store", Key="m/3/data/model.pkl")
    outcome = completed(look)
    assert [(gap.path, gap.reason) for gap in outcome.gaps] == [
        (f"{MODEL}/3/", GapReason.MISSING_OBJECT)
    ]


def test_a_version_whose_name_begins_as_another_has_its_own_files(listed: Any, look: Any) -> None:
    listed[0].put_object(Bucket="store", Key="m/11/model.pkl", Body=hostile.bad())
    assert len(completed(look).observations) == 1
    facts = {fact.subject for fact in completed(look, "model-guard").facts}
    assert f"{MODEL}/1/data/model.pkl" in facts
    assert not any("11" in each for each in facts)
