"""An image out of a real registry: pushed, scanned by reference, unchanged, then moved."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from compline.cli.main import app

if TYPE_CHECKING:
    from conftest import Demo

pytestmark = pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")


def push(archive: Path, reference: str, tmp_path: Path) -> None:
    """Copies a docker-archive into the registry."""
    policy = tmp_path / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    subprocess.run(
        [
            "skopeo", f"--policy={policy}", "copy", "--quiet", "--dest-tls-verify=false",
            f"docker-archive:{archive}", f"docker://{reference}",
        ],
        check=True,
    )  # fmt: skip


def scan(demo: Demo) -> dict[str, Any]:
    """The ledger row of trivy's look at the one image, after a scan of it."""
    runner = CliRunner()
    done = runner.invoke(app, ["scan", "--config", str(demo.config), "--target", "scoring-image"])
    assert done.exit_code in (0, 1), done.output
    shown = runner.invoke(app, ["coverage", "--config", str(demo.config), "--format", "json"])
    rows = {row["scanner"]: row for row in json.loads(shown.stdout)}
    assert {row["outcome"] for row in rows.values()} <= {"completed", "skipped"}, rows
    row = rows["trivy-image"]
    found: dict[str, Any] = row
    return found


def findings(demo: Demo) -> set[tuple[str, str]]:
    """Open findings of the image: id and title."""
    shown = CliRunner().invoke(
        app,
        ["findings", "--config", str(demo.config), "--target", "scoring-image", "--format", "json"],
    )
    return {(one["id"], one["title"]) for one in json.loads(shown.stdout)}


def test_an_image_by_reference(demo: Demo, registry: str, tmp_path: Path) -> None:
    reference = f"{registry}/team/scoring:1"
    [image] = yaml.safe_load(demo.config.read_text())["targets"]["images"]
    archive = demo.config.parent / image["archive"]

    def by_reference(raw: dict[str, Any]) -> None:
        raw["targets"]["images"] = [{"name": "scoring-image", "reference": reference}]

    demo.change(by_reference)
    push(archive, reference, tmp_path)
    first = scan(demo)
    seen = findings(demo)
    assert seen
    assert first["revision"].startswith("sha256:")
    assert first["reused_from"] is None

    again = scan(demo)
    assert again["reused_from"] == first["run"]
    assert findings(demo) == seen

    shutil.rmtree(tmp_path / "registry")
    runner = CliRunner()
    gone = runner.invoke(app, ["scan", "--config", str(demo.config), "--target", "scoring-image"])
    assert gone.exit_code == 3, gone.output
    assert findings(demo) == seen
