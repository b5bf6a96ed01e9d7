"""Trivy's vulnerability database, unpacked once into the workspace under its digest.

Taken from a directory (a cache of trivy's own, a folder with the two files, or with the database
compressed), or fetched by trivy from its registry or a mirror of it. A scan then reads a copy that
nobody changes while it runs.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from compline.advisories.bolt import Bolt
from compline.advisories.errors import AdvisoryError
from compline.advisories.memo import StatMemo, digest_of_files
from compline.advisories.osv import BUNDLED
from compline.config.schema import Advisories
from compline.model import digest_of

Download = Callable[[str, Path], None]
"""Fetches the database of an OCI reference (empty: trivy's default) so that the directory becomes
a cache directory of trivy's; raises AdvisoryError."""

_SCHEMA = 2
_MOST_BYTES = 16 << 30
_KEPT = timedelta(days=14)
"""How long a database that is no longer used stays: long after any scan that began with it."""
_LAYOUTS = (
    ("db/trivy.db", "db/metadata.json"),
    ("trivy.db", "metadata.json"),
    ("trivy.db.gz", "metadata.json"),
    ("trivy.db.gz", "trivy-metadata.json"),
    ("db/trivy.db.gz", "db/metadata.json"),
)


@dataclass(frozen=True)
class Advisory:
    """One entry of the database about a package."""

    package: str
    id: str
    vulnerable: tuple[str, ...]
    """Ranges as the source writes them (`>= 1.0, < 1.2`); languages only."""
    fixed: str
    """The version that mends it, operating systems only; empty if none does."""


@dataclass(frozen=True)
class TrivyDatabase:
    """A database ready for scanning."""

    directory: Path
    """For trivy's `--cache-dir`, or to be linked from one; to be read only."""
    digest: str
    date: str
    """ISO date of the data."""
    warnings: tuple[str, ...] = ()

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Names of what it has advisories for: `debian 12`, `pip::GitHub Security Advisory Pip`."""
        with Bolt(self.directory / "db" / "trivy.db") as bolt:
            return tuple(name.decode(errors="replace") for name in bolt.buckets())

    def advisories(self, source: str) -> Iterator[Advisory]:
        """What one source says, in a stable order."""
        with Bolt(self.directory / "db" / "trivy.db") as bolt:
            key = source.encode()
            for package in bolt.buckets(key):
                for name, value in bolt.items(key, package):
                    entry = json.loads(value)
                    yield Advisory(
                        package.decode(errors="replace"),
                        name.decode(errors="replace"),
                        tuple(entry.get("VulnerableVersions") or ()),
                        entry.get("FixedVersion") or "",
                    )


def trivy_database(
    settings: Advisories, workspace: Path, now: datetime, download: Download
) -> TrivyDatabase:
    """The database that the configuration names, unpacked.

    Raises:
        AdvisoryError: there is none, or it is none that this version can read.
    """
    home = workspace / "advisories" / "trivy"
    memo = StatMemo(workspace / "advisories" / "facts.json")
    setting = settings.trivy_db
    if isinstance(setting, str) and setting != "bundled":
        with _alone(home):
            reference = "" if setting == "online" else setting.removeprefix("oci://")
            return _online(home, memo, reference, now, settings.recheck_hours, download)
    directory = BUNDLED if setting == "bundled" else Path(setting)
    database, metadata = _files(directory)
    with _alone(home):
        return _install(home, memo, database, metadata, now)


def _online(
    home: Path,
    memo: StatMemo,
    reference: str,
    now: datetime,
    recheck_hours: int,
    download: Download,
) -> TrivyDatabase:
    state = home / f"online-{digest_of(reference)[:16]}.json"
    known = json.loads(state.read_bytes()) if state.exists() else {}
    standing = _standing(home, known.get("digest", ""))
    if standing and now - datetime.fromisoformat(known["asked"]) < timedelta(hours=recheck_hours):
        return standing
    with tempfile.TemporaryDirectory(dir=home, prefix=".fetch-") as fetched:
        try:
            download(reference, Path(fetched))
            fresh = _install(home, memo, *_files(Path(fetched)), now)
        except AdvisoryError as error:
            if standing is None:
                raise
            note = f"the Trivy database could not be refreshed: {error}"
            return replace(standing, warnings=(note,))
    state.write_text(json.dumps({"digest": fresh.digest, "asked": now.isoformat()}))
    return fresh


def _files(directory: Path) -> tuple[Path, Path]:
    for database, metadata in _LAYOUTS:
        if (directory / database).is_file() and (directory / metadata).is_file():
            return directory / database, directory / metadata
    raise AdvisoryError(
        f"there is no Trivy database in {directory}: it should hold trivy.db (or trivy.db.gz) and "
        "metadata.json, in a folder db/ or not; set `advisories.trivy_db` to such a directory, to "
        "`online`, to `oci://MIRROR` or to `bundled`"
    )


def _install(
    home: Path, memo: StatMemo, database: Path, metadata: Path, now: datetime
) -> TrivyDatabase:
    facts = memo.get(
        [database, metadata],
        "trivy-1",
        lambda: {"digest": digest_of_files([database, metadata], database.parent)},
    )
    digest = facts["digest"]
    standing = _standing(home, digest)
    if standing is not None:
        return standing
    _prune(home, now)
    with tempfile.TemporaryDirectory(dir=home, prefix=".unpack-") as temporary:
        folder = Path(temporary) / "tree" / "db"
        folder.mkdir(parents=True)
        try:
            _copy(database, folder / "trivy.db")
            shutil.copyfile(metadata, folder / "metadata.json")
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            raise AdvisoryError(f"{database} cannot be unpacked: {error}") from error
        _date(folder / "metadata.json")
        with Bolt(folder / "trivy.db") as bolt:
            if not any(True for _ in bolt.buckets()):
                raise AdvisoryError(f"{database} holds no advisories")
        folder.parent.rename(home / digest)
    return TrivyDatabase(home / digest, digest, _date(home / digest / "db" / "metadata.json"))


def _standing(home: Path, digest: str) -> TrivyDatabase | None:
    directory = home / digest
    if not digest or not directory.is_dir():
        return None
    directory.touch()
    return TrivyDatabase(directory, digest, _date(directory / "db" / "metadata.json"))


def _copy(source: Path, destination: Path) -> None:
    with (
        gzip.open(source) if source.name.endswith(".gz") else source.open("rb") as reading,
        destination.open("wb") as writing,
    ):
        left = _MOST_BYTES
        while chunk := reading.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise OSError(f"it is larger than {_MOST_BYTES >> 30} GB")
            writing.write(chunk)


def _date(metadata: Path) -> str:
    try:
        facts = json.loads(metadata.read_bytes())
        version, updated = facts["Version"], str(facts["UpdatedAt"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdvisoryError(f"{metadata.name} of the Trivy database is unreadable") from error
    if version != _SCHEMA:
        raise AdvisoryError(
            f"the Trivy database has schema {version}, this version reads {_SCHEMA}: get "
            f"a database from trivy-db:{_SCHEMA}"
        )
    return updated[:10]


def _prune(home: Path, now: datetime) -> None:
    """Drops databases that nobody has used for long."""
    for directory in home.iterdir():
        oldest = (now - _KEPT).timestamp()
        if directory.is_dir() and len(directory.name) == 64 and directory.stat().st_mtime < oldest:
            shutil.rmtree(directory)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two processes do not unpack or fetch at the same time."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
