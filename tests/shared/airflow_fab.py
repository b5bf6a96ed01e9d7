"""Real API servers of Airflow with FAB's authentication manager, in an environment of their own.

Two deployments, each with an SQLite database of its own: one kept well, over TLS, and one kept
badly. No scheduler runs: accounts, roles and options are all that is looked at.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from environments import ROOT, environment

ADMIN, PASSWORD = "root", "a-long-password-of-the-tests"
_START_SECONDS = 120
_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
_DAG = """
from airflow.sdk import dag, task


@dag(schedule=None)
def harmless():
    @task
    def nothing():
        pass

    nothing()


harmless()
"""
_PREPARE = """
import sys
from airflow.__main__ import main
for words in {commands!r}:
    sys.argv = ["airflow", *words]
    main()
"""
_BAD = {
    "API__EXPOSE_CONFIG": "True",
    "API__EXPOSE_STACKTRACE": "True",
    "API_AUTH__JWT_EXPIRATION_TIME": "864000",
    "CORE__ALLOWED_DESERIALIZATION_CLASSES": "*",
    "CORE__HIDE_SENSITIVE_VAR_CONN_FIELDS": "False",
    "CORE__TEST_CONNECTION": "Enabled",
    "FAB__AUTH_RATE_LIMITED": "False",
    "FAB__AUTH_ROLE_PUBLIC": "Viewer",
}
"""Options whose state the API shows, as they should not be. Two are missing: Airflow 3.3.2 does not
start with `*` among its origins, nor with remote logging without the store's provider package."""


@dataclass
class Fab:
    """A running API server."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]
    certificate: Path | None = None
    _tokens: dict[str, str] = field(default_factory=dict)
    _marks: int = 0

    def token(self, name: str = ADMIN, password: str = PASSWORD) -> str:
        """One login of an account; asked for once."""
        if name not in self._tokens:
            login = self._send("POST", "auth/token", {}, username=name, password=password)
            self._tokens[name] = login.raise_for_status().json()["access_token"]
        return self._tokens[name]

    def call(self, method: str, path: str, **json_body: Any) -> Any:
        """As the administrator, for arranging what is then checked."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        answer = self._send(method, path, headers, **json_body).raise_for_status()
        return answer.json() if answer.content else None

    def send_as(self, token: str, method: str, path: str, **json_body: Any) -> int:
        """The status of a call with a token."""
        return self._send(
            method, path, {"Authorization": f"Bearer {token}"}, **json_body
        ).status_code

    def create_user(self, name: str, *roles: str, password: str = PASSWORD) -> None:
        self.call(
            "POST", "auth/fab/v1/users", username=name, first_name=name, last_name=name,
            email=f"{name}@example.org", password=password,
            roles=[{"name": role} for role in roles],
        )  # fmt: skip

    def rights(self, role: str, *rights: tuple[str, str], new: bool = True) -> None:
        """Gives a role these rights and no others."""
        actions = [{"action": {"name": a}, "resource": {"name": r}} for a, r in rights]
        path = "auth/fab/v1/roles" if new else f"auth/fab/v1/roles/{role}"
        self.call("POST" if new else "PATCH", path, name=role, actions=actions)

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of every request so far, from the server's own log."""
        # It is written a moment after the answer: a last request shows that those before are there.
        self._marks += 1
        last = f"/mark-{self._marks}"
        self._send("GET", last.lstrip("/"), {})
        end = time.monotonic() + 20
        while f"path={last} " not in (text := self.log.read_text()):
            assert time.monotonic() < end, "the server does not log its requests"
            time.sleep(0.05)
        found = re.findall(r"method=(\S+) path=(\S+)", text)
        return [call for call in found if not call[1].startswith("/mark-")]

    def _send(self, method: str, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        verify = ssl.create_default_context(cafile=self.certificate) if self.certificate else True
        return httpx.request(
            method,
            f"{self.url}/{path}",
            json=body or None,
            headers=headers,
            verify=verify,
            timeout=60,
        )


@contextmanager
def serving(folder: Path, certificate: tuple[Path, Path]) -> Iterator[tuple[Fab, Fab]]:
    """The good and the bad server, side by side."""
    (folder / "dags").mkdir()
    (folder / "dags" / "harmless.py").write_text(_DAG)
    bin_ = environment("airflow-fab")
    good, bad = folder / "good", folder / "bad"
    user = ["users", "create", "-u", ADMIN, "-p", PASSWORD, "-r", "Admin"]
    user += ["-e", "root@example.org", "-f", "Root", "-l", "Root"]
    _run(bin_, _settings(good, folder, {}), ["db", "migrate"], user, ["dags", "reserialize"])
    shutil.copytree(good, bad)
    with ExitStack() as stack:
        pem, key = certificate
        page = (ROOT / "docs" / "checks" / "airflow.md").read_text(encoding="utf-8")
        [roles] = re.findall(r"AIRFLOW__FAB__CUSTOM_ROLES='(.*?)'", page, re.DOTALL)
        more = {"FAB__CUSTOM_ROLES": roles, "API__SSL_CERT": str(pem), "API__SSL_KEY": str(key)}
        first = stack.enter_context(_started(bin_, _settings(good, folder, more), "https"))
        first.certificate = pem
        options = _settings(bad, folder, {**_BAD, "CORE__LOAD_EXAMPLES": "True"})
        _run(bin_, options, ["dags", "reserialize"])
        second = stack.enter_context(_started(bin_, options, "http"))
        for server in (first, second):
            _wait(server)
        yield first, second


def _settings(home: Path, folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    options = {
        "CORE__AUTH_MANAGER": _MANAGER,
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(folder / "dags"),
        "CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        # The file of settings that is copied with the rest names the other one's.
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "CORE__FERNET_KEY": "wq3m1f0g8m0tHqv8m3mQd0c0mXnX5sT8mC7YJm5nU2s=",
        "API__WORKERS": "1",
        "API__EXPOSE_CONFIG": "False",
        "API__SECRET_KEY": "zyxwvutsrqponmlkjihgfedcba9876543210",
        "API_AUTH__JWT_SECRET": "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
        "FAB__CACHE_TTL": "1",
        "LOGGING__COLORED_CONSOLE_LOG": "False",
        **more,
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        **{f"AIRFLOW__{name}": value for name, value in options.items()},
    }


def _run(bin_: Path, env: dict[str, str], *commands: list[str]) -> None:
    """Commands of Airflow's, in one process: each start costs seconds."""
    done = subprocess.run(
        [bin_ / "python", "-c", _PREPARE.format(commands=commands)],
        env=env, capture_output=True, text=True, timeout=_START_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


@contextmanager
def _started(bin_: Path, env: dict[str, str], scheme: str) -> Iterator[Fab]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = Path(env["AIRFLOW_HOME"]).with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [bin_ / "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)],
            env=env, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            yield Fab(f"{scheme}://127.0.0.1:{port}", log, process)
        finally:
            # It has children of its own; the group is ours, since it is a session of its own.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(server: Fab) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log.read_text()
        with suppress(httpx.HTTPError):
            if server._send("GET", "api/v2/version", {}).status_code == 200:
                return
        time.sleep(0.3)
    raise AssertionError(f"Airflow did not start: {server.log.read_text()}")
