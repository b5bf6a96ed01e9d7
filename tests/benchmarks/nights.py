"""Airflow's own share of a night, and an unchanged night over a thousand targets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import corpus
from running import ROOT, TOOLS, scan, write_config

from compline.config.loader import load_config
from compline.config.secrets import SecretResolver
from compline.demo import organisation
from compline.pipeline.session import store_url
from compline.store.engine import open_store
from compline.store.ledger import coverage
from compline.store.runs import latest_run


def airflow_share(home: Path) -> dict[str, float]:
    """Seconds of an unchanged demo night through Airflow, less those of our own steps."""
    home.mkdir(parents=True)
    workspace = home / "work"
    workspace.mkdir()
    (workspace / "tools").symlink_to(TOOLS)
    config = organisation.build(home / "demo", workspace)
    command = [sys.executable, "-m", "compline_airflow.launch", "nightly", "--project", str(ROOT)]
    environment = {**os.environ, "COMPLINE_CONFIG": str(config)}
    whole = 0.0
    for _ in range(3):
        began = time.monotonic()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        whole = time.monotonic() - began
    own, _ = scan(config, home / "scan.log")
    return {
        "unchanged night through Airflow, s": whole,
        "the same by compline scan, s": own,
        "Airflow's own share, s (bound 20)": whole - own,
    }


def thousand_targets(home: Path, count: int = 1000) -> dict[str, float]:
    """Seconds of the second night over as many small repositories, and what it started."""
    home.mkdir(parents=True)
    first = home / "template"
    first.mkdir()
    (first / "app.py").write_text(
        "import pickle\n\n\ndef load(path):\n    return pickle.load(path)\n"
    )
    corpus.git_init(first)
    repositories = []
    for number in range(count):
        repository = home / "repositories" / f"r{number:04}"
        subprocess.run(
            ["git", "clone", "--quiet", "--bare", "--no-hardlinks", first, repository], check=True
        )
        repositories.append(repository)
    config = write_config(home, repositories)
    cold, _ = scan(config, home / "scan.log")
    seconds, peak = scan(config, home / "scan.log")
    settings = load_config(config)
    with open_store(store_url(settings, SecretResolver({}))) as store:
        run = latest_run(store)
        assert run is not None
        rows = coverage(store, run.id)
    scanned = [row for row in rows if row.reused_from is None]
    if scanned or len(rows) < count:
        raise SystemExit(f"{len(scanned)} of {len(rows)} looks of an unchanged night were scans")
    return {
        f"{count} new targets, s": cold,
        f"{count} unchanged targets, s (bound 60)": seconds,
        f"{count} unchanged targets, looks that started a scanner": float(len(scanned)),
        f"{count} unchanged targets, peak MiB": float(peak >> 20),
    }
