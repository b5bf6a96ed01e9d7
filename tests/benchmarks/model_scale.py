"""The models of a large registry: a real MLflow whose files come through its proxy, or lie in S3.

Through the proxy each version costs a call to list it and, since the proxy has no validators, each
file in production one to read it; a bucket is listed once for all versions. Where all contents are
different, each is opened.
"""

from __future__ import annotations

import json
import logging
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
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from running import ROOT, TOOLS, coverage, scan

sys.path.insert(0, str(ROOT / "tests" / "shared"))
from aws_server import serving_aws
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

VERSIONS = 2
_BUCKET = "stocked"
_CONTENTS = 20
_WORKERS = 2
"""Of MLflow, whose own default is 4; the machine has so many cores, and we need them too."""
_SEARCH = "/api/2.0/mlflow/runs/search"


def models(
    here: Path, number: int, *, bucket: bool, contents: int = _CONTENTS, seconds: int = 480
) -> dict[str, Any]:
    """Seconds and calls of a first look, of an unchanged night, and of one with an alias moved.

    Args:
        here: an empty folder.
        number: models, of two versions each; production serves the first.
        bucket: whether files lie in S3, by moto's server, and not behind MLflow's proxy.
        contents: different ones among all files.
        seconds: `scanners.model-guard.seconds`.

    Raises:
        SystemExit: a look failed or has gaps, or the move was not told exactly once.
    """
    write_auth(here)
    basic = ["--app-name", "basic-auth"]
    server = start(environment(), here, "stocked", basic, "http", workers=_WORKERS)
    try:
        wait(server)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
        with serving_aws() as endpoint:
            _fill(here, number, contents, bucket=bucket)
            config = _config(here, server.url, seconds, endpoint if bucket else "")
            result, told = _nights(here, config, server, number)
    finally:
        stop(server.process)
    words = f"{_moved(number)}@production: from 1 to 2; no decision of the gate approves it"
    if told != [words] or result.pop("outcomes") != ["completed"] or result["gaps"]:
        raise SystemExit(f"not as it should be: {told} {result}")
    return {**result, "told": len(told), "different contents": contents}


def _moved(number: int) -> str:
    return f"m-{number // 2:05}"


def _nights(
    here: Path, config: Path, server: Mlflow, number: int
) -> tuple[dict[str, Any], list[str]]:
    first, asked, peak = _night(config, here, server)
    _next_day(here)
    unchanged, calls, _ = _night(config, here, server)
    alias = {"name": _moved(number), "alias": "champion", "version": "2"}
    server.call("POST", "api/2.0/mlflow/registered-models/alias", **alias)
    changed, *_ = _night(config, here, server)
    with closing(sqlite3.connect(here / "work" / "store" / "compline.db")) as store:
        query = "SELECT title FROM regressions WHERE kind = 'model-changed'"
        told = [title for (title,) in store.execute(query)]
    rows = coverage(config)
    return {
        "models": number,
        "versions": number * VERSIONS,
        "calls to MLflow in the first look": sum(asked.values()),
        "calls to MLflow in an unchanged night": sum(calls.values()),
        "of them for files": calls["a file"],
        "first_seconds": first,
        "unchanged_seconds": unchanged,
        "changed_seconds": changed,
        "outcomes": sorted({row["outcome"] for row in rows}),
        "gaps": sum(len(row["gaps"]) for row in rows),
        "peak_mib": peak >> 20,
    }, told


def _night(config: Path, here: Path, server: Mlflow) -> tuple[float, Counter[str], int]:
    """Seconds, requests by the server's own log, and the peak of memory in bytes."""
    before = len(server.requests())
    seconds, peak = scan(config, here / "scan.log")
    sent = [line.split() for line in server.requests()[before:]]
    if {path for method, path, *_ in sent if method != "GET"} - {_SEARCH}:
        raise SystemExit("something else than GET and the search of runs was sent")
    return seconds, Counter(_kind(path) for _, path, *_ in sent), peak


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


def _fill(here: Path, number: int, different: int, *, bucket: bool) -> None:
    """Straight into the database and the place of artifacts; by REST it would take hours."""
    contents = [safetensors()[:-4] + each.to_bytes(4) for each in range(different)]
    store = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    store.reset()  # it lives as long as the process, which may run several slices
    store.create_bucket(_BUCKET, "us-east-1")
    rows = []
    for model in range(number):
        for version in range(1, VERSIONS + 1):
            place = f"{model:05}/{version}"
            content = contents[(model * VERSIONS + version) % different]
            if bucket:
                store.put_object(_BUCKET, f"m/{place}/model.safetensors", content)
                uri = f"s3://{_BUCKET}/m/{place}"
            else:
                folder = here / "stocked-artifacts" / "m" / place
                folder.mkdir(parents=True)
                (folder / "model.safetensors").write_bytes(content)
                uri = f"mlflow-artifacts:/m/{place}"
            rows.append((f"m-{model:05}", version, uri))
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


def _config(here: Path, url: str, seconds: int, endpoint: str) -> Path:
    workspace = here / "work"
    workspace.mkdir()
    (workspace / "tools").symlink_to(TOOLS)
    os.environ["STOCKED_REGISTRY"] = f"{ADMIN}:{PASSWORD}"
    registry: dict[str, Any] = {
        "name": "stocked",
        "kind": "mlflow",
        "url": url,
        "credential": "env:STOCKED_REGISTRY",
        "policy": {"allow_loopback_http": True},
        "models": {"production": "champion"},
    }
    if endpoint:
        os.environ["STOCKED_BUCKET"] = "reader:secret"
        registry |= {"artifact_endpoint": endpoint, "artifact_credential": "env:STOCKED_BUCKET"}
        registry["models"]["artifacts"] = [f"s3://{_BUCKET}/"]
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
    place, count, *where = sys.argv[1:]
    print(json.dumps(models(Path(place), int(count), bucket="bucket" in where), indent=1))
