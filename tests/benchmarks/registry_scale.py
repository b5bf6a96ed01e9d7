"""A model registry of 5,000 models and 500 users: a real MLflow, two nights and a changed one."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml
from running import ROOT, TOOLS, findings, scan

sys.path.insert(0, str(ROOT / "tests" / "shared"))
from mlflow_server import (
    ADMIN,
    PASSWORD,
    Crowd,
    environment,
    fill,
    start,
    stop,
    wait,
    write_auth,
)

from compline.evidence.locker import Locker

CROWD = Crowd(models=5_000, users=500, grants=20, roles=10, role_grants=50)


def nights(here: Path) -> dict[str, Any]:
    """Seconds of a first look, of an unchanged night, and of one with 100 permissions widened."""
    write_auth(here)
    server = start(environment(), here, "crowded", ["--app-name", "basic-auth"], "http")
    try:
        wait(server)
        fill(here, "crowded", CROWD)
        config = _config(here, server.url)
        first, peak = scan(config, here / "scan.log")
        again, _ = scan(config, here / "scan.log")
        _widen(here, 100)
        changed, _ = scan(config, here / "scan.log")
        with closing(sqlite3.connect(here / "work" / "store" / "compline.db")) as store:
            told = Counter(kind for (kind,) in store.execute("SELECT kind FROM regressions"))
            facts = store.execute("SELECT count(*) FROM facts").fetchone()[0]
            digests = {digest for (digest,) in store.execute("SELECT digest FROM evidence")}
        return {
            "models": CROWD.models,
            "users": CROWD.users,
            "grants": CROWD.users * CROWD.grants + CROWD.roles * CROWD.role_grants,
            "calls": _calls(here, digests),
            "facts": facts,
            "findings": len(findings(config)),
            "first_seconds": first,
            "unchanged_seconds": again,
            "changed_seconds": changed,
            "told": told["permission-widened"],
            "peak_mib": peak >> 20,
        }
    finally:
        stop(server.process)


def _config(here: Path, url: str) -> Path:
    workspace = here / "work"
    workspace.mkdir()
    (workspace / "tools").symlink_to(TOOLS)
    os.environ["CROWDED_REGISTRY"] = f"{ADMIN}:{PASSWORD}"
    registry = {
        "name": "crowded",
        "kind": "mlflow",
        "url": url,
        "credential": "env:CROWDED_REGISTRY",
        "policy": {
            "admins": [ADMIN],
            "users": [f"crowd-{number}" for number in range(10_000, 10_000 + CROWD.users)],
            "default_permission": "READ",
            "grants": {},
            "artifact_store": "local",
            "allow_loopback_http": True,
        },
    }
    path = here / "compline.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "organisation": "bench",
                "workspace": str(workspace),
                "targets": {"model_registries": [registry]},
                "advisories": {"osv": "bundled", "trivy_db": "bundled"},
                "scanners": {"registry-permissions": {"seconds": 120}},
                "alerts": {"console": False},
            }
        )
    )
    return path


def _widen(here: Path, number: int) -> None:
    with closing(sqlite3.connect(here / "auth.db", timeout=60)) as auth, auth:
        auth.execute(
            "UPDATE role_permissions SET permission = 'EDIT' WHERE id IN (SELECT id FROM"
            f" role_permissions WHERE permission = 'READ' ORDER BY id LIMIT {number})"
        )


def _calls(here: Path, digests: Iterable[str]) -> int:
    """Requests of one look, from its evidence."""
    locker = Locker(here / "work" / "evidence")
    bodies = [json.loads(locker.get(digest)) for digest in digests]
    return max(body["facts"]["calls"] for body in bodies if "facts" in body)
