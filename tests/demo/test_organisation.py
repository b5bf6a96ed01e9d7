"""The demo organisation is the same on every machine, moves once, and goes away whole."""

import subprocess
from pathlib import Path

from compline.config.loader import load_config
from compline.demo import organisation
from compline.demo.models import SIGNED
from compline.source.images import open_image


def heads(home: Path) -> dict[str, str]:
    return {
        path.name: subprocess.run(
            ["git", "-C", path, "rev-parse", "main"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for path in sorted((home / "repositories").iterdir())
    }


def test_it_is_the_same_everywhere_and_stands_still(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    organisation.build(first, tmp_path)
    organisation.build(second, tmp_path)
    assert heads(first) == heads(second)
    assert len(heads(first)) == 5
    before = heads(first)
    organisation.build(first, tmp_path)
    assert heads(first) == before


def test_it_moves_by_one_commit_once(tmp_path: Path) -> None:
    organisation.build(tmp_path, tmp_path)
    before = heads(tmp_path)
    assert organisation.advance(tmp_path) == ["claims-portal", "fraud-model"]
    after = heads(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {
        "claims-portal.git",
        "fraud-model.git",
    }
    assert organisation.advance(tmp_path) == []
    organisation.build(tmp_path, tmp_path)
    assert heads(tmp_path) == after


def test_its_configuration_is_valid_and_its_image_can_be_opened(tmp_path: Path) -> None:
    config = load_config(organisation.build(tmp_path, tmp_path / "work"))
    assert config.workspace == tmp_path / "work"
    [image] = config.targets.images
    assert image.archive is not None
    assert open_image(image.archive).digest


def test_reset_removes_it(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    organisation.build(home, tmp_path)
    organisation.reset(home)
    assert not home.exists()


def test_a_byte_of_the_signed_model_changes_once(tmp_path: Path) -> None:
    organisation.build(tmp_path, tmp_path)
    model = tmp_path / "models" / SIGNED
    before = model.read_bytes()
    organisation.advance(tmp_path)
    after = model.read_bytes()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    organisation.advance(tmp_path)
    organisation.build(tmp_path, tmp_path)
    assert model.read_bytes() == after


def test_nothing_of_its_content_holds_a_key_that_scanners_of_ours_would_find() -> None:
    content = Path(organisation.__file__).parent / "content"
    for path in content.rglob("*"):
        if path.is_file():
            assert not any(key in path.read_bytes() for key in organisation._PLACEHOLDERS.values())
