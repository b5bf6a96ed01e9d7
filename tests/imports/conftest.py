"""Reports that the real tools make in a checkout, as a CI job would, and an organisation to take
them in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from checkout import NAME, PASSWORD, SECRET, TREE, Checkout
from sqlalchemy import select
from stores import empty_sqlite

from compline.codec import load_observation
from compline.config.schema import Config
from compline.config.secrets import SecretResolver
from compline.demo.history import write_repository
from compline.model import RunResult, State
from compline.pipeline.imports import Import, import_report
from compline.pipeline.progress import Progress
from compline.pipeline.session import Session, open_session
from compline.store.engine import open_store
from compline.store.findings import FindingFilter, FindingView, list_findings
from compline.store.ledger import LedgerRow, coverage
from compline.store.schema import metadata, witnesses
from compline.tools.toolbox import Toolbox

ROOT = Path(__file__).parents[2]


@dataclass
class Organisation:
    """One repository, its findings, and what is imported for it."""

    home: Path
    store: str
    trees: list[dict[str, str]] = field(default_factory=list)

    def commit(self, tree: dict[str, str]) -> str:
        self.trees.append(tree)
        content = [{name: text.encode() for name, text in each.items()} for each in self.trees]
        path = self.home / "origin.git"
        write_repository(path, content, [str(n) for n in range(len(content))])
        head = subprocess.run(
            ["git", "-C", path, "rev-parse", "main"], capture_output=True, text=True, check=True
        )
        return head.stdout.strip()

    def config(self) -> Config:
        repository = {"name": NAME, "url": f"file://{self.home / 'origin.git'}", "branch": "main"}
        return Config.model_validate(
            {
                "organisation": "acme",
                "workspace": str(self.home / "work"),
                "store": "env:STORE_URL",
                "targets": {
                    "repositories": [repository],
                    "images": [{"name": "image", "archive": str(self.home / "image.tar")}],
                    "data_stores": [
                        {"name": "buckets", "kind": "inventory", "path": str(self.home / "b.csv"),
                         "columns": {"resource": "string"}},
                    ],
                    "endpoints": [{"name": "assistant", "url": "https://models.invalid/v1"}],
                },
                "alerts": {"console": False},
            }
        )  # fmt: skip

    def session(self, told: list[Progress] | None = None) -> AbstractContextManager[Session]:
        report = (lambda _progress: None) if told is None else told.append
        return open_session(self.config(), SecretResolver({"STORE_URL": self.store}), report)

    def take(self, form: str, data: bytes | str | Any, **more: Any) -> Taken:
        """Imports a report; anything that is no bytes is written as JSON."""
        if not isinstance(data, bytes):
            data = data.encode() if isinstance(data, str) else json.dumps(data).encode()
        with self.session() as session:
            asked = Import(form, data, more.pop("target", NAME), **more)
            run, result = import_report(session, asked)
            return Taken(run, result, coverage(session.store, run))

    def findings(self, *states: State) -> tuple[FindingView, ...]:
        with self.session() as session:
            return list_findings(session.store, FindingFilter(states=states))

    def open(self) -> dict[str, FindingView]:
        return {one.id: one for one in self.findings(State.OPEN)}

    def fingerprints(self) -> dict[str, set[str]]:
        """Version to values, of all witnesses."""
        found: dict[str, set[str]] = {}
        with self.session() as session, session.store.reading() as connection:
            for text in connection.scalars(select(witnesses.c.observation)):
                for version, value in load_observation(text).fingerprints:
                    found.setdefault(version, set()).add(value)
        return found

    def everything(self) -> bytes:
        """All that is kept, evidence unpacked."""
        import gzip

        kept = b""
        for path in (self.home / "work").rglob("*"):
            if path.is_file() and ".git" not in str(path) and path.name != "secret.key":
                data = path.read_bytes()
                kept += gzip.decompress(data) if path.suffix == ".gz" else data
        return kept


@dataclass(frozen=True)
class Taken:
    run: int
    result: RunResult
    rows: tuple[LedgerRow, ...]

    @property
    def row(self) -> LedgerRow:
        (row,) = self.rows
        return row


@pytest.fixture(scope="session")
def toolbox(tmp_path_factory: pytest.TempPathFactory) -> Toolbox:
    box = Toolbox(ROOT / ".compline")
    box.install(("bandit", "semgrep", "pip-audit", "trivy"), lambda _line: None)
    return box


@pytest.fixture(scope="session")
def checkout(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout(tmp_path_factory.mktemp("ci"), toolbox)
    made.write(TREE)
    return made


@pytest.fixture(scope="session")
def reports(checkout: Checkout) -> Callable[[str], bytes]:
    """A real report by its name, made once."""
    make: dict[str, Callable[[], bytes]] = {
        "bandit": checkout.bandit,
        "semgrep": checkout.semgrep,
        "semgrep.sarif": lambda: checkout.semgrep("--sarif"),
        "pip-audit": checkout.pip_audit,
        "pip-audit.cdx": lambda: checkout.pip_audit("cyclonedx-json"),
        "trivy": checkout.trivy,
        "trivy.sarif": lambda: checkout.trivy("sarif"),
        "trivy.cdx": lambda: checkout.trivy("cyclonedx"),
    }
    made: dict[str, bytes] = {}

    def report(name: str) -> bytes:
        if name not in made:
            made[name] = make[name]()
        return made[name]

    return report


@pytest.fixture
def shop(tmp_path: Path) -> Organisation:
    organisation = Organisation(tmp_path, empty_sqlite(tmp_path / "store.db"))
    organisation.commit(TREE)
    return organisation


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Organisation:
    """The same over each store."""
    if request.param == "sqlite":
        url = empty_sqlite(tmp_path / "store.db")
    else:
        url = request.getfixturevalue("postgres_session_url")
        with open_store(url) as store, store.writing() as connection:
            names = ", ".join(metadata.tables)
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    organisation = Organisation(tmp_path, url)
    organisation.commit(TREE)
    return organisation


@pytest.fixture(scope="session")
def tree() -> dict[str, str]:
    return dict(TREE)


@pytest.fixture(scope="session")
def secrets_of_tree() -> tuple[str, ...]:
    return (PASSWORD, SECRET)
