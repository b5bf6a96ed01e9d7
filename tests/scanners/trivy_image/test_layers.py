"""Image archives: what trivy gets, and what is read out of their layers."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from compline.scanners.trivy import image_layers
from compline.scanners.trivy.image_layers import config_of, for_trivy, look_into
from compline.source.errors import SourceError
from compline.source.images import open_image

FILES = {
    "app/secret.txt": "s3cr3t",
    "./app/other.txt": "other",
    "lib/a.jar": b"PK",
    "lib/b.WAR": b"PK",
    "var/lib/dpkg/status": "Package: x\n",
}


@pytest.fixture(params=["docker", "oci", "directory"])
def archive(request: pytest.FixtureRequest, images: Any, tmp_path: Path) -> Path:
    """The same image as each kind of archive."""
    if request.param == "docker":
        found: Path = images.docker("plain", [FILES, {"etc/x": "y"}], user="0")
        return found
    packed: Path = images.oci("plain", [FILES, {"etc/x": "y"}], user="0")
    if request.param == "oci":
        return packed
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path / "layout", filter="data")
    return tmp_path / "layout"


def test_files_are_read_by_layer_and_path(archive: Path) -> None:
    first, second = open_image(archive).layers
    wanted = [(first, "app/secret.txt"), (first, "app/other.txt"), (second, "app/secret.txt")]
    contents = look_into(archive, wanted)
    assert contents.files == {
        (first, "app/secret.txt"): b"s3cr3t",
        (first, "app/other.txt"): b"other",
    }
    assert contents.java == 2
    assert contents.package_database
    assert contents.unread == 0
    assert config_of(archive)["config"]["User"] == "0"


def test_trivy_gets_what_it_takes(archive: Path, tmp_path: Path) -> None:
    given = for_trivy(archive, tmp_path / "out")
    if archive.name.endswith(".oci.tar"):
        assert given == tmp_path / "out"
        assert open_image(given).digest == open_image(archive).digest
    else:
        assert given == archive
        assert not (tmp_path / "out").exists()


def test_only_what_belongs_to_the_image_is_laid_out(images: Any, tmp_path: Path) -> None:
    archive = images.oci("more", [{"a": "b"}])
    with tarfile.open(archive, "a") as tar:
        for name in ("../evil", "/evil", "blobs/sha256/evil"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    for_trivy(archive, tmp_path / "a" / "out")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files if len(path.name) < 60) == [
        "index.json",
        "oci-layout",
    ]
    assert len(files) == 5


def test_a_digest_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    layout.mkdir()
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    index = {"manifests": [{"digest": "sha256:../../../etc/passwd"}]}
    (layout / "index.json").write_text(json.dumps(index))
    with pytest.raises(SourceError, match="not whole"):
        look_into(layout, [])


def test_a_layer_that_cannot_be_read_is_counted_and_the_others_are_read(images: Any) -> None:
    zstd = b"\x28\xb5\x2f\xfd" + b"not really" * 100
    archive = images.docker("odd", [zstd, FILES])
    layer = open_image(archive, verify=False).layers[1]
    contents = look_into(archive, [(layer, "app/secret.txt")])
    assert contents.unread == 1
    assert contents.files == {(layer, "app/secret.txt"): b"s3cr3t"}


def test_a_bomb_is_not_unpacked(images: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_layers, "_MOST_BYTES", 1 << 20)
    bomb = images.oci("big", [{"zeros": b"\0" * (4 << 20)}])
    assert bomb.stat().st_size < 30_000
    assert look_into(bomb, []).unread == 1


def test_links_and_devices_in_layers_are_not_followed(images: Any, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("app/secret.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    archive = images.docker("link", [buffer.getvalue()])
    (layer,) = open_image(archive).layers
    assert look_into(archive, [(layer, "app/secret.txt")]).files == {}
