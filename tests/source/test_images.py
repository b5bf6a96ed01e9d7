"""What an image archive is, and everything that is none."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compline.source import archive as archive_module
from compline.source import images
from compline.source.errors import SourceError
from compline.source.images import ImageFacts, open_image

CREATED = "2024-05-06T07:08:09.123456789Z"
WHEN = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _layer(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


LAYERS = [_layer("one"), _layer("two")]
CONFIG = _json(
    {
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in LAYERS]},
    }
)
FACTS = ImageFacts(_digest(CONFIG), WHEN, tuple(_digest(layer) for layer in LAYERS))


def _docker(**changes: Any) -> dict[str, Any]:
    """The members of a docker-archive; changes replace or (None) remove some."""
    config = hashlib.sha256(CONFIG).hexdigest() + ".json"
    manifest = [{"Config": config, "RepoTags": ["a:b"], "Layers": ["1/layer.tar", "2/layer.tar"]}]
    members = {
        "1/layer.tar": LAYERS[0],
        "2/layer.tar": LAYERS[1],
        config: CONFIG,
        "manifest.json": _json(manifest),
    }
    members |= {name.replace("__", "/").replace("_", "."): v for name, v in changes.items()}
    return {name: content for name, content in members.items() if content is not None}


def _oci(*, packed: bool = False, nested: bool = False, plain: bool = False) -> dict[str, bytes]:
    layers = [gzip.compress(layer, mtime=0) if packed else layer for layer in LAYERS]
    blobs = [CONFIG, *layers]
    media = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if packed else "")
    manifest = _json(
        {
            "schemaVersion": 2,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": _digest(CONFIG),
                "size": len(CONFIG),
            },
            "layers": [
                {"mediaType": media, "digest": _digest(layer), "size": len(layer)}
                for layer in layers
            ],
        }
    )
    blobs.append(manifest)
    entry: dict[str, Any] = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": _digest(manifest),
        "size": len(manifest),
    }
    attestation = {**entry, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    manifests = [entry] if plain else [attestation, entry]
    index = _json({"schemaVersion": 2, "manifests": manifests})
    if nested:
        blobs.append(index)
        media = "application/vnd.oci.image.index.v1+json"
        index = _json({"manifests": [{"mediaType": media, "digest": _digest(index), "size": 1}]})
    return {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": index,
        **{"blobs/" + _digest(blob).replace(":", "/"): blob for blob in blobs},
    }


def _manifest_digest(members: Mapping[str, bytes]) -> str:
    return next(_digest(blob) for blob in members.values() if b'"schemaVersion": 2, "conf' in blob)


def _tar(path: Path, members: Mapping[str, Any], prefix: str = "") -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(prefix + name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def _directory(path: Path, members: Mapping[str, bytes]) -> Path:
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.mark.parametrize("prefix", ["", "./"])
def test_docker_archive(tmp_path: Path, prefix: str) -> None:
    assert open_image(_tar(tmp_path / "a.tar", _docker(), prefix)) == FACTS


def test_docker_archive_with_links_between_equal_layers(tmp_path: Path) -> None:
    """As `docker save` before version 25 makes them."""
    twice = CONFIG.replace(_digest(LAYERS[1]).encode(), _digest(LAYERS[0]).encode())
    manifest = _json([{"Config": "c.json", "Layers": ["1/layer.tar", "2/layer.tar"]}])
    members = {"2/layer.tar": "../1/layer.tar", "1/layer.tar": LAYERS[0]}
    path = _tar(tmp_path / "a.tar", {**members, "c.json": twice, "manifest.json": manifest})
    assert open_image(path).layers == (_digest(LAYERS[0]),) * 2


def test_docker_archive_with_packed_layers(tmp_path: Path) -> None:
    packed = [gzip.compress(layer) for layer in LAYERS]
    path = _tar(
        tmp_path / "a.tar", _docker(**{"1__layer_tar": packed[0], "2__layer_tar": packed[1]})
    )
    assert open_image(path) == FACTS


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_oci_archive_and_directory(tmp_path: Path, packed: bool, nested: bool) -> None:
    members = _oci(packed=packed, nested=nested)
    expected = ImageFacts(_manifest_digest(members), WHEN, FACTS.layers)
    assert open_image(_tar(tmp_path / "a.tar", members)) == expected
    assert open_image(_directory(tmp_path / "layout", members)) == expected


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
def test_when_it_was_built(tmp_path: Path, created: Any, expected: datetime | None) -> None:
    config = _json({"created": created, "rootfs": {"diff_ids": []}})
    manifest = _json([{"Config": "c", "Layers": []}])
    path = _tar(tmp_path / "a.tar", {"c": config, "manifest.json": manifest})
    assert open_image(path).created == expected


def _manifest(value: object) -> dict[str, Any]:
    return _docker(manifest_json=_json(value))


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"a.txt": b"x"}, "neither manifest.json .* nor oci-layout"),
        (_manifest([]), "holds 0 images: save each into its own archive"),
        (_manifest([{"Config": "a", "Layers": []}] * 2), "holds 2 images"),
        (_manifest({"a": 1}), "no container image that can be read"),
        (_manifest([{"Config": 1, "Layers": []}]), "no container image .*Config"),
        (_docker(manifest_json=b"{" * 100_000), "no container image"),
        (_docker(manifest_json=b"\xff"), "no container image"),
        (_docker(**{"1__layer_tar": None}), r"lacks 1/layer.tar: it is not whole, save it anew"),
        (_docker(**{"1__layer_tar": b"x"}), "layer 1/layer.tar was altered or damaged"),
        (_docker(**{"1__layer_tar": gzip.compress(b"x")}), "layer 1/layer.tar was altered"),
        (_docker(**{"1__layer_tar": LAYERS[1]}), "layer 1/layer.tar was altered"),
        (_docker(**{"1__layer_tar": "../../../etc/passwd"}), "lacks"),
        (_docker(**{"1__layer_tar": "/etc/passwd"}), "lacks"),
        (_docker(**{"1__layer_tar": "layer.tar"}), "not a plain file"),
        (_docker(manifest_json="manifest.json"), "not a plain file"),
        (_manifest([{"Config": "../../etc/passwd", "Layers": []}]), "lacks"),
        (_manifest([{"Config": "1/layer.tar", "Layers": []}]), "no container image"),
        (_docker(**{hashlib.sha256(CONFIG).hexdigest() + "_json": CONFIG + b" "}), "was altered"),
    ],
)
def test_archives_that_are_none(tmp_path: Path, members: dict[str, Any], says: str) -> None:
    with pytest.raises(SourceError, match=says):
        open_image(_tar(tmp_path / "a.tar", members))


def test_number_of_layers(tmp_path: Path) -> None:
    config = hashlib.sha256(CONFIG).hexdigest() + ".json"
    members = _manifest([{"Config": config, "Layers": ["1/layer.tar"]}])
    with pytest.raises(SourceError, match="1 layers, but 2 in its description"):
        open_image(_tar(tmp_path / "a.tar", members))


@pytest.mark.parametrize("where", ["config", "manifest", "layer"])
def test_altered_blobs_of_a_layout(tmp_path: Path, where: str) -> None:
    members = _oci()
    digest = {
        "config": _digest(CONFIG),
        "manifest": _manifest_digest(members),
        "layer": _digest(LAYERS[0]),
    }[where]
    members["blobs/" + digest.replace(":", "/")] += b" "
    path = _directory(tmp_path / "layout", members)
    with pytest.raises(SourceError, match="was altered or damaged; save it anew"):
        open_image(path)
    if where == "layer":
        assert open_image(path, verify=False).created == WHEN


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
def test_layouts_that_are_none(tmp_path: Path, index: object, says: str) -> None:
    members = {**_oci(), "index.json": _json(index)}
    with pytest.raises(SourceError, match=says):
        open_image(_directory(tmp_path / "layout", members))


def test_an_index_without_end(tmp_path: Path) -> None:
    media = "application/vnd.oci.image.index.v1+json"
    members = _oci()
    index = members["index.json"]
    for _ in range(5):
        members["blobs/" + _digest(index).replace(":", "/")] = index
        index = _json({"manifests": [{"mediaType": media, "digest": _digest(index)}]})
    members["index.json"] = index
    with pytest.raises(SourceError, match="an index within an index"):
        open_image(_directory(tmp_path / "layout", members))


def test_links_in_a_layout_are_not_followed(tmp_path: Path) -> None:
    members = _oci()
    path = _directory(tmp_path / "layout", members)
    blob = path / "blobs" / _digest(CONFIG).replace(":", "/")
    (tmp_path / "elsewhere").write_bytes(blob.read_bytes())
    blob.unlink()
    blob.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="cannot be read"):
        open_image(path)


def test_an_artifact_that_is_no_image(tmp_path: Path) -> None:
    """Charts, models and the like travel as OCI artifacts too."""
    config = b"{}"
    manifest = _json({"config": {"digest": _digest(config)}, "layers": []})
    members = {
        "oci-layout": b"{}",
        "index.json": _json({"manifests": [{"digest": _digest(manifest)}]}),
        **{"blobs/" + _digest(b).replace(":", "/"): b for b in (config, manifest)},
    }
    with pytest.raises(SourceError, match="no container image that can be read: rootfs"):
        open_image(_tar(tmp_path / "a.tar", members))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a tar file: make one with `docker save`"),
        (b"PK\x03\x04" + b"x" * 500, "is not a tar file"),
        (gzip.compress(b"x" * 1000), "is packed with gzip: unpack it"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 500, "is packed with zstd"),
        (b"x" * 257 + b"ustar" + b"x" * 5000, "is a damaged tar file"),
    ],
)
def test_files_that_are_no_tar(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says):
        open_image(path)


def test_a_tar_cut_short(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", _docker())
    content = path.read_bytes()
    for length in (700, 3000, 6000, len(content) // 2, len(content) - 15_000):
        path.write_bytes(content[:length])
        with pytest.raises(SourceError):
            open_image(path)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        open_image(tmp_path / "none.tar")
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(SourceError, match="neither a file nor a directory"):
        open_image(tmp_path / "pipe.tar")


def test_a_name_twice(tmp_path: Path) -> None:
    """One reader takes the first, another the last: what is scanned would not be what is told."""
    path = _tar(tmp_path / "a.tar", _docker())
    with tarfile.open(path, "a") as tar:
        info = tarfile.TarInfo("./manifest.json")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"[]"))
    with pytest.raises(SourceError, match=r"manifest.json more than once"):
        open_image(path)


def test_tar_traps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        open_image(_tar(tmp_path / "b.tar", {f"f{n}": b"" for n in range(4)}))
    monkeypatch.undo()
    # A configuration that is too large, a layer that unpacks to too much.
    large = _docker(manifest_json=b" " * ((1 << 23) + 1))
    with pytest.raises(SourceError, match="larger than 8388608 bytes"):
        open_image(_tar(tmp_path / "c.tar", large))
    monkeypatch.setattr(images, "_LARGEST_LAYER", 1 << 20)
    bomb = _docker(**{"1__layer_tar": gzip.compress(bytes(1 << 22))})
    with pytest.raises(SourceError, match="a layer of more than"):
        open_image(_tar(tmp_path / "d.tar", bomb))


def test_a_sparse_member(tmp_path: Path) -> None:
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


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_what_skopeo_makes_of_it(tmp_path: Path) -> None:
    """The same image in every form: by skopeo, with skopeo's own digests."""
    source = _directory(tmp_path / "layout", _oci(packed=True, plain=True))
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
        assert (facts.created, facts.layers) == (WHEN, FACTS.layers)
        if transport != "docker-archive":
            raw = subprocess.run(["skopeo", "inspect", "--raw", target], stdout=-1, check=True)
            assert facts.digest == _digest(raw.stdout)


def test_speed(tmp_path: Path) -> None:
    layer = os.urandom(1 << 20) * 100
    config = _json({"created": CREATED, "rootfs": {"diff_ids": [_digest(layer)]}})
    manifest = _json([{"Config": "c", "Layers": ["l"]}])
    path = _tar(tmp_path / "a.tar", {"l": layer, "c": config, "manifest.json": manifest})
    seconds = []
    for verify in (True, False):
        began = time.monotonic()
        open_image(path, verify=verify)
        seconds.append(time.monotonic() - began)
    print(f"\n100 MB: {seconds[0]:.2f} s verified, {seconds[1] * 1000:.1f} ms without")
    assert seconds[1] < 0.5
