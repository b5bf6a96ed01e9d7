"""A real `airflow standalone` that is kept badly, behind a proxy that records what is asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from services import service

TOKEN_OF_TESTS = "ghp_" + "a1B2c3D4e5F6g7H8i9" * 2
_START_SECONDS = 180
_DAG = """
import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime.datetime(2024, 1, 1), is_paused_upon_creation=False)
def cleanup():
    @task
    def leak():
        print("token = " + "ghp_" + "a1B2c3D4e5F6g7H8i9" * 2)

    BashOperator(
        task_id="remove", bash_command="echo {{ dag_run.conf.get('folder', '') }}"
    ) << leak()


cleanup()
"""

_QUIET_DAG = """
import datetime

from airflow.sdk import Connection, dag, task


@dag(schedule=None, start_date=datetime.datetime(2024, 1, 1))
def churn():
    @task
    def load():
        Connection.get("crm")

    load()


churn()
"""


@dataclass
class Standalone:
    """A running Airflow of the tests."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def call(self, method: str, path: str, **json_body: Any) -> Any:
        """As the administrator, for arranging what is then checked."""
        login = httpx.post(
            f"{self.url}/auth/token", json={"username": "admin", "password": "admin"}, timeout=60
        )
        headers = {"Authorization": f"Bearer {login.raise_for_status().json()['access_token']}"}
        body = json_body or None
        answer = httpx.request(method, f"{self.url}/{path}", json=body, headers=headers, timeout=60)
        return answer.raise_for_status().json()


class RecordingProxy(ThreadingHTTPServer):
    """Hands every call on, and keeps what it was; `instead` may answer in the server's place."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.calls: list[tuple[str, str]] = []
        """Method and path, without the query."""
        self.instead: Callable[[str], tuple[int, dict[str, str], bytes] | None] = lambda _path: None
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: RecordingProxy

    def _pass(self) -> None:
        path = self.path.partition("?")[0]
        self.server.calls.append((self.command, path))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        own = self.server.instead(path)
        if own is None:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            answer = httpx.request(
                self.command,
                f"{self.server.upstream}{self.path}",
                headers=headers,
                content=body,
                timeout=60,
            )
            kind = answer.headers.get("content-type", "text/plain")
            own = (answer.status_code, {"content-type": kind}, answer.content)
        status, headers, content = own
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def everybody_is_administrator(server: Standalone) -> Iterator[str]:
    """URL of a second API server of the same deployment, which asks nobody for a password."""
    port = _free_port()
    more = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
    }
    words = ["api-server", "--host", "127.0.0.1", "--port", str(port)]
    with (server.home / "second.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", *words],
            env={**server.environment, **more},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"

        def up() -> bool:
            assert process.poll() is None, "the second API server ended by itself"
            with suppress(httpx.HTTPError):
                return httpx.get(f"{url}/api/v2/version", timeout=5).status_code == 200
            return False

        try:
            _until(up, "the second API server")
            yield url
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _standalone(folder: Path) -> Iterator[Standalone]:
    port = _free_port()
    dags = folder / "dags"
    dags.mkdir()
    (dags / "cleanup.py").write_text(_DAG)
    (dags / "churn.py").write_text(_QUIET_DAG)
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({"admin": "admin", "eve": "eve"}))
    url = f"http://127.0.0.1:{port}"
    settings = {
        "CORE__DAGS_FOLDER": dags,
        "CORE__PLUGINS_FOLDER": folder / "plugins",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PARALLELISM": "2",
        "CORE__FERNET_KEY": "",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,eve:viewer",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": passwords,
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__TEST_CONNECTION": "Enabled",
        "API__HOST": "127.0.0.1",
        "API__PORT": port,
        "API__BASE_URL": url,
        "API__EXPOSE_CONFIG": "True",
        "API__SECRET_KEY": "short",
        "API__WORKERS": "1",
        # The server itself wants 64 bytes; that they are a pattern it does not mind.
        "API_AUTH__JWT_SECRET": "ab" * 32,
        "LOGGING__COLORED_CONSOLE_LOG": "False",
    }
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AIRFLOW_HOME": str(folder / "home"),
        **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
    }
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow", "standalone"],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield Standalone(url, folder / "home", process, environment)
    finally:
        # `standalone` ends its parts by itself; what is left after that is ended with its group.
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {_START_SECONDS} s"
        time.sleep(0.5)


@service
def bad_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """The running Airflow, with a DAG that has run and printed a token."""
    with _standalone(tmp_path_factory.mktemp("airflow")) as server:

        def up() -> bool:
            assert server.process.poll() is None, "airflow standalone ended by itself"
            try:
                health = httpx.get(f"{server.url}/api/v2/monitor/health", timeout=5).json()
                dag = server.call("GET", "api/v2/dags/cleanup")
                dag = dag and server.call("GET", "api/v2/dags/churn")
            except (httpx.HTTPError, ValueError):
                return False
            return bool(health["scheduler"]["status"] == "healthy" and dag)

        _until(up, "Airflow")
        run = server.call("POST", "api/v2/dags/cleanup/dagRuns", logical_date=None)["dag_run_id"]
        path = f"api/v2/dags/cleanup/dagRuns/{run}"
        _until(lambda: server.call("GET", path)["state"] == "success", "the DAG's run")
        extra = json.dumps({"sslmode": "disable", "client_credential": "abcdef"})
        server.call(
            "POST", "api/v2/connections", connection_id="warehouse", conn_type="postgres",
            host="db.example.org", login="etl", password="a-password", extra=extra,
        )  # fmt: skip
        server.call(
            "POST", "api/v2/connections", connection_id="crm", conn_type="postgres",
            host="crm.example.org", login="etl", password="a-password",
            extra=json.dumps({"sslmode": "verify-full"}),
        )  # fmt: skip
        server.call(
            "POST", "api/v2/connections", connection_id="partner", conn_type="http",
            host="https://partner.example.org", extra='{"verify": false, "api_key": "ghijkl"}',
        )  # fmt: skip
        server.call("POST", "api/v2/variables", key="db_password", value="hunter22-hunter22")
        server.call(
            "POST", "api/v2/variables", key="source", value="ftp://etl:hunter22@example.org"
        )
        yield server


@pytest.fixture
def recording(bad_airflow: Standalone) -> Iterator[RecordingProxy]:
    """A recording proxy before the running Airflow."""
    proxy = RecordingProxy(bad_airflow.url)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
