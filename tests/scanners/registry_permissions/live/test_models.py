"""The models of a real MLflow server: files through its proxy, runs, aliases; only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import hostile_models as hostile
import httpx
import pytest

from compline.model import Completed, Failed, Look, Target, TargetKind
from compline.scanners import registry
from compline.scanners.interface import Job, ScanContext
from compline.tools.toolbox import Toolbox

TONIGHT = datetime(2026, 1, 1, 2, tzinfo=UTC)
API = "api/2.0/mlflow"
AUTH = ("admin", "a-password-for-tests")
NAME = "scoring"
LookOf = Callable[..., Look]


def upload(server: Any, path: str, content: bytes) -> None:
    url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{path}"
    httpx.put(url, content=content, auth=AUTH, timeout=60).raise_for_status()


@pytest.fixture
def scoring(guarded: Any) -> Iterator[Any]:
    """A model of two versions, each from a run; the first has a bad file in a folder."""
    guarded.call("POST", f"{API}/registered-models/create", name=NAME)
    for files in (
        {"MLmodel": b"flavors: {}\n", "data/model.pkl": hostile.bad()},
        {"MLmodel": b"flavors: {}\n", "model.safetensors": hostile.safetensors()},
    ):
        run = guarded.call("POST", f"{API}/runs/create", experiment_id="0")["run"]["info"]
        source = f"{run['artifact_uri']}/model"
        for path, content in files.items():
            upload(guarded, f"{source.removeprefix('mlflow-artifacts:/')}/{path}", content)
        made = {"name": NAME, "source": source, "run_id": run["run_id"]}
        version = guarded.call("POST", f"{API}/model-versions/create", **made)["model_version"]
        if version["version"] == "1":
            guarded.first = f"{source.removeprefix('mlflow-artifacts:/')}/data/model.pkl"
            tag = {"key": "mlflow.source.git.commit", "value": "0123abc"}
            guarded.call("POST", f"{API}/runs/set-tag", run_id=run["run_id"], **tag)
    guarded.call("POST", f"{API}/registered-models/alias", name=NAME, alias="champion", version="1")
    yield guarded
    guarded.call("DELETE", f"{API}/registered-models/delete", name=NAME)


@pytest.fixture
def look(
    scoring: Any, context: Callable[..., ScanContext], tools: Callable[..., Toolbox]
) -> LookOf:
    """One look of a scanner at the registry."""
    toolbox = tools("modelaudit", "picklescan", "model-signing")

    def one(scanner: str, *, now: datetime = TONIGHT, password: str = AUTH[1]) -> Look:
        settings = {
            "kind": "mlflow",
            "url": scoring.url,
            "credential": "env:REGISTRY",
            "models": {"production": "champion", "provenance": ["run", "commit"]},
        }
        target = Target(TargetKind.MODEL_REGISTRY, "mlflow", scoring.url, settings=settings)
        secrets = {"REGISTRY": f"{AUTH[0]}:{password}"}
        asked = context(toolbox, now=now, secrets=secrets)
        (found,) = registry.load(scanner).scan([Job(target, "")], asked)
        return found

    return one


def facts(look: Look) -> dict[str, str]:
    assert isinstance(look.outcome, Completed), look.outcome
    return {each.subject: each.value for each in look.outcome.facts}


def test_two_witnesses_of_a_bad_file_and_what_vouches_for_production(
    look: LookOf, scoring: Any
) -> None:
    before = len(scoring.requests())
    for scanner in ("modelaudit", "picklescan"):
        outcome = look(scanner).outcome
        assert isinstance(outcome, Completed), outcome
        assert [each.subject for each in outcome.observations] == ["scoring/1/data/model.pkl"]
    outcome = look("model-guard").outcome
    assert isinstance(outcome, Completed), outcome
    found = {(each.rule, each.subject): dict(each.details) for each in outcome.observations}
    assert found["production-unsigned", "scoring@production"]["version"] == "1"
    assert found["provenance-missing", "scoring"]["versions"] == "2 (no commit)"
    assert ("unsafe-format", "scoring") in found
    assert ("production-unscanned", "scoring@production") not in found
    sent = scoring.requests()[before:]
    assert sent
    assert {line.split()[0] for line in sent} == {"GET"}


def test_one_changed_byte_and_a_moved_alias_are_one_changed_fact_each(
    look: LookOf, scoring: Any
) -> None:
    first = facts(look("model-guard"))
    content = bytearray(hostile.bad())
    content[20] ^= 1
    upload(scoring, scoring.first, bytes(content))
    second = facts(look("model-guard", now=TONIGHT + timedelta(days=1)))
    # Of the same size, so nothing but reading what production serves could tell.
    assert [each for each in first if first[each] != second[each]] == ["scoring/1/data/model.pkl"]
    scoring.call("POST", f"{API}/registered-models/alias", name=NAME, alias="champion", version="2")
    third = facts(look("model-guard", now=TONIGHT + timedelta(days=2)))
    assert [each for each in second if second[each] != third[each]] == ["scoring@production"]
    assert third["scoring@production"] == "2"


def test_a_refused_password_is_failed_and_not_told(look: LookOf) -> None:
    for scanner in ("modelaudit", "model-guard"):
        outcome = look(scanner, password="not-the-password").outcome
        assert isinstance(outcome, Failed)
        assert "401" in outcome.error
        assert "not-the-password" not in outcome.error
