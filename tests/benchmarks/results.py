"""The campaign's results: docs/measurements.json, which is committed and written by prove only."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MEASURED = ("include", "dags", "plugins", "requirements", "tests/benchmarks")
"""The folders that every slice measures: the library, the DAGs, the locked requirements, this."""
_UNCOMMITTED = " with uncommitted changes"


@dataclass(frozen=True)
class Result:
    """What one slice has given."""

    name: str
    commit: str
    """The hash, and whether the measured folders differed from it."""
    date: str
    """Day in UTC, as ISO 8601."""
    measured: dict[str, str]
    """Folder to the hash of its tree."""
    setup: str
    """Seed, cores and git's version."""
    figures: dict[str, Any]
    """Plain JSON; the order of keys is lost."""
    slice_seconds: float | None = None
    """None: not known."""
    note: str = ""
    """What else is to be known of the figures."""


def load(path: Path) -> dict[str, Result]:
    """By name, in the order in which they were first measured; empty without a file."""
    if not path.exists():
        return {}
    return {one["name"]: Result(**one) for one in json.loads(path.read_text(encoding="utf-8"))}


def save(path: Path, results: Mapping[str, Result]) -> None:
    """Whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    values = [asdict(one) for one in results.values()]
    part.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)


def trees(root: Path) -> dict[str, str]:
    """Folder to the hash of its tree as it lies there, without what git ignores.

    Where nothing is uncommitted these are the hashes of HEAD.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git(root, "add", "--all", "--", *MEASURED, **index)
        tree = _git(root, "write-tree", **index)
    return {path: _git(root, "rev-parse", f"{tree}:{path}") for path in MEASURED}


def commit(root: Path, measured: Mapping[str, str]) -> str:
    """HEAD's hash, and whether the measured folders differ from it."""
    head = {path: _git(root, "rev-parse", f"HEAD:{path}") for path in MEASURED}
    return _git(root, "rev-parse", "HEAD") + ("" if head == measured else _UNCOMMITTED)


def newest(root: Path, results: Collection[Result]) -> str:
    """The hash that was committed last, of those that the repository has; empty without one."""
    hashes = sorted({one.commit.removesuffix(_UNCOMMITTED) for one in results})
    if not hashes:
        return ""
    known = _git(root, "log", "--no-walk=sorted", "--ignore-missing", "--format=%H", *hashes)
    return known.partition("\n")[0]


def to_run(results: Mapping[str, Result], planned: Collection[str], now: Mapping[str, str],
           *, only: str = "", again: bool = False) -> list[str]:  # fmt: skip
    """The planned slices that are missing or not current, as `make prove --help` says.

    Args:
        results: what there is.
        planned: names of all slices, in order.
        now: hashes of the measured folders.
        only: what the names must begin with.
        again: those that are current too.
    """
    return [
        name
        for name in planned
        if name.startswith(only) and (again or name not in results or results[name].measured != now)
    ]


def _git(root: Path, *arguments: str, **environment: str) -> str:
    return subprocess.run(
        ["git", "-C", root, *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
