"""The production alias of a real MLflow server moves, with and without the gate's approval."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hostile_models as hostile
import httpx
import pytest
import yaml
from stores import empty_sqlite
from typer.testing import CliRunner

from compline.cli.main import app
from compline.scanners import registry
from compline.tools.toolbox import Toolbox

API = "api/2.0/mlflow"
NAME = "pricing"
SUBJECT = f"{NAME}@production"
ONE = f"filter=name%3D%27{NAME}%27&max_results=1&order_by=version_number+ASC"


class Site:
    """An organisation with one registry."""

    def __init__(self, home: Path, server: Any) -> None:
        self.server = server
        self.sources: dict[int, str] = {}
        self.config = home / "compline.yaml"
        listed = {"name": "mlflow", "kind": "mlflow", "url": server.url}
        raw = {
            "organisation": "acme",
            "workspace": "work",
            "targets": {
                "model_registries": [
                    {**listed, "policy": {"allow_loopback_http": True},
                     "models": {"production": "champion"}}
                ]
            },
            "scanners": {name: {"enabled": name == "model-guard"} for name in registry.names()},
            "gate": {"require": ["formats"]},
        }  # fmt: skip
        self.config.write_text(yaml.safe_dump(raw))

    def run(self, *arguments: str) -> Any:
        done = CliRunner().invoke(app, [*arguments], env={"COMPLINE_CONFIG": str(self.config)})
        assert done.exit_code in (0, 1), done.output
        return done

    def serve(self, version: int) -> list[str]:
        """Moves the alias, looks, and gives the titles of all alerts about it so far."""
        path = f"{API}/registered-models/alias"
        self.server.call("POST", path, name=NAME, alias="champion", version=str(version))
        self.run("scan")
        told = json.loads(self.run("alerts", "list", "--format", "json").stdout)
        entries = [entry for one in told for entry in one["payload"]["entries"]]
        assert {e["kind"] for e in entries} <= {"baseline", "model-changed"}
        return [e["title"] for e in entries if e["kind"] == "model-changed"]

    def upload(self, version: int, content: bytes) -> None:
        folder = self.sources[version].removeprefix("mlflow-artifacts:/")
        url = f"{self.server.url}/api/2.0/mlflow-artifacts/artifacts/{folder}"
        httpx.put(f"{url}/model.safetensors", content=content, timeout=60).raise_for_status()


@pytest.fixture
def site(
    unguarded: Any, tmp_path: Path, tools: Callable[..., Toolbox], installed_tools: Path
) -> Iterator[Site]:
    """A model of three versions, of which production serves the first; looked at once."""
    tools("model-signing")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "tools").symlink_to(installed_tools)
    empty_sqlite(tmp_path / "work" / "store" / "compline.db")
    made = Site(tmp_path, unguarded)
    unguarded.call("POST", f"{API}/registered-models/create", name=NAME)
    for version in (1, 2, 3):
        run = unguarded.call("POST", f"{API}/runs/create", experiment_id="0")["run"]["info"]
        made.sources[version] = f"{run['artifact_uri']}/model"
        made.upload(version, hostile.safetensors()[:-1] + bytes([version]))
        source = {"source": made.sources[version], "run_id": run["run_id"]}
        unguarded.call("POST", f"{API}/model-versions/create", name=NAME, **source)
    assert made.serve(1) == []
    yield made
    unguarded.call("DELETE", f"{API}/registered-models/delete", name=NAME)


def test_with_an_approval_it_is_kept_and_without_one_it_is_one_alert(site: Site) -> None:
    assert site.run("gate", "model", NAME, "2").exit_code == 0
    assert site.serve(2) == []
    rows = json.loads(site.run("coverage", "--format", "json").stdout)
    assert f"{SUBJECT}: from 1 to 2, approved by decision" in rows[0]["warnings"][0]
    alone = [f"{SUBJECT}: from 2 to 3; no decision of the gate approves it"]
    assert site.serve(3) == alone
    assert site.serve(3) == alone, "told once"
    assert site.serve(2) == alone, "back to what was approved"


def test_a_new_model_does_not_come_to_production_unseen(site: Site) -> None:
    name = "newcomer"
    site.server.call("POST", f"{API}/registered-models/create", name=name)
    try:
        (of_pricing,) = site.server.call("GET", f"{API}/model-versions/search?{ONE}")[
            "model_versions"
        ]
        version = {"name": name, "source": site.sources[1], "run_id": of_pricing["run_id"]}
        site.server.call("POST", f"{API}/model-versions/create", **version)
        alias = {"name": name, "alias": "champion", "version": "1"}
        site.server.call("POST", f"{API}/registered-models/alias", **alias)
        told = f"{name}@production: from nothing to 1; no decision of the gate approves it"
        assert site.serve(1) == [told]
    finally:
        site.server.call("DELETE", f"{API}/registered-models/delete", name=name)


def test_an_approval_holds_for_the_digest_that_it_was_given_for(site: Site) -> None:
    site.run("gate", "model", NAME, "3")
    site.upload(3, hostile.safetensors()[:-1] + b"\xff")  # of the same size
    # The gate reads what it decides about, whatever was read today.
    site.run("gate", "model", NAME, "3")
    site.upload(3, hostile.safetensors()[:-1] + b"\xfe")
    path = f"{API}/registered-models/alias"
    site.server.call("POST", path, name=NAME, alias="champion", version="3")
    site.run("scan", "--fresh")
    *files, alias = sorted(site.serve(3))
    seen = [each.partition(": from ")[0] for each in files]
    assert seen == [f"{NAME}/3/model.safetensors"] * 2, "by the gate's second look, and the night"
    assert alias.startswith(f"{SUBJECT}: from 1 to 3; decision ")
    assert "approves sha256:" in alias
