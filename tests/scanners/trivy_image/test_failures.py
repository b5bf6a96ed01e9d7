"""What makes a look at an image fail, and only that look."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from looks import one

from compline.model import Failed
from compline.scanners.interface import CannotScan
from compline.scanners.trivy import command, image_match, image_scanner
from compline.scanners.trivy.command import TrivyFailed
from compline.scanners.trivy.image_scanner import TrivyImage
from compline.tools.process import Aborted


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"no archive", "not a tar file"), (None, "cannot be read|No such file")],
)
def test_what_is_no_image_fails_alone(
    night: Any, toolbox: Any, images: Any, shop: Path, tmp_path: Path, content: Any, said: str
) -> None:
    scene, _ = night
    odd = images.job(shop, "odd")
    file = tmp_path / "odd.tar"
    odd.open_archive, odd.revision = lambda: file, "sha256:" + "0" * 64
    if content is not None:
        file.write_bytes(content)
    by_target = {
        look.target: look
        for look in TrivyImage().scan([odd, images.job(shop)], scene.context(toolbox))
    }
    failed = by_target["odd"].outcome
    assert isinstance(failed, Failed)
    assert re.search(said, failed.error)
    assert by_target["shop"].outcome != failed


def test_a_missed_canary_stops_everything(
    scene: Any, toolbox: Any, images: Any, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_scanner, "write_canary_image", lambda path: shutil.copy(shop, path))
    with pytest.raises(CannotScan, match="missed its canary"):
        list(TrivyImage().scan([images.job(shop)], scene.context(toolbox)))


@pytest.mark.parametrize("planted", ["language", "system"])
def test_a_missed_canary_in_the_matching_fails_the_look(
    night: Any, toolbox: Any, images: Any, shop: Path, planted: str, monkeypatch: Any
) -> None:
    scene, _ = night
    if planted == "system":
        harmless = {"name": "x", "type": "library", "bom-ref": "canary os", "version": "0"}
        monkeypatch.setattr(image_match, "os_canary", lambda *_: harmless)
    else:
        monkeypatch.setattr(image_match, "add_components", lambda *_: None)
    given = command.means(scene.context(toolbox), "trivy-image")
    sbom = json.dumps(json.loads((Path(__file__).parent / "golden/image.cdx.json").read_text()))
    with pytest.raises(TrivyFailed, match="missed its canary"):
        image_match.match_image(sbom.encode(), given, scene.context(toolbox), "trivy-image")


def test_a_broken_match_fails_the_look_and_is_not_kept(
    night: Any, toolbox: Any, images: Any, shop: Path, database: Any, monkeypatch: Any
) -> None:
    scene, _ = night
    moved = database(
        {"npm::t": {"x": {"CVE-1": {"VulnerableVersions": ["< 2"], "PatchedVersions": ["2"]}}}}, {}
    )
    context = scene.context(toolbox, advisories={"trivy_db": str(moved)})

    def killed(*_arguments: Any, **_options: Any) -> Any:
        raise Aborted("ended by signal SIGKILL")

    monkeypatch.setattr(command, "run", killed)
    before = dict(scene.cache.values)
    failed = one(TrivyImage().scan([images.job(shop)], context)).outcome
    assert failed == Failed("vulnerabilities could not be looked up: ended by signal SIGKILL")
    assert scene.cache.values == before
