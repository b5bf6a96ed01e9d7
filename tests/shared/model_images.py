"""Images with model files in their layers, as archives on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import hostile_models as hostile


def image(folder: Path, *layers: Mapping[str, bytes]) -> tuple[Path, str]:
    """A docker-archive of these layers, and its digest."""
    members: dict[str, bytes] = {}
    diff_ids = []
    for number, files in enumerate(layers):
        content = hostile.tarred(dict(files), "w")
        diff_ids.append(f"sha256:{hashlib.sha256(content).hexdigest()}")
        members[f"layer{number}.tar"] = content
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    members[name] = config
    names = [f"layer{number}.tar" for number in range(len(layers))]
    members["manifest.json"] = json.dumps([{"Config": name, "Layers": names}]).encode()
    archive = folder / "image.tar"
    archive.write_bytes(hostile.tarred(members, "w"))
    return archive, f"sha256:{name.removesuffix('.json')}"
