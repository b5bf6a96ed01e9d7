"""The same advisory data for the reference tools: an OSV service, a Trivy cache directory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from compline.advisories.osv import BUNDLED, osv_origin
from compline.advisories.service import OsvService
from compline.advisories.trivydb import trivy_database
from compline.config.schema import Config

_ANY_NUMBER = 1_000_000


@contextmanager
def osv_url(config: Config) -> Iterator[str]:
    """The configured OSV records as a service on loopback."""
    source = osv_origin(config.advisories, config.workspace, datetime.now(UTC)).load()
    try:
        with OsvService(source, _ANY_NUMBER) as service:
            yield service.url
    finally:
        source.close()


def trivy_cache(config: Config, scratch: Path) -> Path:
    """A cache directory for `trivy --cache-dir` with the configured database in it."""

    def never(_reference: str, _directory: Path) -> None:
        raise SystemExit("measurements are offline: configure a database on disk")

    database = trivy_database(config.advisories, config.workspace, datetime.now(UTC), never)
    cache = scratch / "trivy-cache"
    cache.mkdir(exist_ok=True)
    link = cache / "db"
    if not link.exists():
        link.symlink_to(database.directory / "db")
    return cache


@dataclass(frozen=True)
class Advisories:
    """One state of the advisory data."""

    osv: Path
    trivy: Path


def moved_advisories(home: Path) -> tuple[Advisories, Advisories]:
    """The bundled data as it is without its newest tenth, and whole: advisories that moved on.

    The Trivy database stays the same bytes with another date, which is a new state to Compline.
    """
    home.mkdir(parents=True)
    records = gzip.decompress((BUNDLED / "pypi.osv.jsonl.gz").read_bytes()).splitlines()
    states = []
    for name, count in (("old", len(records) * 9 // 10), ("new", len(records))):
        osv = home / f"{name}.jsonl"
        osv.write_bytes(b"\n".join(records[:count]) + b"\n")
        trivy = home / f"trivy-{name}"
        trivy.mkdir()
        (trivy / "trivy.db").write_bytes(gzip.decompress((BUNDLED / "trivy.db.gz").read_bytes()))
        metadata = json.loads((BUNDLED / "trivy-metadata.json").read_text())
        if name == "new":
            metadata["UpdatedAt"] = "2024-10-11T00:00:00Z"
        (trivy / "metadata.json").write_text(json.dumps(metadata))
        states.append(Advisories(osv, trivy))
    return states[0], states[1]
