"""What an image archive says of itself, in each of its forms."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compline.source.images import open_image


@pytest.mark.parametrize("prefix", ["", "./"])
def test_docker_archive(image: Any, tmp_path: Path, prefix: str) -> None:
    assert open_image(image.tar(tmp_path / "a.tar", image.docker(), prefix)) == image.FACTS


def test_docker_archive_with_links_between_equal_layers(image: Any, tmp_path: Path) -> None:
    """As `docker save` before version 25 makes them."""
    twice = image.CONFIG.replace(
        image.digest(image.LAYERS[1]).encode(), image.digest(image.LAYERS[0]).encode()
    )
    manifest = image.json([{"Config": "c.json", "Layers": ["1/layer.tar", "2/layer.tar"]}])
    members = {"2/layer.tar": "../1/layer.tar", "1/layer.tar": image.LAYERS[0]}
    path = image.tar(tmp_path / "a.tar", {**members, "c.json": twice, "manifest.json": manifest})
    assert open_image(path).layers == (image.digest(image.LAYERS[0]),) * 2


def test_docker_archive_with_packed_layers(image: Any, tmp_path: Path) -> None:
    packed = [gzip.compress(layer) for layer in image.LAYERS]
    path = image.tar(
        tmp_path / "a.tar", image.docker(**{"1__layer_tar": packed[0], "2__layer_tar": packed[1]})
    )
    assert open_image(path) == image.FACTS


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_oci_archive_and_directory(image: Any, tmp_path: Path, packed: bool, nested: bool) -> None:
    members = image.oci(packed=packed, nested=nested)
    expected = replace(image.FACTS, digest=image.manifest_digest(members))
    assert open_image(image.tar(tmp_path / "a.tar", members)) == expected
    assert open_image(image.directory(tmp_path / "layout", members)) == expected


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
        (["x"], None),
        ("2024-05-06T07:08:09", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
    ],
)
def test_when_it_was_built(
    image: Any, tmp_path: Path, created: Any, expected: datetime | None
) -> None:
    config = image.json({"created": created, "rootfs": {"diff_ids": []}})
    manifest = image.json([{"Config": "c", "Layers": []}])
    path = image.tar(tmp_path / "a.tar", {"c": config, "manifest.json": manifest})
    assert open_image(path).created == expected


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_what_skopeo_makes_of_it(image: Any, tmp_path: Path) -> None:
    """The same image in every form: by skopeo, with skopeo's own digests."""
    source = image.directory(tmp_path / "layout", image.oci(packed=True, plain=True))
    made = {
        "docker-archive": tmp_path / "docker.tar",
        "oci-archive": tmp_path / "oci.tar",
        "oci": tmp_path / "oci",
    }
    for transport, path in made.items():
        target = f"{transport}:{path}"
        command = ["skopeo", "--insecure-policy", "copy", "-q", f"oci:{source}", target]
        subprocess.run(command, check=True)
        facts = open_image(path)
        assert (facts.created, facts.layers) == (image.WHEN, image.FACTS.layers)
        if transport != "docker-archive":
            raw = subprocess.run(["skopeo", "inspect", "--raw", target], stdout=-1, check=True)
            assert facts.digest == image.digest(raw.stdout)


def test_speed(image: Any, tmp_path: Path) -> None:
    layer = os.urandom(1 << 20) * 100
    config = image.json({"created": image.CREATED, "rootfs": {"diff_ids": [image.digest(layer)]}})
    manifest = image.json([{"Config": "c", "Layers": ["l"]}])
    path = image.tar(tmp_path / "a.tar", {"l": layer, "c": config, "manifest.json": manifest})
    seconds = []
    for verify in (True, False):
        began = time.monotonic()
        open_image(path, verify=verify)
        seconds.append(time.monotonic() - began)
    print(f"\n100 MB: {seconds[0]:.2f} s verified, {seconds[1] * 1000:.1f} ms without")
    assert seconds[1] < 0.5
