"""The models of a registry of 5,000: a real MLflow whose files come through its proxy."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import zlib
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from running import ROOT, TOOLS, coverage, scan

sys.path.insert(0, str(ROOT / "tests" / "shared"))
from hostile_models import safetensors
from mlflow_server import (
    ADMIN,
    PASSWORD,
    Mlflow,
    environment,
    start,
    stop,
    wait,
    write_auth,
)

MODELS, VERSIONS = 5_000, 2
_CONTENTS = 20
_SCANNERS = ("modelaudit", "picklescan", "model-guard")


def models(here: Path, number: int = MODELS, seconds: int = 480) -> dict[str, Any]:
    """Seconds and calls of a first look, of an unchanged night, and of one with an alias moved.

    Args:
        here: an empty folder.
        number: models, of two versions each; production serves the first.
        seconds: `scanners.model-guard.seconds`.

    Raises:
        SystemExit: a look failed or has gaps, or the move was not told exactly once.
    """
    write_auth(here)
    server = start(environment(), here, "stocked", ["--app-name", "basic-auth"], "http")
    try:
        wait(server)
        _fill(here, number)
        config = _config(here, server.url, seconds)
        first, peak = scan(config, here / "scan.log")
        _next_day(here)
        unchanged, calls = _night(config, here, server)
        moved = f"m-{number // 2:05}"
        alias = {"name": moved, "alias": "champion", "version": "2"}
        server.call("POST", "api/2.0/mlflow/registered-models/alias", **alias)
        changed, _ = _night(config, here, server)
        with closing(sqlite3.connect(here / "work" / "store" / "compline.db")) as store:
            query = "SELECT title FROM regressions WHERE kind = 'model-changed'"
            told = [title for (title,) in store.execute(query)]
        rows = coverage(config)
        result = {
            "models": number,
            "versions": number * VERSIONS,
            "files": number * VERSIONS * 2,
            "calls": sum(calls.values()),
            "calls_for_files": calls["a file"],
            "first_seconds": first,
            "unchanged_seconds": unchanged,
            "changed_seconds": changed,
            "told": told,
            "outcomes": sorted({row["outcome"] for row in rows}),
            "gaps": sum(len(row["gaps"]) for row in rows),
            "peak_mib": peak >> 20,
        }
    finally:
        stop(server.process)
    words = f"{moved}@production: from 1 to 2; no decision of the gate approves it"
    if told != [words] or result["outcomes"] != ["completed"] or result["gaps"]:
        raise SystemExit(f"not as it should be: {result}")
    del result["outcomes"]
    return {**result, "told": len(told)}


def _night(config: Path, here: Path, server: Mlflow) -> tuple[float, Counter[str]]:
    """Seconds, and requests by the server's own log."""
    before = len(server.requests())
    seconds, _ = scan(config, here / "scan.log")
    sent = server.requests()[before:]
    if {line.split()[0] for line in sent} != {"GET"}:
        raise SystemExit("something else than GET was sent")
    return seconds, Counter(_kind(line.split()[1]) for line in sent)


def _next_day(here: Path) -> None:
    """Everything was read and asked a day earlier."""
    with closing(sqlite3.connect(here / "work" / "store" / "compline.db")) as store, store:
        rows = store.execute(
            "SELECT r.key_id, r.content, r.value FROM cache_results r"
            " JOIN cache_keys k ON k.id = r.key_id WHERE k.scanner = 'models'"
        )
        aged = []
        for key_id, content, value in rows.fetchall():
            said = zlib.decompress(value)
            known = json.loads(said) if said.startswith(b"{") else {}
            for key in {"read", "asked"} & set(known):
                moment = datetime.fromisoformat(known[key]) - timedelta(days=1)
                known[key] = moment.isoformat()
                aged.append((zlib.compress(json.dumps(known).encode()), key_id, content))
        store.executemany(
            "UPDATE cache_results SET value = ? WHERE key_id = ? AND content = ?", aged
        )


def _kind(path: str) -> str:
    return "a file" if "/artifacts/" in path else path.partition("?")[0].rpartition("mlflow")[2]


def _fill(here: Path, number: int) -> None:
    """Straight into the database and the folder of artifacts; by REST it would take hours."""
    contents = [safetensors()[:-1] + bytes([each]) for each in range(_CONTENTS)]
    rows = []
    for model in range(number):
        for version in range(1, VERSIONS + 1):
            folder = here / "stocked-artifacts" / "m" / f"{model:05}" / str(version)
            folder.mkdir(parents=True)
            (folder / "MLmodel").write_bytes(b"flavors: {}\n")
            (folder / "model.safetensors").write_bytes(contents[(model + version) % _CONTENTS])
            rows.append((f"m-{model:05}", version, f"mlflow-artifacts:/m/{model:05}/{version}"))
    with closing(sqlite3.connect(here / "stocked.db", timeout=60)) as store, store:
        store.executemany(
            "INSERT INTO registered_models (workspace, name, creation_time, last_updated_time)"
            " VALUES ('default', ?, 1700000000000, 1700000000000)",
            [(f"m-{model:05}",) for model in range(number)],
        )
        store.executemany(
            "INSERT INTO model_versions (workspace, name, version, creation_time,"
            " last_updated_time, current_stage, source, storage_location, run_id, status)"
            " VALUES ('default', ?, ?, 1700000000000, 1700000000000, 'None', ?, ?, ?, 'READY')",
            [(name, v, uri, uri, f"{name.replace('-', '')}{v:026}") for name, v, uri in rows],
        )
        store.executemany(
            "INSERT INTO registered_model_aliases (workspace, name, alias, version)"
            " VALUES ('default', ?, 'champion', 1)",
            [(f"m-{model:05}",) for model in range(number)],
        )
        store.executemany(
            "INSERT INTO runs (run_uuid, name, status, lifecycle_stage, experiment_id,"
            " artifact_uri, source_type, source_name, source_version, entry_point_name, user_id,"
            " start_time) VALUES (?, 'r', 'FINISHED', 'active', 0, ?, 'LOCAL', '', '', '', '', 0)",
            [(f"{name.replace('-', '')}{v:026}", uri) for name, v, uri in rows],
        )


def _config(here: Path, url: str, seconds: int) -> Path:
    workspace = here / "work"
    workspace.mkdir()
    (workspace / "tools").symlink_to(TOOLS)
    os.environ["STOCKED_REGISTRY"] = f"{ADMIN}:{PASSWORD}"
    registry = {
        "name": "stocked",
        "kind": "mlflow",
        "url": url,
        "credential": "env:STOCKED_REGISTRY",
        "policy": {"allow_loopback_http": True},
        "models": {"production": "champion"},
    }
    raw = {
        "organisation": "bench",
        "workspace": str(workspace),
        "targets": {"model_registries": [registry]},
        "scanners": {
            "registry-permissions": {"enabled": False},
            "model-guard": {"seconds": seconds},
        },
        "alerts": {"console": False},
    }
    path = here / "compline.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


if __name__ == "__main__":
    print(json.dumps(models(Path(sys.argv[1]), *map(int, sys.argv[2:])), indent=1))
