"""The slices of the campaign: each does one thing and gives its figures as plain JSON."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import corpus
import model_scale
import registry_scale
import store_scale
import yaml
from bench import measure
from million import Size
from nights import airflow_share, thousand_targets
from parity import compare
from running import ROOT, coverage, findings, scan, write_config
from tables import many_tables


def candidates(repos: Path) -> list[Path]:
    """The folder's git repositories: a work tree, a bare one, or NAME/repo."""
    return [
        entry
        for entry in sorted(repos.iterdir())
        if any((entry / p).exists() for p in ("HEAD", ".git", "repo/HEAD", "repo/.git"))
    ]


def repository(entry: Path, home: Path, clones: Path) -> dict[str, Any]:
    """A cold and an unchanged scan of one real repository, which stay for `parity`."""
    clone = _clone(entry, clones)
    here = _empty(home / "scan" / clone.name)
    config = write_config(here, [clone])
    seconds, peak = scan(config, here / "scan.log")
    again, _ = scan(config, here / "scan.log")
    everything, rows = findings(config), coverage(config)
    return {
        "files": len(corpus.git(clone, "ls-files").splitlines()),
        "seconds": seconds,
        "unchanged_seconds": again,
        "peak_mib": peak >> 20,
        "findings": len(everything),
        "by_scanner": dict(
            Counter(s for one in everything for s in {w["scanner"] for w in one["witnesses"]})
        ),
        "gaps": dict(_gaps(rows)),
        "outcomes": dict(Counter(row["outcome"] for row in rows)),
        "advisories": sorted({row["advisory_date"] for row in rows if row["advisory_date"]}),
    }


def parity(entry: Path, home: Path, clones: Path) -> dict[str, Any]:
    """What `repository` left in the store, finding by finding, against the tools themselves."""
    clone = _clone(entry, clones)
    here = home / "scan" / clone.name
    if not here.is_dir():
        raise SystemExit(f"there is no scan of {clone.name}: run its slice with --only and --again")
    compared = compare(here / "compline.yaml", [clone], _empty(here / "reference"))
    shutil.rmtree(here)
    differing = [one for _, found in compared.values() for one in found]
    unexplained = [one for one in differing if not one.explanation]
    return {
        "statements": sum(count for count, _ in compared.values()),
        "explained": len(differing) - len(unexplained),
        "unexplained": len(unexplained),
        "examples": [f"{one.side} {one.statement}" for one in unexplained[:20]],
    }


def image(suite: str, packages: tuple[str, ...], home: Path) -> dict[str, Any]:
    """A root file system made by debootstrap, as a docker-archive, scanned."""
    here = _empty(home / "image")
    archive = here / "image.tar"
    _debootstrap(suite, packages, here / "root", archive)
    config = write_config(here, [])
    raw = yaml.safe_load(config.read_text())
    raw["targets"]["images"] = [{"name": suite, "archive": str(archive)}]
    config.write_text(yaml.safe_dump(raw))
    seconds, peak = scan(config, here / "scan.log")
    everything, rows = findings(config), coverage(config)
    result = {
        "mib": archive.stat().st_size >> 20,
        "seconds": seconds,
        "peak_mib": peak >> 20,
        "findings": len(everything),
        "by_kind": dict(Counter(one["kind"] for one in everything)),
        "gaps": dict(_gaps(rows)),
        "outcomes": dict(Counter(row["outcome"] for row in rows)),
    }
    shutil.rmtree(here)
    return result


def kills(seconds: float = 480.0) -> dict[str, Any]:
    """The kill -9 tests of the recording and the scanning process, seed after seed."""
    began = time.monotonic()
    seeds = 0
    while time.monotonic() - began < seconds:
        seeds += 1
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-k", "kill", "tests/store", "tests/pipeline"],
            cwd=ROOT, env={**os.environ, "COMPLINE_SEED": str(seeds)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"seed {seeds}: {done.stdout[-2000:]}")
    last = done.stdout.strip().splitlines()[-1]
    return {"seeds": seeds, "pytest": last, "seconds": time.monotonic() - began}


