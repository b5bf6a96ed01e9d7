"""Models of 2 GB through the whole program: its memory, and that of its tools, from outside."""

from __future__ import annotations

import json
import shutil
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import yaml
from running import ROOT, coverage, findings, scan, write_config

sys.path.insert(0, str(ROOT / "tests" / "shared"))
from hostile_models import bad

_SIZE = 2 << 30
_PIECE = bytes(1 << 20)
_MEMORY_MB = 1024


def large_model(home: Path) -> dict[str, Any]:
    """A PyTorch file with a bad pickle in it and a safetensors file, two gigabytes each.

    Raises:
        SystemExit: the pickle was not found, or more memory was used than allowed.
    """
    here = home / "large"
    shutil.rmtree(here, ignore_errors=True)
    version = here / "fraud" / "1"
    version.mkdir(parents=True)
    with (
        zipfile.ZipFile(version / "large.pt", "w", zipfile.ZIP_STORED) as archive,
        archive.open("archive/data/0", "w", force_zip64=True) as member,
    ):
        for _ in range(_SIZE // len(_PIECE)):
            member.write(_PIECE)
    with zipfile.ZipFile(version / "large.pt", "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", bad())
    tensor = {"w": {"dtype": "F32", "shape": [_SIZE // 4], "data_offsets": [0, _SIZE]}}
    header = json.dumps(tensor).encode()
    with (version / "large.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(file.tell() + _SIZE)
    config = write_config(here, [])
    raw = yaml.safe_load(config.read_text())
    raw["targets"] = {"models": [{"name": "fraud", "url": str(here / "fraud")}]}
    raw["limits"] = {"tool_memory_mb": _MEMORY_MB}
    config.write_text(yaml.safe_dump(raw))
    seconds, peak = scan(config, here / "scan.log")
    again, _ = scan(config, here / "scan.log")
    witnesses = sorted(
        each["scanner"]
        for one in findings(config)
        if one["rule"] == "unsafe-deserialisation"
        for each in one["witnesses"]
    )
    outcomes = sorted({row["outcome"] for row in coverage(config)})
    shutil.rmtree(here)
    result = {
        "gib": 2 * _SIZE >> 30,
        "seconds": seconds,
        "unchanged_seconds": again,
        "peak_mib": peak >> 20,
        "witnesses": witnesses,
        "outcomes": outcomes,
    }
    if witnesses != ["modelaudit", "picklescan"] or peak >> 20 > _MEMORY_MB:
        raise SystemExit(f"not as it should be: {result}")
    return result
