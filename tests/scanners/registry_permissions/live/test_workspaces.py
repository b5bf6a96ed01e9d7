"""A real MLflow with workspaces: what the server grants by itself, and what it lifts grants to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow_server import start, stop, wait, write_auth

from compline.model import Completed

pytestmark = pytest.mark.timeout(900)

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
