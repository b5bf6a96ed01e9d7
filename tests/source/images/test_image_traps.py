"""Archives that hold no image, or not the one that they claim."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.source import archive as archive_module
from compline.source import images
from compline.source.errors import SourceError
from compline.source.images import open_image


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (lambda image: {"a.txt": b"x"}, "neither manifest.json .* nor oci-layout"),
        (lambda image: image.manifest([]), "holds 0 images: save each into its own archive"),
        (lambda image: image.manifest([{"Config": "a", "Layers": []}] * 2), "holds 2 images"),
        (lambda image: image.manifest({"a": 1}), "no container image that can be read"),
        (
            lambda image: image.manifest([{"Config": 1, "Layers": []}]),
            "no container image .*Config",
        ),
        (lambda image: image.docker(manifest_json=b"{" * 100_000), "no container image"),
        (lambda image: image.docker(manifest_json=b"\xff"), "no container image"),
        (
            lambda image: image.docker(**{"1__layer_tar": None}),
            r"lacks 1/layer.tar: it is not whole, save it anew",
        ),
        (
            lambda image: image.docker(**{"1__layer_tar": b"x"}),
            "layer 1/layer.tar was altered or damaged",
        ),
        (
            lambda image: image.docker(**{"1__layer_tar": gzip.compress(b"x")}),
            "layer 1/layer.tar was altered",
        ),
        (
            lambda image: image.docker(**{"1__layer_tar": image.LAYERS[1]}),
            "layer 1/layer.tar was altered",
        ),
        (lambda image: image.docker(**{"1__layer_tar": "../../../etc/passwd"}), "lacks"),
        (lambda image: image.docker(**{"1__layer_tar": "/etc/passwd"}), "lacks"),
        (lambda image: image.docker(**{"1__layer_tar": "layer.tar"}), "not a plain file"),
        (lambda image: image.docker(manifest_json="manifest.json"), "not a plain file"),
        (lambda image: image.manifest([{"Config": "../../etc/passwd", "Layers": []}]), "lacks"),
        (
            lambda image: image.manifest([{"Config": "1/layer.tar", "Layers": []}]),
            "no container image",
        ),
        (
            lambda image: image.docker(
                **{hashlib.sha256(image.CONFIG).hexdigest() + "_json": image.CONFIG + b" "}
            ),
            "was altered",
        ),
    ],
)
def test_archives_that_are_none(
    image: Any, tmp_path: Path, members: Callable[[Any], dict[str, Any]], says: str
) -> None:
    with pytest.raises(SourceError, match=says):
        open_image(image.tar(tmp_path / "a.tar", members(image)))


def test_number_of_layers(image: Any, tmp_path: Path) -> None:
    config = hashlib.sha256(image.CONFIG).hexdigest() + ".json"
    members = image.manifest([{"Config": config, "Layers": ["1/layer.tar"]}])
    with pytest.raises(SourceError, match="1 layers, but 2 in its description"):
        open_image(image.tar(tmp_path / "a.tar", members))


@pytest.mark.parametrize("where", ["config", "manifest", "layer"])
def test_altered_blobs_of_a_layout(image: Any, tmp_path: Path, where: str) -> None:
    members = image.oci()
    digest = {
        "config": image.digest(image.CONFIG),
        "manifest": image.manifest_digest(members),
        "layer": image.digest(image.LAYERS[0]),
    }[where]
    members["blobs/" + digest.replace(":", "/")] += b" "
    path = image.directory(tmp_path / "layout", members)
    with pytest.raises(SourceError, match="was altered or damaged; save it anew"):
        open_image(path)
    if where == "layer":
        assert open_image(path, verify=False).created == image.WHEN


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ({"manifests": []}, "holds 0 images"),
        ({"manifests": [{"digest": "sha256:" + "0" * 64}] * 2}, "holds 2 images .*skopeo copy"),
        ({"manifests": [{"digest": "sha256:../../../etc/passwd"}]}, "is not a digest"),
        ({"manifests": [{"digest": "md5:" + "0" * 32}]}, "is not a digest"),
        ({"manifests": [{"digest": "sha256:" + "0" * 64}]}, "cannot be read"),
        ({"manifests": "x"}, "no container image"),
    ],
)
def test_layouts_that_are_none(image: Any, tmp_path: Path, index: object, says: str) -> None:
    members = {**image.oci(), "index.json": image.json(index)}
    with pytest.raises(SourceError, match=says):
        open_image(image.directory(tmp_path / "layout", members))


def test_an_index_without_end(image: Any, tmp_path: Path) -> None:
    media = "application/vnd.oci.image.index.v1+json"
    members = image.oci()
    index = members["index.json"]
    for _ in range(5):
        members["blobs/" + image.digest(index).replace(":", "/")] = index
        index = image.json({"manifests": [{"mediaType": media, "digest": image.digest(index)}]})
    members["index.json"] = index
    with pytest.raises(SourceError, match="an index within an index"):
        open_image(image.directory(tmp_path / "layout", members))


def test_links_in_a_layout_are_not_followed(image: Any, tmp_path: Path) -> None:
    members = image.oci()
    path = image.directory(tmp_path / "layout", members)
    blob = path / "blobs" / image.digest(image.CONFIG).replace(":", "/")
    (tmp_path / "elsewhere").write_bytes(blob.read_bytes())
    blob.unlink()
    blob.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="cannot be read"):
        open_image(path)


def test_an_artifact_that_is_no_image(image: Any, tmp_path: Path) -> None:
    """Charts, models and the like travel as OCI artifacts too."""
    config = b"{}"
    manifest = image.json({"config": {"digest": image.digest(config)}, "layers": []})
    members = {
        "oci-layout": b"{}",
        "index.json": image.json({"manifests": [{"digest": image.digest(manifest)}]}),
        **{"blobs/" + image.digest(b).replace(":", "/"): b for b in (config, manifest)},
    }
    with pytest.raises(SourceError, match="no container image that can be read: rootfs"):
        open_image(image.tar(tmp_path / "a.tar", members))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a tar file: make one with `docker save`"),
        (b"PK\x03\x04" + b"x" * 500, "is not a tar file"),
        (gzip.compress(b"x" * 1000, mtime=0), "is packed with gzip: unpack it"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 500, "is packed with zstd"),
        (b"x" * 257 + b"ustar" + b"x" * 5000, "is a damaged tar file"),
    ],
)
def test_files_that_are_no_tar(image: Any, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says):
        open_image(path)


def test_a_tar_cut_short(image: Any, tmp_path: Path) -> None:
    path = image.tar(tmp_path / "a.tar", image.docker())
    content = path.read_bytes()
    for length in (700, 3000, 6000, len(content) // 2, len(content) - 15_000):
        path.write_bytes(content[:length])
        with pytest.raises(SourceError):
            open_image(path)


def test_what_is_not_a_file(image: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        open_image(tmp_path / "none.tar")
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(SourceError, match="neither a file nor a directory"):
        open_image(tmp_path / "pipe.tar")


def test_a_name_twice(image: Any, tmp_path: Path) -> None:
    """One reader takes the first, another the last: what is scanned would not be what is told."""
    path = image.tar(tmp_path / "a.tar", image.docker())
    with tarfile.open(path, "a") as tar:
        info = tarfile.TarInfo("./manifest.json")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"[]"))
    with pytest.raises(SourceError, match=r"manifest.json more than once"):
        open_image(path)


def test_tar_traps(image: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tar"
    # A header that asks for a gigabyte of extended names.
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10_240))
    with path.open("r+b") as file:
        file.truncate(1 << 31)
    with pytest.raises(SourceError, match="damaged tar file: a header of"):
        open_image(path)
    # Endless members.
    monkeypatch.setattr(archive_module, "_MOST_MEMBERS", 3)
    with pytest.raises(SourceError, match="more than 3 members"):
        open_image(image.tar(tmp_path / "b.tar", {f"f{n}": b"" for n in range(4)}))
    monkeypatch.undo()
    # A configuration that is too large, a layer that unpacks to too much.
    large = image.docker(manifest_json=b" " * ((1 << 23) + 1))
    with pytest.raises(SourceError, match="larger than 8388608 bytes"):
        open_image(image.tar(tmp_path / "c.tar", large))
    monkeypatch.setattr(images, "_LARGEST_LAYER", 1 << 20)
    bomb = image.docker(**{"1__layer_tar": gzip.compress(bytes(1 << 22))})
    with pytest.raises(SourceError, match="a layer of more than"):
        open_image(image.tar(tmp_path / "d.tar", bomb))


def test_a_sparse_member(image: Any, tmp_path: Path) -> None:
    """It would be read as endless zeros."""
    path = tmp_path / "a.tar"
    sparse = tmp_path / "manifest.json"
    with sparse.open("wb") as file:
        file.truncate(1 << 33)
        file.seek(1 << 32)
        file.write(b"x")
    subprocess.run(["tar", "-cSf", path, "-C", tmp_path, "manifest.json"], check=True)
    with pytest.raises(SourceError, match="not a plain file"):
        open_image(path)
