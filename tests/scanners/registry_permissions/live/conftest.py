"""Two real MLflow servers, started side by side once per session."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uv

ROOT = Path(__file__).parents[4]
ADMIN, PASSWORD = "admin", "a-password-for-tests"
_START_SECONDS = 180


@dataclass
class Mlflow:
    """A running server of the tests."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]
    certificate: Path | None = None

    def call(self, method: str, path: str, **json_body: Any) -> Any:
        """As the administrator, for arranging what is then checked."""
        return self._call((ADMIN, PASSWORD), method, path, json_body)

    def call_as(self, user: str, method: str, path: str, **json_body: Any) -> Any:
        """As an account that `create_user` made."""
        return self._call((user, f"{PASSWORD}-{user}"), method, path, json_body)

    def _call(self, auth: tuple[str, str], method: str, path: str, json_body: Any) -> Any:
        verify = ssl.create_default_context(cafile=self.certificate) if self.certificate else True
        answer = httpx.request(
            method,
            f"{self.url}/{path}",
            json=json_body,
            auth=auth,
            verify=verify,
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create_user(self, name: str) -> None:
        self.call(
            "POST", "api/2.0/mlflow/users/create", username=name, password=f"{PASSWORD}-{name}"
        )

    def grant(self, user: str, kind: str, resource: str, permission: str) -> None:
        self.call(
            "POST",
            "api/3.0/mlflow/users/permissions/grant",
            username=user,
            resource_type=kind,
            resource_id=resource,
            permission=permission,
        )

    def regrant(self, user: str, kind: str, resource: str, permission: str) -> None:
        """Another permission in the place of one that is there."""
        self.revoke(user, kind, resource)
        self.grant(user, kind, resource, permission)

    def revoke(self, user: str, kind: str, resource: str) -> None:
        self.call(
            "POST",
            "api/3.0/mlflow/users/permissions/revoke",
            username=user,
            resource_type=kind,
            resource_id=resource,
        )

    def requests(self) -> list[str]:
        """Method and path of every request so far, from the server's own log."""
        lines = self.log.read_text().splitlines()
        return [line.split('"')[1] for line in lines if " HTTP/1.1" in line and '"' in line]


@pytest.fixture(scope="session")
def mlflow_environment() -> Path:
    """MLflow in an environment of its own, made once and kept under the workspace."""
    home = ROOT / ".compline" / "tests" / "mlflow-env"
    requirements = ROOT / "requirements" / "mlflow.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    mark = home / "requirements.sha256"
    if not mark.is_file() or mark.read_text() != digest:
        tool = uv.find_uv_bin()
        subprocess.run(
            [tool, "venv", "-q", "--clear", "--python", sys.executable, home], check=True
        )
        install = [tool, "pip", "install", "-q", "--compile-bytecode", "--require-hashes"]
        subprocess.run(
            [*install, "--python", home / "bin" / "python", "-r", requirements], check=True
        )
        mark.write_text(digest)
    return home / "bin"


@pytest.fixture(scope="session")
def servers(
    mlflow_environment: Path,
    certificate: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Mlflow, Mlflow]]:
    """A guarded server over https and an open one over http, started side by side."""
    folder = tmp_path_factory.mktemp("mlflow")
    (folder / "auth.ini").write_text(
        "[mlflow]\n"
        "default_permission = READ\n"
        f"database_uri = sqlite:///{folder / 'auth.db'}\n"
        f"admin_username = {ADMIN}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        # Without it the server hashes the password anew for each of our calls: half a second.
        "auth_cache_ttl_seconds = 600\n"
    )
    pem, key = certificate
    tls = f"--ssl-certfile {pem} --ssl-keyfile {key}"
    started = []
    try:
        for name, extra, scheme in (
            ("guarded", ["--app-name", "basic-auth", "--uvicorn-opts", tls], "https"),
            ("open", [], "http"),
        ):
            started.append(_start(mlflow_environment, folder, name, extra, scheme))
        guarded, unguarded = started
        guarded.certificate = pem
        for server in started:
            _wait(server)
        _seed(guarded)
        yield guarded, unguarded
    finally:
        for server in started:
            _stop(server.process)


def _start(bin_: Path, folder: Path, name: str, extra: list[str], scheme: str) -> Mlflow:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / f"{name}.log"
    environment = {
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "HOME": str(folder),
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "for tests",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    command = [str(bin_ / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
    stores = ["--backend-store-uri", f"sqlite:///{folder / name}.db"]
    stores += ["--artifacts-destination", str(folder / f"{name}-artifacts"), "--workers", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *stores, *extra],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Mlflow(f"{scheme}://127.0.0.1:{port}", log, process)


def _wait(server: Mlflow) -> None:
    verify = ssl.create_default_context(cafile=server.certificate) if server.certificate else True
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log.read_text()
        try:
            if httpx.get(f"{server.url}/health", verify=verify, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise AssertionError(f"MLflow did not start: {server.log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    # The server has children of its own; the group is ours, since it is a session of its own.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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
def guarded(servers: tuple[Mlflow, Mlflow], monkeypatch: pytest.MonkeyPatch) -> Mlflow:
    """The server with basic-auth over https, whose certificate is trusted for the test."""
    server = servers[0]
    assert server.certificate is not None
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    return server


@pytest.fixture
def unguarded(servers: tuple[Mlflow, Mlflow]) -> Mlflow:
    """The server without basic-auth, over http."""
    return servers[1]
