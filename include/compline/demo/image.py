"""A small container image with known faults, as a docker-archive, made without Docker."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

_OS_RELEASE = b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
_STATUS = b"".join(
    f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
    f"Maintainer: Debian <debian@demo.example>\nSource: {source}\nDescription: {name}\n\n".encode()
    for name, version, source in (
        ("curl", "7.88.1-10", "curl"),
        ("libcurl4", "7.88.1-10", "curl"),
        ("libc6", "2.36-9", "glibc"),
    )
)
_METADATA = b"Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.3\nLicense: MIT\n"
_SITE = "usr/lib/python3/dist-packages"


def write_image(path: Path, placeholders: Mapping[bytes, bytes]) -> None:
    """Writes the archive: Debian 12, an old PyYAML, a key left in a layer, run as root.

    Args:
        path: where; its folder is made.
        placeholders: the fake credentials to fill in.
    """
    keys = b"[default]\naws_access_key_id = @@AWS_KEY_ID@@\n"
    keys += b"aws_secret_access_key = @@AWS_SECRET_KEY@@\n"
    for placeholder, value in placeholders.items():
        keys = keys.replace(placeholder, value)
    layer = _tar(
        {
            "etc/os-release": _OS_RELEASE,
            "etc/debian_version": b"12.1\n",
            "var/lib/dpkg/status": _STATUS,
            f"{_SITE}/PyYAML-5.3.dist-info/METADATA": _METADATA,
            "app/.aws/credentials": keys,
        }
    )
    diff_id = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2024-01-15T00:00:00Z",
            "config": {
                "Cmd": ["python3", "/app/serve.py"],
                "Labels": {"compline.model": "fraud"},
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
            "history": [{"created": "2024-01-15T00:00:00Z", "created_by": "COPY . /"}],
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": ["demo/scoring:1"], "Layers": [f"{diff_id}.tar"]}]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        _tar(
            {"manifest.json": json.dumps(manifest).encode(), name: config, f"{diff_id}.tar": layer}
        )
    )


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
