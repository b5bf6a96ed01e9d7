"""What scanners work with in tests: a tree out of a dictionary, a cache in memory, real tools."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from bolt_files import bolt
from git_repositories import GitRepository

from compline.config.schema import Config, Limits
from compline.config.secrets import SecretResolver
from compline.evidence.locker import Locker
from compline.model import Gap, GapReason, ScanKey, Target, TargetKind
from compline.scanners.interface import Job, ScanContext
from compline.source.snapshot import Entry
from compline.tools.toolbox import Toolbox

ROOT = Path(__file__).parents[2]


@dataclass
class MemoryCache:
    """The results cache's two methods over a dictionary."""

    values: dict[tuple[str, str, str], bytes] = field(default_factory=dict)

    def get_many(
        self, scanner: str, scan_key: ScanKey, contents: Iterable[str]
    ) -> dict[str, bytes]:
        found = {}
        for content in contents:
            value = self.values.get((scanner, scan_key.digest, content))
            if value is not None:
                found[content] = value
        return found

    def put_many(self, scanner: str, scan_key: ScanKey, results: Mapping[str, bytes]) -> None:
        for content, value in results.items():
            assert isinstance(value, bytes)
            self.values[scanner, scan_key.digest, content] = value


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()


class DictSnapshot:
    """A tree out of a dictionary, as compline.source.snapshot.Snapshot gives one."""

    def __init__(self, files: Mapping[str, bytes], gaps: Iterable[Gap] = ()) -> None:
        self._content = {blob_id(content): content for content in files.values()}
        self.entries = tuple(
            Entry(path, blob_id(content), False, len(content))
            for path, content in sorted(files.items())
        )
        listing = repr([(entry.path, entry.oid) for entry in self.entries]).encode()
        self.tree = hashlib.sha1(listing).hexdigest()
        self.revision = hashlib.sha1(b"commit" + listing).hexdigest()
        self.gaps = tuple(gaps)

    def read(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for oid in oids:
            yield oid, self._content.get(oid)

    def lose(self, path: str) -> None:
        """Makes the object of a path missing, as in a damaged repository."""
        del self._content[next(entry.oid for entry in self.entries if entry.path == path)]

    def export(self, destination: Path, entries: Iterable[Any]) -> tuple[Gap, ...]:
        gaps = []
        for entry in entries:
            content = self._content.get(entry.oid)
            if content is None:
                gaps.append(Gap(GapReason.MISSING_OBJECT, entry.path))
                continue
            path = destination / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tuple(gaps)


@dataclass
class Repository:
    """A repository as the scanners get it; counts how often its tree was asked for."""

    name: str
    snapshot: DictSnapshot
    opened: int = 0

    def job(self, *, fresh: bool = False) -> Job:
        def open_snapshot() -> Any:
            self.opened += 1
            return self.snapshot

        target = Target(TargetKind.REPOSITORY, self.name, f"https://example.org/{self.name}")
        return Job(target, self.snapshot.revision, open_snapshot=open_snapshot, fresh=fresh)


RepositoryOf = Callable[..., Repository]


@pytest.fixture(scope="session")
def repository() -> RepositoryOf:
    """Makes a repository out of paths and texts."""

    def make(
        files: Mapping[str, str | bytes], name: str = "shop", gaps: Iterable[Gap] = ()
    ) -> Repository:
        content = {
            path: text.encode() if isinstance(text, str) else text for path, text in files.items()
        }
        return Repository(name, DictSnapshot(content, gaps))

    return make


@pytest.fixture(scope="session")
def tools() -> Callable[..., Toolbox]:
    """The project's own tool environments; what is missing is installed now."""
    toolbox = Toolbox(ROOT / ".compline")

    def with_tools(*names: str) -> Toolbox:
        toolbox.install(names)
        return toolbox

    return with_tools


@dataclass
class Scene:
    """A workspace with a results cache, in which scans follow one another."""

    home: Path
    cache: MemoryCache = field(default_factory=MemoryCache)

    def context(
        self,
        toolbox: Any,
        *,
        now: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        secrets: Mapping[str, str] = MappingProxyType({}),
        **sections: Any,
    ) -> ScanContext:
        """A scan context; sections of the configuration as keyword arguments."""
        sections.setdefault("advisories", {"osv": "bundled", "trivy_db": "bundled"})
        config = Config.model_validate({"organisation": "test", **sections})
        return ScanContext(
            config=config,
            workspace=self.home / "workspace",
            tools=toolbox,
            cache=self.cache,  # type: ignore[arg-type]
            evidence=Locker(self.home / "evidence"),
            secrets=SecretResolver(secrets),
            now=now,
            processes=2,
        )


SceneOf = Callable[[], Scene]


@pytest.fixture(scope="session")
def new_scene(tmp_path_factory: pytest.TempPathFactory) -> SceneOf:
    """Makes an empty workspace."""
    return lambda: Scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def scene(new_scene: SceneOf) -> Scene:
    return new_scene()


@pytest.fixture
def context(scene: Scene) -> Callable[..., ScanContext]:
    return scene.context


@pytest.fixture
def cache(scene: Scene) -> MemoryCache:
    return scene.cache


DatabaseOf = Callable[..., Path]


@pytest.fixture
def database(tmp_path: Path) -> DatabaseOf:
    """Writes a Trivy database: sources to packages to advisories, and vulnerabilities by id."""

    def make(
        sources: Mapping[str, Mapping[str, Mapping[str, Any]]],
        vulnerabilities: Mapping[str, Any],
        *,
        updated: str = "2025-12-31T00:00:00Z",
        name: str = "database",
    ) -> Path:
        def leaves(values: Mapping[str, Any]) -> dict[str, Any]:
            return {key: {**value, "__bucket__": False} for key, value in values.items()}

        buckets: dict[str, Any] = {
            source: {package: leaves(advisories) for package, advisories in packages.items()}
            for source, packages in sources.items()
        }
        buckets["vulnerability"] = leaves(vulnerabilities)
        buckets["data-source"] = leaves(
            {source: {"ID": "ghsa", "Name": source, "URL": ""} for source in sources}
        )
        directory = tmp_path / name
        directory.mkdir()
        (directory / "trivy.db").write_bytes(bolt(buckets))
        metadata = {
            "Version": 2,
            "NextUpdate": "2099-01-01T00:00:00Z",
            "UpdatedAt": updated,
            "DownloadedAt": updated,
        }
        (directory / "metadata.json").write_text(json.dumps(metadata))
        return directory

    return make


GitRepositoryOf = Callable[..., GitRepository]


@pytest.fixture
def git_repository(tmp_path: Path) -> GitRepositoryOf:
    """Makes a git repository out of paths and texts, with one commit."""

    def make(
        files: Mapping[str, str | bytes],
        name: str = "shop",
        executable: Iterable[str] = (),
        limits: Limits | None = None,
    ) -> GitRepository:
        directory = tmp_path / "repositories" / name
        directory.mkdir(parents=True)
        made = GitRepository(directory, name, limits or Limits())
        made.git("init", "--quiet", "--initial-branch", "main")
        made.commit(files, executable)
        return made

    return make
