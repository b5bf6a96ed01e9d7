"""A real MLflow server in an environment of its own, for tests and measurements."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environments
import httpx

ADMIN, PASSWORD = "admin", "a-password-for-tests"
_START_SECONDS = 180
_CROWD = 10_000
"""Numbers from which on rows are the crowd's."""


@dataclass
class Mlflow:
    """A running server of the tests."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]
    certificate: Path | None = None

    def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **json_body: Any
    ) -> Any:
        """As the administrator, for arranging what is then checked."""
        return self._call((ADMIN, PASSWORD), method, path, headers, json_body)

    def call_as(
        self,
        user: str,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        **json_body: Any,
    ) -> Any:
        """As an account that `create_user` made."""
        return self._call((user, f"{PASSWORD}-{user}"), method, path, headers, json_body)

    def _call(
        self,
        auth: tuple[str, str],
        method: str,
        path: str,
        headers: dict[str, str] | None,
        json_body: Any,
    ) -> Any:
        verify = ssl.create_default_context(cafile=self.certificate) if self.certificate else True
        answer = httpx.request(
            method,
            f"{self.url}/{path}",
            json=json_body,
            headers=headers,
            auth=auth,
            verify=verify,
            timeout=60,
        )
        assert answer.is_success, answer.text
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


def environment() -> Path:
    """MLflow's programs, in an environment of its own."""
    return environments.environment("mlflow")


def write_auth(folder: Path) -> None:
    """Settings of the basic-auth app, with its database beside them."""
    (folder / "auth.ini").write_text(
        "[mlflow]\n"
        "default_permission = READ\n"
        f"database_uri = sqlite:///{folder / 'auth.db'}\n"
        f"admin_username = {ADMIN}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        # Without it the server hashes the password anew for each of our calls: half a second.
        "auth_cache_ttl_seconds = 600\n"
    )


def start(
    bin_: Path, folder: Path, name: str, extra: list[str], scheme: str, workers: int = 1
) -> Mlflow:
    """A server that is not up yet; `auth.ini` in the folder is its basic-auth's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / f"{name}.log"
    variables = {
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
    stores += [
        "--artifacts-destination",
        str(folder / f"{name}-artifacts"),
        "--workers",
        f"{workers}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *stores, *extra],
            env=variables,
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Mlflow(f"{scheme}://127.0.0.1:{port}", log, process)


def wait(server: Mlflow) -> None:
    """Until it answers."""
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


def stop(process: subprocess.Popen[bytes]) -> None:
    """The server with all its workers."""
    # The server has children of its own; the group is ours, since it is a session of its own.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass(frozen=True)
class Crowd:
    """What is put straight into a server's databases; by REST it would take hours."""

    models: int
    users: int
    grants: int
    """Of each user, on models of its own choice."""
    roles: int
    """Each held by every user."""
    role_grants: int
    """Of each role."""


def fill(folder: Path, name: str, crowd: Crowd) -> None:
    """Adds the crowd to the server of that name; its numbers begin beyond what is there."""
    with closing(sqlite3.connect(folder / f"{name}.db", timeout=60)) as store, store:
        store.executemany(
            "INSERT INTO registered_models (workspace, name, creation_time, last_updated_time)"
            " VALUES ('default', ?, 1700000000000, 1700000000000)",
            [(f"crowd-{number:05}",) for number in range(crowd.models)],
        )
    users = range(_CROWD, _CROWD + crowd.users)
    own = {user: user + 100_000 for user in users}
    shared = range(_CROWD, _CROWD + crowd.roles)
    with closing(sqlite3.connect(folder / "auth.db", timeout=60)) as auth, auth:
        auth.executemany(
            "INSERT INTO users (id, username, password_hash, is_admin) VALUES (?, ?, 'none', 0)",
            [(user, f"crowd-{user}") for user in users],
        )
        auth.executemany(
            "INSERT INTO roles (id, name, workspace) VALUES (?, ?, 'default')",
            [(own[user], f"__user_{user}__") for user in users]
            + [(role, f"crowd-{role}") for role in shared],
        )
        auth.executemany(
            "INSERT INTO role_permissions (role_id, resource_type, resource_pattern, permission)"
            " VALUES (?, 'registered_model', ?, ?)",
            [
                (own[user], f"crowd-{(user * 31 + step * 7) % crowd.models:05}", "READ")
                for user in users
                for step in range(crowd.grants)
            ]
            + [
                (role, f"crowd-{(role * 17 + step) % crowd.models:05}", "USE")
                for role in shared
                for step in range(crowd.role_grants)
            ],
        )
        auth.executemany(
            "INSERT INTO user_role_assignments (user_id, role_id) VALUES (?, ?)",
            [(user, role) for user in users for role in (own[user], *shared)],
        )


def empty(folder: Path, name: str) -> None:
    """Takes the crowd out again."""
    with closing(sqlite3.connect(folder / f"{name}.db", timeout=60)) as store, store:
        store.execute("DELETE FROM registered_models WHERE name LIKE 'crowd-%'")
    with closing(sqlite3.connect(folder / "auth.db", timeout=60)) as auth, auth:
        for table, column in (
            ("user_role_assignments", "user_id"),
            ("role_permissions", "role_id"),
            ("roles", "id"),
            ("users", "id"),
        ):
            auth.execute(f"DELETE FROM {table} WHERE {column} >= {_CROWD}")
