"""model-guard and the opening tools over recorded answers, and over answers that are none."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from compline.model import Completed, Failed, GapReason, Look

MODELS, VERSIONS = "registered-models/search", "model-versions/search"
URI, PROXY = "model-versions/get-download-uri", "mlflow-artifacts/artifacts"


def completed(look: Look) -> Completed:
    assert isinstance(look.outcome, Completed), look.outcome
    return look.outcome


def test_the_recorded_answers_are_read(recorded: Any, look: Any) -> None:
    outcome = completed(look(provenance=["commit"]))
    facts = {each.subject: each.value for each in outcome.facts}
    assert facts["scoring@production"] == "1"
    assert facts["scoring/1"].startswith("2 files")
    assert {"scoring/1/data/model.pkl", "scoring/2/model.safetensors"} <= set(facts)
    rules = {each.rule for each in outcome.observations}
    assert {"production-unsigned", "provenance-missing", "unsafe-format"} <= rules
    assert outcome.gaps == ()
    assert completed(look("picklescan")).observations[0].subject == "scoring/1/data/model.pkl"


@pytest.mark.parametrize("path", [MODELS, VERSIONS, URI, PROXY])
@pytest.mark.parametrize("status", [401, 403, 500, 302])
def test_an_answer_that_is_none_is_never_no_models(
    recorded: Any, look: Any, path: str, status: int
) -> None:
    recorded.lies_at("models:/m-1")
    recorded.says(path, status)
    outcome = look().outcome
    assert isinstance(outcome, Failed)
    assert str(status) in outcome.error


@pytest.mark.parametrize("path", [MODELS, VERSIONS, URI, PROXY])
@pytest.mark.parametrize("body", [b'{"registered_models": [{"name', b"[]", b"<html>"])
def test_half_a_page_is_failed(recorded: Any, look: Any, path: str, body: bytes) -> None:
    recorded.lies_at("models:/m-1")
    recorded.says(path, 200, body)
    assert isinstance(look().outcome, Failed)


def test_an_account_that_sees_nothing_is_failed(recorded: Any, look: Any) -> None:
    recorded.says(MODELS, 200)
    recorded.says(VERSIONS, 200)
    outcome = look("modelaudit").outcome
    assert isinstance(outcome, Failed)
    assert "no model" in outcome.error


def test_a_page_that_comes_again_is_failed(recorded: Any, look: Any) -> None:
    page = {"registered_models": [], "next_page_token": "again"}
    recorded.says(MODELS, 200, json.dumps(page).encode())
    assert isinstance(look().outcome, Failed)
    assert len(recorded.seen) < 5


def test_a_slow_registry_is_failed_in_time(recorded: Any, look: Any) -> None:
    recorded.instead[MODELS] = lambda _handler: time.sleep(4)
    began = time.monotonic()
    outcome = look(seconds=1).outcome
    assert isinstance(outcome, Failed)
    assert time.monotonic() - began < 4


def test_of_several_versions_in_a_stage_production_serves_the_latest(
    recorded: Any, look: Any
) -> None:
    """MLflow lists what was touched last first: a word added to an old version moves nothing."""
    for answer in recorded.answers.values():
        for version in answer.get("model_versions", ()):
            version["current_stage"] = "Production"
        answer.get("model_versions", []).reverse()
    facts = {f.subject: f.value for f in completed(look(production="Production")).facts}
    assert facts["scoring@production"] == "2"


def test_429_is_waited_for_within_the_time(recorded: Any, look: Any) -> None:
    recorded.says(MODELS, 429, Retry_After="1")
    outcome = look().outcome
    assert isinstance(outcome, Failed)
    assert "429" in outcome.error
    assert sum(MODELS in path for path in recorded.seen) == 3
    recorded.says(MODELS, 429, Retry_After="1000")
    began = time.monotonic()
    assert isinstance(look(seconds=5).outcome, Failed)
    assert time.monotonic() - began < 5


def test_files_that_are_gone_are_a_gap_that_keeps_what_is_known(recorded: Any, look: Any) -> None:
    recorded.says(PROXY, 404)
    outcome = completed(look())
    places = {(gap.path, gap.reason) for gap in outcome.gaps}
    assert ("scoring/1/", GapReason.MISSING_OBJECT) in places
    assert any(gap.covers("scoring@production", "scoring@production") for gap in outcome.gaps)
    assert {each.subject for each in outcome.facts} == {"scoring@production"}
    # Of files that nobody saw nothing is said, and what was said of the model does not end.
    assert outcome.observations == ()
    assert any(gap.covers("scoring", "scoring") for gap in outcome.gaps)


def test_a_file_that_breaks_off_is_a_gap_and_has_no_digest(recorded: Any, look: Any) -> None:
    recorded.says("data/model.pkl", 200, b"\x80\x04")
    outcome = completed(look())
    gaps = {gap.path: gap.reason for gap in outcome.gaps}
    assert gaps["scoring/1/data/model.pkl"] is GapReason.TRUNCATED
    assert {"scoring", "scoring@production"} <= set(gaps)
    assert "scoring/1/data/model.pkl" not in {each.subject for each in outcome.facts}
    for scanner in ("modelaudit", "picklescan"):
        gaps = completed(look(scanner)).gaps
        assert [each.path for each in gaps] == ["scoring/1/data/model.pkl"]


def test_a_registry_does_not_lead_our_credentials_to_a_bucket_that_is_not_listed(
    recorded: Any, look: Any
) -> None:
    uris = (
        "s3://elsewhere/x",
        "file:///etc",
        "http://169.254.169.254/x",
        "mlflow-artifacts:s3://x",
    )
    for uri in uris:
        recorded.says(URI, 200, json.dumps({"artifact_uri": uri}).encode())
        recorded.lies_at("models:/m-1" if uri in uris[1:3] else uri)
        outcome = completed(look(artifacts=["s3://ours/"]))
        assert {gap.path for gap in outcome.gaps} >= {"scoring/1/", "scoring/2/"}
        assert not any("file/" in each.subject for each in outcome.facts)


def test_a_name_cannot_leave_its_place(recorded: Any, look: Any) -> None:
    for answer in recorded.answers.values():
        for each in answer.get("files", ()):
            if each["path"] == "model.pkl":
                each["path"] = "..\n"
    outcome = completed(look())
    assert "scoring/1/data/..\\u000a" in {gap.path for gap in outcome.gaps}
