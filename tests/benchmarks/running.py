"""Starting Compline for a measurement: its own process, timed from outside, as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".compline" / "tools"
TREE_SCANNERS = ("bandit", "semgrep", "pip-audit", "trivy")


def write_config(
    home: Path, repositories: Sequence[Path], *, osv: str = "bundled", trivy_db: str = "bundled"
) -> Path:
    """A compline.yaml over repositories on disk, in a workspace with the installed tools."""
    workspace = home / "work"
    workspace.mkdir(parents=True, exist_ok=True)
    if not (workspace / "tools").exists():
        (workspace / "tools").symlink_to(TOOLS)
    config = {
        "organisation": "bench",
        "workspace": str(workspace),
        "targets": {
            "repositories": [
                {"name": path.name, "url": f"file://{path.resolve()}"} for path in repositories
            ]
        },
        "advisories": {"osv": osv, "trivy_db": trivy_db},
        "alerts": {"console": False},
    }
    path = home / "compline.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def compline(config: Path, *arguments: str) -> str:
    """Output of a command that must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "compline.cli", *arguments, "--config", str(config)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"compline {' '.join(arguments)}: {done.stderr[-3000:]}")
    return done.stdout


def findings(config: Path) -> list[dict[str, Any]]:
    """The open findings."""
    found: list[dict[str, Any]] = json.loads(compline(config, "findings", "--format", "json"))
    return found


def coverage(config: Path) -> list[dict[str, Any]]:
    """The ledger of the last run."""
    found: list[dict[str, Any]] = json.loads(compline(config, "coverage", "--format", "json"))
    return found


def scan(config: Path, log: Path) -> tuple[float, int]:
    """One `compline scan`, which must be complete; seconds and peak memory of the process tree.

    The peak is in bytes, sampled each 50 ms over the process and its children (proportional set
    size, so that shared pages count once).
    """
    with log.open("ab") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "compline.cli", "scan", "--config", str(config)],
            stdout=output, stderr=output, env=dict(os.environ),
        )  # fmt: skip
        peak = 0
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.05)
        seconds = time.monotonic() - began
    if process.returncode not in (0, 1):
        raise SystemExit(f"compline scan ended with {process.returncode}; see {log}")
    return seconds, peak


def _memory(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for member in family:
        try:
            total += member.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            continue
    return total
