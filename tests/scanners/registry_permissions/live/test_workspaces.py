"""A real MLflow with workspaces: what the server grants by itself, and what it lifts grants to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hostile_models as hostile
import httpx
import pytest
from mlflow_server import ADMIN, PASSWORD, start, stop, wait, write_auth

from compline.model import Completed, Target, TargetKind
from compline.scanners import registry
from compline.scanners.interface import Job
from compline.tools.toolbox import Toolbox

pytestmark = pytest.mark.timeout(900)

API = "api/2.0/mlflow"
POLICY = {
    "admins": ["admin"],
    "users": ["ann", "bob"],
    "default_permission": "READ",
    "grants": {"ann": {"lab:fraud": "READ"}},
    "artifact_store": "local",
    "allow_loopback_http": True,
}


@pytest.fixture(scope="session", params=["closed", "open"])
def parted(
    request: pytest.FixtureRequest,
    mlflow_environment: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """A server with two workspaces; `open` ones lift grants to EDIT, and let everybody have it in
    the default workspace."""
    folder = tmp_path_factory.mktemp("parted")
    write_auth(folder)
    if request.param == "open":
        settings = (folder / "auth.ini").read_text().replace("READ", "EDIT")
        (folder / "auth.ini").write_text(f"{settings}grant_default_workspace_access = true\n")
    extra = ["--app-name", "basic-auth", "--enable-workspaces"]
    server = start(mlflow_environment, folder, "parted", extra, "http")
    try:
        wait(server)
        server.call("POST", "api/3.0/mlflow/workspaces", name="lab")
        for name in ("ann", "bob"):
            server.create_user(name)
        lab = {"X-MLFLOW-WORKSPACE": "lab"}
        server.call("POST", "api/2.0/mlflow/registered-models/create", lab, name="fraud")
        given = {"resource_type": "registered_model", "resource_id": "fraud", "permission": "READ"}
        server.call("POST", "api/3.0/mlflow/users/permissions/grant", lab, username="ann", **given)
        yield request.param, server
    finally:
        stop(server.process)


def test_what_the_server_grants_by_itself(parted: Any, look_at: Any) -> None:
    arranged, server = parted
    outcome = look_at(server.url, POLICY).outcome
    assert isinstance(outcome, Completed), outcome
    assert outcome.gaps == ()
    told = {fact.subject: fact.value for fact in outcome.facts}
    found = {(one.rule, one.subject): one.title for one in outcome.observations}
    if arranged == "closed":
        assert found == {}
        assert (told["default-permission"], told["lifted-permission"]) == (
            "NO_PERMISSIONS",
            "as granted",
        )
    else:
        wide = "default-permission-too-wide"
        assert set(found) == {(wide, "default-permission"), (wide, "lifted-permission")}
        assert (told["default-permission"], told["lifted-permission"]) == ("EDIT", "EDIT")
        # It is as the server says: nobody has granted ann to change it.
        server.call_as("ann", "PATCH", "api/2.0/mlflow/registered-models/update",
                       {"X-MLFLOW-WORKSPACE": "lab"}, name="fraud", description="hers")  # fmt: skip


def test_a_keeper_of_a_workspace_is_found_in_it(parted: Any, look_at: Any) -> None:
    _, server = parted
    role = server.call("POST", "api/3.0/mlflow/roles/create", name="keepers", workspace="lab")
    number = role["role"]["id"]
    given = {"resource_type": "workspace", "resource_pattern": "*", "permission": "MANAGE"}
    server.call("POST", "api/3.0/mlflow/roles/permissions/add", role_id=number, **given)
    server.call("POST", "api/3.0/mlflow/roles/assign", username="bob", role_id=number)
    lab = {"X-MLFLOW-WORKSPACE": "lab"}
    model = {"name": "fraud", "alias": "champion", "version": "1"}
    server.call("POST", "api/2.0/mlflow/model-versions/create", lab,
                name="fraud", source="s3://models/fraud")  # fmt: skip
    server.call("POST", "api/2.0/mlflow/registered-models/alias", lab, **model)
    policy = {**POLICY, "default_permission": "EDIT", "movers": ["ann"]}
    try:
        outcome = look_at(server.url, policy).outcome
    finally:
        server.call("DELETE", "api/3.0/mlflow/roles/delete", role_id=number)
        server.call("DELETE", "api/2.0/mlflow/registered-models/alias", lab,
                    name="fraud", alias="champion")  # fmt: skip
    assert isinstance(outcome, Completed), outcome
    assert {(one.rule, one.subject) for one in outcome.observations} == {
        ("grant-beyond-policy", "role/keepers/lab:workspace/*"),
        ("may-move-production", "production/bob"),
    }


LAB = {"X-MLFLOW-WORKSPACE": "lab"}
only_one = pytest.mark.parametrize("parted", ["closed"], indirect=True)


@only_one
def test_a_webhook_of_another_workspace(parted: Any, look_at: Any) -> None:
    _, server = parted
    event = {"entity": "PROMPT", "action": "CREATED"}
    made = server.call("POST", "api/2.0/mlflow/webhooks", LAB,
                       name="chat", url="https://1.1.1.1/x", events=[event])  # fmt: skip
    try:
        outcome = look_at(server.url, POLICY).outcome
    finally:
        server.call("DELETE", f"api/2.0/mlflow/webhooks/{made['webhook']['webhook_id']}", LAB)
    assert isinstance(outcome, Completed), outcome
    assert {(one.rule, one.subject) for one in outcome.observations} == {
        ("webhook-to-unknown-host", "webhook/lab:chat/1.1.1.1")
    }


@pytest.fixture
def hidden(parted: Any) -> Any:
    """A version in the workspace `lab` whose file runs code, and one of the same name outside."""
    _, server = parted
    for headers, content in ((LAB, hostile.bad()), ({}, hostile.good())):
        server.call("POST", f"{API}/registered-models/create", headers, name="hidden")
        made = server.call("POST", f"{API}/experiments/create", headers, name="hiding")
        run = server.call("POST", f"{API}/runs/create", headers,
                          experiment_id=made["experiment_id"])["run"]["info"]  # fmt: skip
        source = f"{run['artifact_uri']}/model"
        folder = source.removeprefix("mlflow-artifacts:/")
        url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{folder}/model.pkl"
        put = httpx.put(url, content=content, headers=headers, auth=(ADMIN, PASSWORD), timeout=60)
        put.raise_for_status()
        server.call("POST", f"{API}/model-versions/create", headers,
                    name="hidden", source=source, run_id=run["run_id"])  # fmt: skip
    return server


@only_one
def test_models_of_every_workspace_are_opened(
    hidden: Any, context: Any, tools: Callable[..., Toolbox]
) -> None:
    settings = {"kind": "mlflow", "url": hidden.url, "credential": "env:REGISTRY"}
    target = Target(TargetKind.MODEL_REGISTRY, "mlflow", hidden.url, settings=settings)
    asked = context(
        tools("modelaudit", "picklescan", "model-signing"),
        secrets={"REGISTRY": f"{ADMIN}:{PASSWORD}"},
    )
    job = Job(target, "", shared={})
    looks = {}
    before = len(hidden.requests())
    for scanner in ("picklescan", "model-guard"):
        (look,) = registry.load(scanner).scan([job], asked)
        looks[scanner] = look.outcome
        assert isinstance(looks[scanner], Completed), looks[scanner]
    assert [one.subject for one in looks["picklescan"].observations] == ["lab:hidden/1/model.pkl"]
    facts = {fact.subject for fact in looks["model-guard"].facts}
    assert {"hidden/1/model.pkl", "lab:hidden/1/model.pkl"} <= facts
    assert {line.split()[0] for line in hidden.requests()[before:]} == {"GET"}