def identity(number: int, examples: int = 2_500) -> dict[str, Any]:
    """Random edits of so many Python sources, and their share in other languages and in git."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/findings/edits"],
        cwd=ROOT,
        env={**os.environ, "COMPLINE_SEED": str(number), "COMPLINE_EXAMPLES": str(examples)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"seed {number}: {done.stdout[-2000:]}")
    return {
        "examples": examples,
        "pytest": done.stdout.strip().splitlines()[-1],
        "seconds": time.monotonic() - began,
    }


def recording(home: Path, kind: str) -> dict[str, Any]:
    """A report of 13,000 findings into an empty store."""
    return store_scale.recording(kind, _empty(home / "recording"))


def million(home: Path, kind: str) -> dict[str, Any]:
    """Reading a store of a million open findings, and a night in it."""
    here = _empty(home / "million")
    result = store_scale.reading(kind, here, Size())
    shutil.rmtree(here)
    return result


def campaign(seed: int, rounds: int) -> dict[str, Any]:
    """Rounds of tests/pipeline/test_campaign.py, on both databases."""
    environment = {**os.environ, "COMPLINE_SEED": str(seed), "COMPLINE_ROUNDS": str(rounds)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--timeout", "580", "tests/pipeline/test_campaign.py"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"seed {seed}: {done.stdout[-2000:]}")
    return {"rounds": rounds, "pytest": done.stdout.strip().splitlines()[-1]}


def bench(home: Path, number: int) -> dict[str, Any]:
    """One repetition of `make bench` over repositories made from installed packages."""
    here = _empty(home / "bench")
    into = here / "repositories"
    into.mkdir()
    figures = measure(corpus.made(into, 10), here, [number], compare=False)
    shutil.rmtree(here)
    return asdict(figures)


def compared(home: Path) -> dict[str, Any]:
    """The findings of every phase of the benchmark, one by one, over fewer repositories."""
    here = _empty(home / "compared")
    into = here / "repositories"
    into.mkdir()
    figures = measure(corpus.made(into, 3), here, [0], compare=True)
    shutil.rmtree(here)
    return asdict(figures)


def airflow(home: Path) -> dict[str, Any]:
    """Airflow's own share of an unchanged night."""
    return _rows(airflow_share(_empty(home / "airflow") / "night"))


def thousand(home: Path) -> dict[str, Any]:
    """An unchanged night over 1,000 targets."""
    return _rows(thousand_targets(_empty(home / "thousand") / "night"))


def _rows(figures: dict[str, float]) -> dict[str, Any]:
    """As rows of a table, which keep their order in sorted JSON."""
    return {"rows": [[key, value] for key, value in figures.items()]}


def registry(home: Path) -> dict[str, Any]:
    """A model registry of 5,000 models and 500 users."""
    here = _empty(home / "registry")
    result = registry_scale.nights(here)
    shutil.rmtree(here)
    return _rows(result)


def models(home: Path, number: int, *, bucket: bool, contents: int = 20) -> dict[str, Any]:
    """Files and provenance of all models in a registry."""
    here = _empty(home / "models")
    result = model_scale.models(here, number, bucket=bucket, contents=contents)
    shutil.rmtree(here)
    return _rows(result)


def tables(home: Path, count: int = 10_000) -> dict[str, Any]:
    """A look at a PostgreSQL server of so many tables."""
    from postgres import postgres_database, serving_postgres

    here = _empty(home / "tables")
    settings = (
        "log_statement=all", "log_line_prefix=%a:", "max_locks_per_transaction=2048", "fsync=off",
    )  # fmt: skip
    with serving_postgres(*settings) as server, postgres_database(server) as url:
        result = many_tables(server, url, here, count)
    shutil.rmtree(here)
    return _rows(result)


def _clone(entry: Path, clones: Path) -> Path:
    clone = clones / entry.name.replace("+", "--")
    if clone.exists():
        return clone
    source = entry / "repo" if (entry / "repo").exists() else entry
    part = clone.with_name(f"{clone.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    subprocess.run(
        ["git", "clone", "--quiet", "--depth", "1", f"file://{source.resolve()}", part], check=True
    )
    part.rename(clone)
    return clone


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _gaps(rows: list[dict[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        for gap in row["gaps"]:
            counts[f"{row['scanner']}: {gap['reason']}"] += gap.get("count", 1)
    return counts


def _debootstrap(suite: str, packages: tuple[str, ...], root: Path, archive: Path) -> None:
    """A minimal Debian from the machine's own mirror, packed as a docker-archive."""
    sources = "\n".join(
        path.read_text()
        for path in Path("/etc/apt").rglob("*")
        if path.suffix in (".list", ".sources")
    )
    mirror = re.search(r"(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s*)?)(\S+://\S+)", sources)
    if mirror is None:
        raise SystemExit("no Debian mirror is configured under /etc/apt")
    include = [f"--include={','.join(packages)}"] if packages else []
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", *include, suite, root, mirror[1]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"debootstrap: {done.stdout[-500:]}")
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        layer = Path(folder) / "layer.tar"
        subprocess.run(["tar", "-C", root, "-cf", layer, "--one-file-system", "."], check=True)
        shutil.rmtree(root)
        digest = hashlib.file_digest(layer.open("rb"), "sha256").hexdigest()
        configuration = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "created": "2026-11-01T00:00:00Z",
                "config": {"Cmd": ["bash"]},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            }
        ).encode()
        name = f"{hashlib.sha256(configuration).hexdigest()}.json"
        (Path(folder) / name).write_bytes(configuration)
        manifest = [{"Config": name, "RepoTags": [f"{suite}:1"], "Layers": ["layer.tar"]}]
        (Path(folder) / "manifest.json").write_text(json.dumps(manifest))
        subprocess.run(
            ["tar", "-C", folder, "-cf", archive, "manifest.json", name, "layer.tar"], check=True
        )
