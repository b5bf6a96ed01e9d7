"""An organisation's evidence without its tools: looks are made up, everything else is real."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_server import serving_aws
from stores import empty_sqlite
from typer.testing import CliRunner, Result

from compline.cli.main import app
from compline.config.schema import Config
from compline.config.secrets import SecretResolver
from compline.evidence.signing import new_key
from compline.model import (
    Completed,
    Confidence,
    FindingKind,
    Gap,
    GapReason,
    Look,
    Observation,
    Outcome,
    Package,
    Place,
    ScanKey,
    Severity,
    Target,
    TargetKind,
)
from compline.pipeline.conclude import conclude
from compline.pipeline.manifest import with_statement
from compline.pipeline.request import Request
from compline.pipeline.session import Session, open_session
from compline.store.engine import open_store
from compline.store.looks import last_looks
from compline.store.record import Reuse, record, record_reused
from compline.store.runs import start_run
from compline.store.schema import metadata
from compline.store.targets import sync_targets

T0 = datetime(2025, 1, 1, 2, tzinfo=UTC)
KEY = ScanKey("tool", "1", "rules", "options")


def seen(line: int = 1, code: str = "a" * 32, **more: Any) -> Observation:
    """One statement."""
    values: dict[str, Any] = {
        "scanner": "bandit",
        "rule": "B102",
        "kind": FindingKind.CODE,
        "severity": Severity.HIGH,
        "confidence": Confidence.HIGH,
        "title": "exec is used",
        "place": Place("app.py", line, line, symbol="run", blob="b" * 40),
        "fingerprints": (("tokens/1", code),),
    }
    return Observation(**(values | more))


def advisory(rule: str) -> Observation:
    """An advisory for a package."""
    return Observation(
        scanner="pip-audit",
        rule=rule,
        kind=FindingKind.DEPENDENCY,
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        title=f"jinja2: {rule}",
        place=Place("requirements.txt", 1, 1),
        subject="pypi:jinja2",
        package=Package("pypi", "jinja2", "2.0"),
        aliases=(rule,),
    )


@dataclass
class Archive:
    """One target's nights in a store with a locker."""

    home: Path
    store: str
    sections: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    night: int = 0

    @property
    def now(self) -> datetime:
        return T0 + timedelta(days=self.night)

    def session(self) -> AbstractContextManager[Session]:
        raw = {
            "organisation": "acme",
            "workspace": str(self.home),
            "store": "env:STORE_URL",
            "targets": {"repositories": [{"name": "api", "url": "https://git.example.org/api"}]},
        }
        config = Config.model_validate(raw | self.sections)
        environment = {"STORE_URL": self.store, **self.environment}
        return open_session(config, SecretResolver(environment), lambda _progress: None)

    def begin(self, session: Session) -> int:
        self.night += 1
        target = Target(TargetKind.REPOSITORY, "api", "https://git.example.org/api")
        sync_targets(session.store, [target], self.now)
        parameters = Request(targets=("api",)).as_json()
        key = f"night {self.night}"
        return start_run(session.store, "nightly", self.now, key=key, parameters=parameters)

    def look(self, session: Session, run: int, outcome: Outcome, **more: Any) -> None:
        """Records one look with a statement and a report."""
        values: dict[str, Any] = {"revision": f"c{self.night}", "scan_key": KEY}
        look = Look("api", more.pop("scanner", "bandit"), outcome, **(values | more))
        if isinstance(outcome, Completed) and not look.evidence:
            report = b'{"scanner":"bandit","night":%d}' % self.night
            look = replace(look, evidence=(session.evidence.put(report),))
        record(
            session.store, run, "api", [with_statement(session.evidence, look)],
            looked_at=self.now, now=self.now, ref="refs/heads/main",
        )  # fmt: skip

    def run(self, *observations: Observation, gaps: Sequence[Gap] = (), **more: Any) -> int:
        """A night with one look; gives the run's number."""
        with self.session() as session:
            run = self.begin(session)
            outcome = Completed(observations, tuple(gaps))
            self.look(session, run, outcome, **more)
            conclude(session, run)
        return run

    def reuse(self) -> int:
        """A night in which nothing has changed."""
        with self.session() as session:
            run = self.begin(session)
            head = last_looks(session.store)["api", "bandit"]
            reuse = Reuse("api", "bandit", head.revision, KEY.digest)
            assert not record_reused(session.store, run, [reuse], looked_at=self.now, now=self.now)
            conclude(session, run)
        return run


class Kit:
    """The builders by one name, since test modules cannot import each other."""

    seen = staticmethod(seen)
    completed = staticmethod(lambda observations: Completed(tuple(observations)))
    advisory = staticmethod(advisory)
    place = staticmethod(lambda path: Place(path, 1, 1, symbol="run", blob="b" * 40))
    gap = Gap(GapReason.UNPARSED, "broken.py", "no Python")
    key = KEY


@pytest.fixture
def kit() -> type[Kit]:
    return Kit


@pytest.fixture(params=["sqlite", "postgresql"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    """An empty one over each store."""
    if request.param == "sqlite":
        return Archive(tmp_path, empty_sqlite(tmp_path / "store.db"))
    url: str = request.getfixturevalue("postgres_session_url")
    with open_store(url) as store, store.writing() as connection:
        names = ", ".join(metadata.tables)
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    return Archive(tmp_path, url)


@pytest.fixture
def small(tmp_path: Path) -> Archive:
    """One over SQLite, for what does not depend on the store."""
    return Archive(tmp_path, empty_sqlite(tmp_path / "store.db"))


@pytest.fixture(scope="session")
def keys() -> tuple[str, str]:
    """A key pair in PEM."""
    return new_key()


@pytest.fixture
def moto_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """A real S3 protocol on loopback; makes a bucket, gives its URL."""
    import boto3

    def bucket(name: str) -> str:
        boto3.client("s3").create_bucket(Bucket=name)
        return f"s3://{name}/evidence"

    with serving_aws() as url:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield bucket


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `compline` over an archive."""

    def run(archive: Archive, *arguments: str) -> Result:
        with archive.session() as session:
            config = session.config.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        file = archive.home / "compline.yaml"
        file.write_text(json.dumps(config))
        for name, value in {"STORE_URL": archive.store, **archive.environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("COMPLINE_CONFIG", str(file))
        return CliRunner().invoke(app, list(arguments))

    return run
