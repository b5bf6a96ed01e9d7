"""Image archives, made by hand."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from compline.source.images import ImageFacts

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
LABELS = {"org.opencontainers.image.source": "https://git.example.org/ml/api"}


CONFIG = _json(
    {
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["run"], "Labels": {**LABELS, "odd": 3}},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in LAYERS]},
    }
)


FACTS = ImageFacts(_digest(CONFIG), WHEN, tuple(_digest(layer) for layer in LAYERS), LABELS)


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


def _manifest(value: object) -> dict[str, Any]:
    return _docker(manifest_json=_json(value))


@pytest.fixture
def image() -> SimpleNamespace:
    """One small image, and what it takes to write it down in each form."""
    return SimpleNamespace(
        CREATED=CREATED,
        WHEN=WHEN,
        LAYERS=LAYERS,
        CONFIG=CONFIG,
        FACTS=FACTS,
        json=_json,
        digest=_digest,
        docker=_docker,
        oci=_oci,
        manifest=_manifest,
        manifest_digest=_manifest_digest,
        tar=_tar,
        directory=_directory,
    )
