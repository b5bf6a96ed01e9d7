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
from compline.scanners.models.artifacts import CannotList
from compline.scanners.models.mlflow import origins
from compline.scanners.models.mlflow.origins import Origins
from compline.scanners.models.mlflow.rest import Rest
from compline.scanners.models.mlflow.runs import Runs
from compline.tools.toolbox import Toolbox

TONIGHT = datetime(2026, 1, 1, 2, tzinfo=UTC)
API = "api/2.0/mlflow"
AUTH = ("admin", "a-password-for-tests")
NAME = "scoring"
MANY = 6
"""Runs that are a crowd in these tests."""
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


class Cache(dict[str, bytes]):
    """The results cache's two methods; it forgets."""

    def get_many(self, *_: Any) -> dict[str, bytes]:
        return {}

    def put_many(self, *_: Any) -> None:
        """Nothing is kept."""


@pytest.fixture(scope="module")
def crowd(mlflow_servers: Any) -> Iterator[list[str]]:
    """Models of one version each, from runs in two experiments; one run is deleted."""
    server = mlflow_servers[0]
    names = []
    for number in range(MANY):
        server.call("POST", f"{API}/registered-models/create", name=f"crowd-{number}")
        run = server.call("POST", f"{API}/runs/create", experiment_id=str(number % 2))["run"]
        name = run["info"]["run_id"]
        tag = {"key": "mlflow.source.git.commit", "value": f"commit-{number}"}
        server.call("POST", f"{API}/runs/set-tag", run_id=name, **tag)
        source = f"{run['info']['artifact_uri']}/model"
        made = {"name": f"crowd-{number}", "source": source, "run_id": name}
        server.call("POST", f"{API}/model-versions/create", **made)
        names.append(name)
    data = {"name": "claims", "digest": "d1", "source_type": "local", "source": "{}"}
    inputs = [{"dataset": data, "tags": []}]
    server.call("POST", f"{API}/runs/log-inputs", run_id=names[0], datasets=inputs)
    server.call("POST", f"{API}/runs/delete", run_id=names[1])
    yield names
    for number in range(MANY):
        server.call("DELETE", f"{API}/registered-models/delete", name=f"crowd-{number}")


def asked(server: Any, names: list[str], login: str = f"admin:{AUTH[1]}") -> dict[str, Any]:
    rest = Rest(server.url, login, 60)
    found = Origins(rest, Runs("mlflow", Cache(), TONIGHT, 30))  # type: ignore[arg-type]
    try:
        found.look_up(names, lambda: False)
        return {name: found.of(name) for name in names}
    finally:
        rest.close()


def sent(server: Any, before: int) -> set[tuple[str, str]]:
    lines = [line.split() for line in server.requests()[before:]]
    return {(line[0], line[1].partition("?")[0].partition("mlflow/")[2]) for line in lines}


SEARCHED = {("GET", "experiments/search"), ("POST", "runs/search")}


def test_a_search_says_what_each_run_would_say(
    guarded: Any, crowd: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "_FEW", 3)
    before = len(guarded.requests())
    together = asked(guarded, crowd)
    assert sent(guarded, before) == SEARCHED
    assert [together[name]["commit"] for name in crowd] == [f"commit-{n}" for n in range(MANY)]
    assert together[crowd[0]]["dataset"] == "claims"
    monkeypatch.setattr(origins, "_FEW", MANY)
    before = len(guarded.requests())
    assert asked(guarded, crowd) == together
    assert sent(guarded, before) == {("GET", "runs/get")}


@pytest.fixture
def carol(guarded: Any) -> Iterator[str]:
    """An account that may not see one of the experiments."""
    guarded.create_user("carol")
    guarded.grant("carol", "experiment", "1", "DENY")
    yield f"carol:{AUTH[1]}-carol"
    guarded.call("DELETE", f"{API}/users/delete", username="carol")


def test_a_search_shows_less_to_whoever_may_see_less(
    guarded: Any, crowd: list[str], carol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "_FEW", 3)
    before = len(guarded.requests())
    with pytest.raises(CannotList, match="runs/get answers 403"):
        asked(guarded, crowd, carol)
    assert sent(guarded, before) == {*SEARCHED, ("GET", "runs/get")}


def test_a_look_sends_nothing_but_get_and_the_search(
    guarded: Any,
    crowd: list[str],
    context: Callable[..., ScanContext],
    tools: Callable[..., Toolbox],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(origins, "_FEW", 3)
    rules = {"provenance": ["commit"]}
    settings = {"kind": "mlflow", "credential": "env:REGISTRY", "models": rules}
    target = Target(TargetKind.MODEL_REGISTRY, "mlflow", guarded.url, settings=settings)
    scene = context(tools("model-signing"), secrets={"REGISTRY": f"admin:{AUTH[1]}"})
    before = len(guarded.requests())
    (look,) = registry.load("model-guard").scan([Job(target, "")], scene)
    assert isinstance(look.outcome, Completed), look.outcome
    calls = sent(guarded, before)
    assert {call for call in calls if call[0] != "GET"} == {("POST", "runs/search")}
    assert ("GET", "runs/get") not in calls
    # They have no files, but where they come from is known.
    assert "provenance-missing" not in {each.rule for each in look.outcome.observations}
