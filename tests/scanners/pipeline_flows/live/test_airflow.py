"""A pipeline against a real Airflow: its DAG's source and connections, by reading calls alone."""

from __future__ import annotations

import gzip
import socket
import time
from typing import Any

import pytest
from flows import HOP, found, gaps

from compline.model import Failed

pytestmark = pytest.mark.timeout(400)
STORE = {"X": "postgresql://auditor:store-secret@crm.example.org/crm", "LOGIN": "admin:admin"}


def flow(*connections: str, hop: str = "crm") -> dict[str, Any]:
    return {"hops": [{**HOP, "connection": hop}], "connections": list(connections)}


@pytest.fixture
def look_through(look_at: Any, recording: Any) -> Any:
    """A look at a pipeline that the running Airflow runs."""

    def look(dag: str = "churn", *, login: str = "admin:admin", **given: Any) -> Any:
        airflow = {"name": "orchestrator", "url": recording.url, "credential": "env:LOGIN"}
        given = {"flow": flow(), **given}
        return look_at(airflow=airflow, dag=dag, secrets={**STORE, "LOGIN": login}, **given)

    return look


def test_a_dag_with_its_connection_in_order_is_clean(
    look_through: Any, recording: Any, scene: Any
) -> None:
    look = look_through()
    assert found(look) == set()
    assert look.outcome.gaps == ()
    assert recording.calls == [
        ("POST", "/auth/token"),
        ("GET", "/api/v2/dagSources/churn"),
        ("GET", "/api/v2/connections/crm"),
    ]
    kept = b"".join(gzip.decompress(p.read_bytes()) for p in scene.home.rglob("*.gz"))
    assert b"api/v2/dagSources/churn" in kept
    assert b"store-secret" not in kept
    assert b"a-password" not in kept


def test_connections_that_are_not_what_the_flow_says(look_through: Any) -> None:
    look = look_through(flow=flow("gone", "warehouse", hop="warehouse"))
    assert found(look) == {
        ("undeclared-connection", "connection/crm"),
        ("connection-without-use", "connection/gone"),
        ("connection-without-use", "connection/warehouse"),
        ("connection-missing", "connection/gone/kept"),
        ("connection-in-clear", "connection/warehouse/transport"),
        ("connection-to-another-store", "connection/warehouse/address"),
    }
    (one,) = [o for o in look.outcome.observations if o.rule == "connection-to-another-store"]
    assert one.title == (
        "The connection warehouse leads to db.example.org:5432, the store of its hop is "
        "crm.example.org:5432"
    )


def test_a_connection_that_a_secrets_backend_gives_is_a_gap(look_through: Any) -> None:
    look = look_through(flow=flow("vault_crm"), rules={"connections_elsewhere": ["vault_*"]})
    assert ("connection-missing", "connection/vault_crm/kept") not in found(look)
    assert "outside of Airflow's own list" in gaps(look)["connection/vault_crm"]


def test_an_account_that_may_not_see_connections_leaves_a_gap(look_through: Any) -> None:
    look = look_through(login="eve:eve")
    assert found(look) == set()
    assert "answers 403" in gaps(look)["connection/"]


def test_an_unknown_dag_and_a_wrong_password_are_failed(look_through: Any) -> None:
    assert "knows no DAG nightly" in look_through("nightly").outcome.error
    assert "auth/token answers 401" in look_through(login="admin:x").outcome.error


def half(path: str) -> Any:
    return (200, {"content-type": "application/json", "content-length": "900"}, b'{"content": "x')


def slow(path: str) -> Any:
    time.sleep(3)


@pytest.mark.parametrize("place", ["/api/v2/dagSources/churn", "/api/v2/connections/crm"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda path: (503, {}, b""), "answers 503: try again later"),
        (lambda path: (429, {"retry-after": "999"}, b""), "answers 429: try again later"),
        (lambda path: (302, {"location": "https://example.org"}, b""), "redirects, which is not"),
        (lambda path: (200, {}, b"<html>Airflow 2</html>"), "not JSON, or broke off"),
        (lambda path: (200, {}, b"[1]"), "api/v2/"),
        (half, "api/v2/"),
        (slow, "too slow"),
    ],
)
def test_an_airflow_that_answers_badly_is_failed(
    look_through: Any, recording: Any, place: str, answer: Any, said: str
) -> None:
    recording.instead = lambda path: answer(path) if path == place else None
    outcome = look_through(seconds=2).outcome
    assert isinstance(outcome, Failed)
    assert said in outcome.error
    assert "unforeseen" not in outcome.error


def test_one_that_asks_to_wait_is_waited_for(look_through: Any, recording: Any) -> None:
    busy = [(429, {"retry-after": "1"}, b"")]
    recording.instead = lambda path: busy.pop() if busy and "connections" in path else None
    assert found(look_through()) == set()
    assert busy == []


def test_one_that_is_stopped_is_failed(look_at: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        airflow = {"name": "orchestrator", "url": url, "credential": "env:LOGIN"}
        outcome = look_at(airflow=airflow, dag="churn", secrets=STORE).outcome
    assert isinstance(outcome, Failed)
    assert "no connection to 127.0.0.1" in outcome.error
