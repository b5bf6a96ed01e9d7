"""The page: behind its guards, harmless whatever a repository is called, honest when empty."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Header, HTTPException
from stores import empty_sqlite

from compline.config.loader import ConfigError, Mistake
from compline.config.secrets import SecretMissing
from compline.model import (
    Completed,
    Confidence,
    Failed,
    FindingKind,
    Gap,
    GapReason,
    Look,
    Observation,
    Place,
    RunResult,
    ScanKey,
    Severity,
    Target,
    TargetKind,
)
from compline.store.engine import Store, StoreError, open_store
from compline.store.record import record
from compline.store.runs import finish_run, start_run
from compline.store.targets import sync_targets
from compline.web.app import create_app

NOW = datetime(2026, 1, 1, 2, 30, tzinfo=UTC)
Answer = httpx.Response
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(empty_sqlite(tmp_path / "store.db")) as opened:
        yield opened


def guard(authorization: Annotated[str, Header()] = "") -> None:
    """As Airflow's: 401 without a login, 403 without the right."""
    if not authorization:
        raise HTTPException(401)
    if authorization != "reader":
        raise HTTPException(403)


class Client:
    """Asks the application without a server."""

    def __init__(self, app: FastAPI, *, raises: bool = True) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=raises)

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        async def ask() -> Answer:
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://airflow.test"
            ) as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())


@pytest.fixture
def client(store: Store) -> Client:
    return Client(create_app(lambda: store, [Depends(guard)]))


def page(client: Client) -> str:
    answer = client.get("/", headers={"Authorization": "reader"})
    assert answer.status_code == 200
    return answer.text


def seed(store: Store, reason: str = "gone", target: str = "web") -> int:
    """A finished run: one completed look with a gap and a finding, one failed."""
    sync_targets(store, [Target(TargetKind.REPOSITORY, target, "file:///x", "main")], NOW)
    run = start_run(store, "nightly", NOW)
    seen = Observation(
        "bandit", "B1", FindingKind.CODE, Severity.HIGH, Confidence.HIGH, HOSTILE,
        Place("a.py", 1, 1),
    )  # fmt: skip
    gap = Gap(GapReason.TOO_LARGE, "big.py", reason)
    looks = [
        Look(
            target, "bandit", Completed((seen,), (gap,)), "c" * 40,
            scan_key=ScanKey("t", "1"), warnings=(reason,),
        ),
        Look(target, "semgrep", Failed(reason), "c" * 40),
    ]  # fmt: skip
    record(store, run, target, looks, looked_at=NOW, now=NOW, ref="main")
    finish_run(store, run, RunResult.INCOMPLETE, NOW)
    return run


def test_without_a_guard_there_is_no_app(store: Store) -> None:
    with pytest.raises(ValueError, match="guard"):
        create_app(lambda: store, [])


@pytest.mark.parametrize(("login", "status"), [({}, 401), ({"Authorization": "other"}, 403)])
def test_who_may_not_read_sees_nothing(
    store: Store, client: Client, login: dict[str, str], status: int
) -> None:
    seed(store)
    answer = client.get("/", headers=login)
    assert answer.status_code == status
    assert "web" not in answer.text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_there_is_no_unguarded_route(client: Client, path: str) -> None:
    assert client.get(path).status_code in (401, 404)
    assert client.get("/", method="POST").status_code in (401, 405)


def test_the_store_is_opened_late(store: Store) -> None:
    opened: list[Store] = []

    def late() -> Store:
        opened.append(store)
        return store

    client = Client(create_app(late, [Depends(guard)]))
    assert client.get("/").status_code == 401
    assert opened == []
    page(client)
    assert opened == [store]


def test_before_any_run(client: Client) -> None:
    assert "No run yet" in page(client)


def test_a_run_without_rows(store: Store, client: Client) -> None:
    start_run(store, "nightly", NOW)
    text = page(client)
    assert "Nothing is recorded in this run yet" in text
    assert "not finished" in text


def test_a_run(store: Store, client: Client) -> None:
    run = seed(store)
    text = page(client)
    assert f"Coverage of run {run}: incomplete" in text
    assert "2026-01-01 02:30" in text
    assert '<td class="completed">completed</td>' in text
    assert '<td class="failed">failed</td>' in text
    assert '<b class="high">1</b>open, high' in text


def test_hostile_text_is_text(store: Store, client: Client) -> None:
    seed(store, reason=HOSTILE, target="<img/src=x>")
    text = page(client)
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    assert "&lt;img/src=x&gt;" in text
    assert "{{7*7}}" in text


READER = {"Authorization": "reader"}


def broken(error: Exception) -> Client:
    """The application where the store cannot be opened."""

    def opener() -> Store:
        raise error

    return Client(create_app(opener, [Depends(guard)]), raises=False)


@pytest.mark.parametrize(
    ("method", "path", "login", "status"),
    [
        ("GET", "/", READER, 200),
        ("GET", "/", {}, 401),
        ("GET", "/", {"Authorization": "other"}, 403),
        ("GET", "/nothing", READER, 404),
        ("DELETE", "/", READER, 405),
    ],
)
def test_every_answer_has_the_headers(
    client: Client, method: str, path: str, login: dict[str, str], status: int
) -> None:
    answer = client.get(path, headers=login, method=method)
    assert answer.status_code == status
    check_headers(answer)


def check_headers(answer: Answer) -> None:
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


def test_a_crash_tells_a_stranger_nothing() -> None:
    answer = broken(RuntimeError("hunter2")).get("/", headers=READER)
    assert answer.status_code == 500
    assert "log of Airflow's API server" in unescape(answer.text)
    assert "hunter2" not in answer.text
    check_headers(answer)


@pytest.mark.parametrize(
    "error",
    [
        StoreError("cannot open the store <postgresql>"),
        SecretMissing("env:<STORE>: set the environment variable"),
        ConfigError([Mistake("compline.yaml", 3, "a.<b>", "unknown key")]),
    ],
)
def test_what_a_person_can_mend_is_said_to_who_may_read(error: Exception) -> None:
    client = broken(error)
    answer = client.get("/", headers=READER)
    assert answer.status_code == 503
    assert str(error) in unescape(answer.text)
    assert str(error) not in answer.text, "not escaped"
    check_headers(answer)
    assert client.get("/").status_code == 401


def test_an_incomplete_night_shows_what_failed_first_and_what_was_left_out(
    store: Store, client: Client
) -> None:
    seed(store, reason="semgrep is missing")
    text = page(client)
    assert text.index(">semgrep<") < text.index(">bandit<")
    assert "<div>semgrep is missing</div>" in text
    assert "left out: 1 too-large" in text


def test_the_page_needs_nothing_from_elsewhere(store: Store, client: Client) -> None:
    seed(store)
    assert not re.search(r"(?i)src=|href=\"(?!asset)|url\(|@import|https?:", page(client))
