"""Two real MLflow servers, started side by side once per session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow_server import Mlflow, environment, start, stop, wait, write_auth
from services import service


@pytest.fixture(scope="session")
def mlflow_environment() -> Path:
    """Where MLflow's programs are."""
    return environment()


@service
def mlflow_servers(
    mlflow_environment: Path,
    certificate: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Mlflow, Mlflow]]:
    """A guarded server over https and an open one over http, started side by side."""
    folder = tmp_path_factory.mktemp("mlflow")
    write_auth(folder)
    pem, key = certificate
    tls = f"--ssl-certfile {pem} --ssl-keyfile {key}"
    started = []
    try:
        for name, extra, scheme in (
            ("guarded", ["--app-name", "basic-auth", "--uvicorn-opts", tls], "https"),
            ("open", [], "http"),
        ):
            started.append(start(mlflow_environment, folder, name, extra, scheme))
        guarded, unguarded = started
        guarded.certificate = pem
        for server in started:
            wait(server)
        _seed(guarded)
        yield guarded, unguarded
    finally:
        for server in started:
            stop(server.process)


def _seed(server: Mlflow) -> None:
    """What the policy of the tests calls right; the administrator owns what it made."""
    for name in ("alice", "bob"):
        server.create_user(name)
    for model in ("fraud", "churn"):
        server.call("POST", "api/2.0/mlflow/registered-models/create", name=model)
    server.call("POST", "api/2.0/mlflow/experiments/create", name="training")
    server.grant("alice", "registered_model", "fraud", "EDIT")
    server.grant("alice", "experiment", "1", "EDIT")
    role = server.call("POST", "api/3.0/mlflow/roles/create", name="science", workspace="default")[
        "role"
    ]["id"]
    server.call(
        "POST",
        "api/3.0/mlflow/roles/permissions/add",
        role_id=role,
        resource_type="registered_model",
        resource_pattern="*",
        permission="USE",
    )
    server.call("POST", "api/3.0/mlflow/roles/assign", username="bob", role_id=role)


@pytest.fixture
def guarded(mlflow_servers: tuple[Mlflow, Mlflow], monkeypatch: pytest.MonkeyPatch) -> Mlflow:
    """The server with basic-auth over https, whose certificate is trusted for the test."""
    server = mlflow_servers[0]
    assert server.certificate is not None
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    return server


@pytest.fixture
def unguarded(mlflow_servers: tuple[Mlflow, Mlflow]) -> Mlflow:
    """The server without basic-auth, over http."""
    return mlflow_servers[1]
