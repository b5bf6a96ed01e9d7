"""A small organisation that has been scanned once through the command line itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from compline.cli.main import app
from compline.demo.history import write_repository
from compline.scanners import registry
from compline.tools.toolbox import Toolbox

ROOT = Path(__file__).parents[2]
CODE = b"import subprocess\n\n\ndef run(text):\n    subprocess.call(text, shell=True)\n"


@dataclass
class Site:
    """A folder with a compline.yaml; commands are run against it."""

    home: Path

    @property
    def config(self) -> Path:
        return self.home / "compline.yaml"

    def write(self, **sections: Any) -> None:
        enabled = {name: {"enabled": name == "bandit"} for name in registry.names()}
        raw = {
            "organisation": "acme",
            "workspace": "work",
            "targets": {
                "repositories": [
                    {"name": name, "url": f"file://{self.home}/{name}.git", "branch": "main"}
                    for name in ("calm", "web")
                ]
            },
            "scanners": enabled,
            "execution": {"processes": 1},
        }
        self.config.write_text(yaml.safe_dump(raw | sections, sort_keys=False), encoding="utf-8")

    def commit(self, name: str, *trees: Mapping[str, bytes]) -> None:
        messages = [str(number) for number in range(len(trees))]
        write_repository(self.home / f"{name}.git", trees, messages)

    def run(self, *arguments: str) -> Result:
        """A command with this configuration."""
        return CliRunner().invoke(app, [*arguments, "--config", str(self.config)])

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


def made(home: Path) -> Site:
    site = Site(home)
    (home / "work").mkdir()
    site.commit("web", {"app.py": CODE})
    site.commit("calm", {"app.py": b"x = 1\n"})
    site.write()
    return site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Never scanned, and without tools."""
    return made(tmp_path)


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Scanned twice by bandit; the second night saw one more finding. Only to be read."""
    Toolbox(ROOT / ".compline").install(("bandit",), lambda _line: None)
    site = made(tmp_path_factory.mktemp("site"))
    (site.home / "work" / "tools").symlink_to(ROOT / ".compline" / "tools")
    first = site.run("scan")
    assert first.exit_code == 1, first.output
    site.commit("web", {"app.py": CODE}, {"app.py": CODE, "new.py": b"import os\neval(os.name)\n"})
    second = site.run("scan", "--fail-at", "critical")
    assert second.exit_code == 0, second.output
    assert "Got worse" not in first.stdout
    return site


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A folder of models that model-guard has looked at twice; in between the first
    file changed."""
    Toolbox(ROOT / ".compline").install(("model-signing",), lambda _line: None)
    site = made(tmp_path_factory.mktemp("site"))
    (site.home / "work" / "tools").symlink_to(ROOT / ".compline" / "tools")
    folder = site.home / "models"
    for place in ("1/README.md", "1/model.safetensors", "2/vocab.txt"):
        path = folder / "fraud" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"first")
    (folder / "fraud" / "2" / "latest").symlink_to(site.home / "web.git")
    listed = {"name": "released", "url": str(folder), "layout": "models"}
    site.write(
        targets={"models": [listed], "repositories": []},
        scanners={name: {"enabled": name == "model-guard"} for name in registry.names()},
    )
    site.run("scan")
    (folder / "fraud" / "1" / "README.md").write_bytes(b"another card")
    site.run("scan")
    return site
