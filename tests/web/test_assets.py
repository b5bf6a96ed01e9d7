"""The pages of assets: what a target reaches and stands on, behind the same guards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, Header, HTTPException
from stores import empty_sqlite

from compline.model import (
    Completed,
    Confidence,
    FindingKind,
    Link,
    Look,
    Observation,
    Place,
    ScanKey,
    Severity,
    Target,
    TargetKind,
)
from compline.store.engine import Store, open_store
from compline.store.links import declare_links
from compline.store.record import record
from compline.store.runs import start_run
from compline.store.targets import sync_targets
from compline.web import assets
from compline.web.app import create_app

NOW = datetime(2026, 1, 1, 2, 30, tzinfo=UTC)
BUILT = Link("repository/web", "image/web-image", "is built into")
RUNS = Link("image/web-image", "endpoint/<b>&x", "runs in")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(empty_sqlite(tmp_path / "store.db")) as opened:
        sync_targets(opened, [Target(TargetKind.REPOSITORY, "web", "file:///x", "main")], NOW)
        run = start_run(opened, "nightly", NOW)
        seen = Observation(
            "bandit", "B1", FindingKind.CODE, Severity.HIGH, Confidence.HIGH, "t", Place("a.py", 1)
        )
        look = Look("web", "bandit", Completed((seen,)), "c" * 40, scan_key=ScanKey("t", "1"))
        record(opened, run, "web", [look], looked_at=NOW, now=NOW, ref="main")
        yield opened


def get(store: Store, path: str, login: str = "reader") -> httpx.Response:
    def guard(authorization: Annotated[str, Header()] = "") -> None:
        if authorization != "reader":
            raise HTTPException(403)

    transport = httpx.ASGITransport(create_app(lambda: store, [Depends(guard)]))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow.test") as client:
            return await client.get(path, headers={"Authorization": login})

    return asyncio.run(ask())


def test_without_links_it_says_so(store: Store) -> None:
    assert "Nothing is linked" in get(store, "/assets").text


def test_what_nobody_could_look_at_is_not_shown_as_clean(store: Store) -> None:
    listed = [
        Target(TargetKind.REPOSITORY, "web", "file:///x", "main"),
        Target(TargetKind.ENDPOINT, "api", "https://api.example.org"),
    ]
    sync_targets(store, listed, NOW)
    declare_links(store, [Link("repository/web", "endpoint/api", "runs in")], NOW)
    assert "Nobody could look at it yet." in get(store, "/asset?name=api").text
    assert "never looked at" in get(store, "/asset?name=web").text
    assert "1 open findings." in get(store, "/asset?name=web").text


def test_all_links_with_the_findings_that_reach(store: Store) -> None:
    declare_links(store, [RUNS, BUILT], NOW)
    text = get(store, "/assets").text
    assert text.index("repository/web") < text.index("image/web-image"), "the worst come first"
    assert '<td class="number" data-label="open">1</td>' in text
    assert "endpoint/&lt;b&gt;&amp;x" in text
    assert "<b>" not in text


@pytest.mark.parametrize("name", ["repository/web", "web"])
def test_one_target_with_its_ways(store: Store, name: str) -> None:
    declare_links(store, [RUNS, BUILT], NOW)
    text = get(store, f"/asset?name={name}").text
    assert "1 open findings" in text
    assert "repository/web, is built into image/web-image, runs in endpoint/&lt;b&gt;" in text
    assert "asset?name=endpoint/%3Cb%3E%26x" in text
    assert "Nothing that is known." in text


def test_an_asset_that_is_no_target(store: Store) -> None:
    declare_links(store, [RUNS, BUILT], NOW)
    text = get(store, "/asset?name=image/web-image").text
    assert "open findings" not in text
    assert "Comes from" in text


@pytest.mark.parametrize("name", ["", "image/none", "<script>"])
def test_what_nobody_knows(store: Store, name: str) -> None:
    answer = get(store, f"/asset?name={name}")
    assert answer.status_code == 404
    assert "<script" not in answer.text


def test_long_tables_are_cut_and_say_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "MOST", 1)
    declare_links(store, [RUNS, BUILT], NOW)
    assert "1 more: see" in get(store, "/assets").text
    assert "1 more: see" in get(store, "/asset?name=web").text


@pytest.mark.parametrize("path", ["/assets", "/asset?name=web"])
def test_strangers_see_nothing(store: Store, path: str) -> None:
    declare_links(store, [BUILT], NOW)
    answer = get(store, path, login="")
    assert answer.status_code == 403
    assert "web-image" not in answer.text


def test_the_coverage_leads_there(store: Store) -> None:
    text = get(store, "/").text
    assert 'href="assets"' in text
    assert 'href="asset?name=web"' in text
