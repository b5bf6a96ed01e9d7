"""A real `airflow standalone`: both DAGs over its REST API, the findings, the alert, the page."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from compline.config.loader import load_config
from compline.config.secrets import SecretResolver
from compline.pipeline.session import store_url
from compline.store.engine import open_store
from compline.store.findings import FindingFilter, list_findings

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def airflow(demo: Any, receiver: Any) -> Iterator[httpx.Client]:
    """The running Airflow, as a client that is logged in as its administrator."""
    demo.change(
        lambda raw: raw.update(
            alerts={"channels": [{"name": "hook", "url": "env:TEST_HOOK"}]},
            adhoc={"allow": [f"file://{demo.home}/*"]},
            targets={**raw["targets"], "airflow": [{"name": "orchestrator", "here": True}]},
        )
    )
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "compline_airflow.launch", "up", "--project", str(ROOT)],
        env={
            **os.environ,
            "COMPLINE_CONFIG": str(demo.config),
            "COMPLINE_PORT": str(port),
            "TEST_HOOK": f"json://{receiver.address}/hook",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: healthy(base, process), 180, "Airflow's health check")
        passwords = json.loads((demo.workspace / "airflow" / "passwords.json").read_text())
        login = httpx.post(
            f"{base}/auth/token",
            json={"username": "admin", "password": passwords["admin"]},
            timeout=60,
        )
        token = login.raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        print(output)


def healthy(base: str, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, "make up ended by itself"
    try:
        answer = httpx.get(f"{base}/api/v2/monitor/health", timeout=5)
    except httpx.TransportError:
        return False
    return bool(
        answer.status_code == 200
        and answer.json()["scheduler"]["status"] == "healthy"
        and answer.json()["dag_processor"]["status"] == "healthy"
    )


def wait_until(condition: Any, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come within {seconds} s")
        time.sleep(1)


def trigger(client: httpx.Client, dag: str, conf: dict[str, Any]) -> str:
    """Triggers and waits; gives the DAG run's state."""
    dags = f"/api/v2/dags/{dag}"
    wait_until(lambda: client.get(dags).status_code == 200, 60, dag)
    for _ in range(5):
        answer = client.post(f"{dags}/dagRuns", json={"logical_date": None, "conf": conf})
        # On SQLite Airflow gives up after five seconds in which its other processes write.
        if answer.status_code != 500:
            break
    run = answer.raise_for_status().json()["dag_run_id"]

    def state() -> str:
        return str(client.get(f"{dags}/dagRuns/{run}").raise_for_status().json()["state"])

    wait_until(lambda: state() in ("success", "failed"), 240, f"the end of {dag}")
    return state()


@pytest.mark.timeout(900)
def test_both_dags_over_the_rest_api(demo: Any, airflow: httpx.Client, receiver: Any) -> None:
    assert trigger(airflow, "compliance_nightly", {}) == "success"
    baseline = len(receiver.got)

    demo.advance()
    # With the repository the deployment looks at itself, from within a task: its own
    # configuration, files and logs.
    conf = {
        "targets": ["fraud-model", "orchestrator"],
        "scanners": ["bandit", "semgrep", "airflow-audit", "log-secrets"],
    }
    assert trigger(airflow, "compliance_adhoc", conf) == "success"
    with open_store(store_url(load_config(demo.config), SecretResolver({}))) as store:
        found = list_findings(store, FindingFilter(targets=("fraud-model",)))
        own = list_findings(store, FindingFilter(targets=("orchestrator",)))
    assert {"simple-auth-manager", "no-secrets-backend"} <= {one.rule for one in own}
    # `make up` gives it keys, a private password file and loopback alone.
    weak = ("weak-", "no-fernet", "default-", "api-server", "exposed", "examples", "secrets-read")
    assert [one.rule for one in own if one.rule.startswith(weak)] == []
    assert any(one.path == "training/agent.py" for one in found)
    titles = [got.json["title"] for got in receiver.got[baseline:]]
    told = [title for title in titles if "fraud-model" in title]
    assert any(title.startswith("[Compline demo] critical: fraud-model: ") for title in told)

    other = f"file://{demo.home}/demo/repositories/claims-portal.git"
    conf = {"other": other, "revision": "main", "scanners": ["bandit"]}
    assert trigger(airflow, "compliance_adhoc", conf) == "success"
    titles = [got.json["title"] for got in receiver.got[baseline:]]
    assert [title for title in titles if "fraud-model" in title] == told, "nobody hears of it"
    assert not any("claims-portal" in title for title in titles)

    refused = airflow.post(
        "/api/v2/dags/compliance_adhoc/dagRuns",
        json={"logical_date": None, "conf": {"targets": ["nonsense"]}},
    )
    assert refused.status_code == 400
    assert (
        trigger(airflow, "compliance_adhoc", {"other": "https://elsewhere.invalid/x"}) == "failed"
    )

    page = airflow.get("/compliance/")
    assert page.status_code == 200
    assert "Coverage of run" in page.text
    assert httpx.get(str(airflow.base_url) + "/compliance/").status_code == 401
    views = airflow.get("/api/v2/plugins").raise_for_status().json()
    assert "Compliance" in json.dumps(views)
