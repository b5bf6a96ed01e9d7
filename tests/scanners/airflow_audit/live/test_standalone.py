"""A real, badly kept `airflow standalone`, over REST; nothing but reading calls are sent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from airflow_server import everybody_is_administrator

from compline.model import Completed, Failed, Target, TargetKind
from compline.scanners.interface import Job
from compline.scanners.logs.scanner import LogSecrets

pytestmark = pytest.mark.timeout(400)
LOGIN = "admin:admin"
SHOWN = {
    ("simple-auth-manager", "setting/authentication"),
    ("undeclared-administrator", "account/admin"),
    ("no-fernet-key", "setting/fernet_key"),
    ("exposed-configuration", "setting/expose_config"),
    ("connection-tests-allowed", "setting/connection_tests"),
    ("no-secrets-backend", "setting/secrets_backend"),
    ("connection-without-tls", "connection/warehouse"),
    ("connection-shows-secret", "connection/warehouse"),
    ("variable-holds-secret", "variable/db_password"),
    ("variable-not-encrypted", "variable/db_password"),
    ("connection-unverified", "connection/partner"),
    ("connection-secret-in-extra", "connection/partner"),
    ("variable-shows-secret", "variable/source"),
    ("variable-holds-secret", "variable/source"),
    ("variable-not-encrypted", "variable/source"),
    ("shell-from-parameters", "dag-file/dags-folder:cleanup.py/remove"),
}


def is_reading(call: tuple[str, str]) -> bool:
    return call[0] == "GET" or call == ("POST", "/auth/token")


def test_what_is_bad_is_found_by_reading_calls_alone(
    look_at: Any, found: Any, recording: Any, scene: Any
) -> None:
    look = look_at(url=recording.url, credential=LOGIN, policy={"admins": ["ann"]})

    assert {key for key in found(look) if not key[0].startswith("package-with")} == SHOWN
    assert {gap.path for gap in look.outcome.gaps} == {
        "setting/jwt_secret",
        "setting/api_secret_key",
        "file/",
        "password/",
        "login/",
    }
    assert all(is_reading(call) for call in recording.calls), recording.calls
    assert [call for call in recording.calls if call[0] == "POST"] == [("POST", "/auth/token")]
    assert len(recording.calls) < 20
    kept = b"".join(p.read_bytes() for p in scene.home.rglob("*") if p.is_file())
    assert not [one for one in (b"abcdef", b"ghijkl", b"hunter22") if one in kept]


def test_a_policy_declares_what_is_right(look_at: Any, found: Any, recording: Any) -> None:
    policy = {
        "admins": ["admin"],
        "plain_connections": ["warehouse"],
        "secret_variables": ["db_password", "source"],
        "shell_tasks": ["remove"],
    }
    look = look_at(url=recording.url, credential=LOGIN, policy=policy)
    gone = SHOWN - {key for key in found(look) if key in SHOWN}
    assert {rule for rule, _ in gone} == {
        "undeclared-administrator",
        "connection-without-tls",
        "variable-holds-secret",
        "shell-from-parameters",
    }


def test_a_viewer_leaves_gaps(look_at: Any, recording: Any) -> None:
    look = look_at(url=recording.url, credential="eve:eve")

    gaps = {gap.path: gap.detail for gap in look.outcome.gaps}
    assert "answers 403" in gaps["connection/"]
    assert "answers 403" in gaps["variable/"]
    assert "dag-file/" not in gaps


def test_without_a_credential_only_strangers_calls(look_at: Any, recording: Any, own: Any) -> None:
    look = look_at(url=recording.url, here=True, own=own())

    assert isinstance(look.outcome, Completed)
    assert {"connection/", "variable/"} <= {gap.path for gap in look.outcome.gaps}
    assert all(method == "GET" for method, _ in recording.calls)


def test_an_api_server_that_asks_nobody(look_at: Any, found: Any, bad_airflow: Any) -> None:
    with everybody_is_administrator(bad_airflow) as url:
        look = look_at(url=url)
        log = (bad_airflow.home / "second.log").read_text()
    assert found(look)["anonymous-administrator", "setting/anonymous"] == "critical"
    assert "/api/v2/dags" in log
    assert "/auth/token" not in log, "it would give a stranger an administrator's token"


@pytest.mark.parametrize(
    ("login", "message"),
    [("admin:wrong", "auth/token answers 401"), ("no-token", "the token is not valid")],
)
def test_a_refused_credential_is_failed(
    look_at: Any, error_of: Any, recording: Any, login: str, message: str
) -> None:
    assert message in error_of(look_at(url=recording.url, credential=login))


@pytest.fixture
def task_logs(recording: Any, scene: Any, tools: Any) -> Any:
    """One look at the task logs over REST."""

    def look(login: str = LOGIN, **section: Any) -> Any:
        context = scene.context(
            tools("trivy"), secrets={"LOGIN": login}, scanners={"log-secrets": section}
        )
        settings = {"url": recording.url, "credential": "env:LOGIN"}
        target = Target(TargetKind.AIRFLOW, "orchestrator", recording.url, settings=settings)
        (result,) = LogSecrets().scan([Job(target, "")], replace(context, airflow=None))
        return result

    return look


def _milliseconds(line: str) -> int:
    return int(datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp() * 1000)


def test_task_logs_over_rest(task_logs: Any, recording: Any, bad_airflow: Any) -> None:
    look = task_logs()

    (one,) = look.outcome.observations
    assert one.place.path.startswith("dag_id=cleanup/run_id=manual__")
    assert one.place.path.endswith("/task_id=leak/attempt=1.log")
    [file] = (bad_airflow.home / "logs").glob(one.place.path.replace(":", "?"))
    # Airflow gives a log in the order of its milliseconds, in which it need not have been written.
    lines = sorted(file.read_text().splitlines(), key=_milliseconds)
    assert "ghp_" in lines[(one.place.line or 0) - 1]
    assert [gap.reason for gap in look.outcome.gaps] == ["partial"]
    assert all(is_reading(call) for call in recording.calls), recording.calls
    assert sum("/logs/" in path for _, path in recording.calls) == 2

    recording.calls.clear()
    again = task_logs()
    assert again.outcome == look.outcome
    assert not any("/logs/" in path for _, path in recording.calls), "finished logs are kept"


def test_task_logs_that_are_gone_or_refused_are_gaps(task_logs: Any, recording: Any) -> None:
    refused = (403, {"content-type": "application/json"}, b"{}")
    said = ("::group::Log message source details", "not found", "::endgroup::")
    gone = json.dumps({"content": [{"event": event} for event in said]}).encode()

    def instead(path: str) -> Any:
        if "/leak/logs/" in path:
            return refused
        return (200, {"content-type": "application/json"}, gone) if "/logs/" in path else None

    recording.instead = instead
    look = task_logs()
    assert look.outcome.observations == ()
    assert sorted(gap.reason for gap in look.outcome.gaps) == [
        "forbidden", "missing-object", "partial",
    ]  # fmt: skip


def test_an_airflow_that_stops_answering_is_failed_and_goes_on(
    task_logs: Any, recording: Any
) -> None:
    def instead(path: str) -> Any:
        return (503, {"retry-after": "999"}, b"") if "/leak/logs/" in path else None

    recording.instead = instead
    outcome = task_logs().outcome
    assert isinstance(outcome, Failed)
    assert "answers 503" in outcome.error

    recording.instead = lambda _path: None
    recording.calls.clear()
    assert isinstance(task_logs().outcome, Completed)
    assert sum("/logs/" in path for _, path in recording.calls) == 1, "the other one was kept"


def test_a_bound_on_task_instances_is_a_gap(task_logs: Any) -> None:
    look = task_logs(newest=1)
    assert "too-many" in {gap.reason for gap in look.outcome.gaps}


def test_task_logs_that_may_not_be_listed(task_logs: Any, recording: Any) -> None:
    recording.instead = lambda path: (403, {}, b"{}") if "taskInstances" in path else None
    outcome = task_logs().outcome
    assert isinstance(outcome, Failed)
    assert "grant it to read task instances" in outcome.error
