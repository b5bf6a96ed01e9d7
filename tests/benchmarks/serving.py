"""The same advisory data for the reference tools: an OSV service, a Trivy cache directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from compline.advisories.osv import osv_origin
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
