"""A small organisation in a folder of its own: real git, a real store, real or made-up scanners."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from stores import empty_sqlite

from compline.config.schema import Config
from compline.config.secrets import SecretResolver
from compline.demo.history import write_repository
from compline.findings.fingerprints import CodeReader
from compline.findings.regressions import Regression
from compline.model import (
    Completed,
    Confidence,
    FindingKind,
    Look,
    Observation,
    Place,
    RunResult,
    ScanKey,
    Severity,
    State,
    TargetKind,
)
from compline.pipeline.once import run_once
from compline.pipeline.progress import Progress
from compline.pipeline.request import Request
from compline.pipeline.session import Session, open_session
from compline.scanners import registry
from compline.scanners.interface import Job, ScanContext
from compline.store.findings import FindingFilter, FindingView, list_findings
from compline.store.ledger import LedgerRow, coverage
from compline.store.worse import list_regressions
from compline.tools.toolbox import Toolbox

ROOT = Path(__file__).parents[2]
Tree = Mapping[str, str]


@dataclass
class Night:
    """What one run came to."""

    run: int
    result: RunResult
    told: list[str]
    rows: tuple[LedgerRow, ...]

    def row(self, target: str, scanner: str) -> LedgerRow:
        [found] = [row for row in self.rows if (row.target, row.scanner) == (target, scanner)]
        return found

    @property
    def outcomes(self) -> dict[tuple[str, str], str]:
        assert len({(row.target, row.scanner) for row in self.rows}) == len(self.rows)
        return {(row.target, row.scanner): row.outcome for row in self.rows}


@dataclass
class Organisation:
    """Its repositories, its configuration and its nights."""

    home: Path
    scanners: Sequence[str] = ("bandit",)
    environment: dict[str, str] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    trees: dict[str, list[Tree]] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    name: str = ""
    """The repository that a test is about, where there are several."""

    def path(self, name: str) -> Path:
        return self.home / "origin" / f"{name}.git"

    def url(self, name: str) -> str:
        return f"file://{self.path(name)}"

    def commit(self, name: str, tree: Tree, *, listed: bool = True) -> str:
        """One more commit on main; the ones before it stay what they were."""
        return self.rewrite(name, [*self.trees.get(name, []), tree], listed=listed)

    def rewrite(self, name: str, trees: Sequence[Tree], *, listed: bool = True) -> str:
        """Another history."""
        self.trees[name] = list(trees)
        content = [{p: text.encode() for p, text in tree.items()} for tree in trees]
        write_repository(self.path(name), content, [f"{n}" for n in range(len(trees))])
        if listed and name not in self.listed:
            self.listed.append(name)
        return self.git(name, "rev-parse", "main")

    def git(self, name: str, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", self.path(name), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def config(self, **sections: Any) -> Config:
        enabled = {name: {"enabled": name in self.scanners} for name in registry.names()}
        raw: dict[str, Any] = {
            "organisation": "acme",
            "workspace": str(self.home / "work"),
            "targets": {
                "repositories": [
                    {"name": name, "url": self.url(name), "branch": "main"} for name in self.listed
                ]
            },
            "scanners": enabled,
            "execution": {"processes": 1},
        }
        return Config.model_validate(raw | self.sections | sections)

    def session(
        self, told: list[Progress] | None = None, **sections: Any
    ) -> AbstractContextManager[Session]:
        report = (lambda _progress: None) if told is None else told.append
        config = self.config(**sections)
        if config.store is None and not config.workspace.is_file():
            empty_sqlite(config.workspace / "store" / "compline.db")
        return open_session(config, SecretResolver(self.environment), report)

    def night(self, **request: Any) -> Night:
        told: list[Progress] = []
        with self.session(told) as session:
            run, result = run_once(session, Request(**request))
            rows = coverage(session.store, run)
        return Night(run, result, [f"{one.step}: {one.text}" for one in told], rows)

    def findings(self, *states: State) -> dict[str, FindingView]:
        with self.session() as session:
            chosen = FindingFilter(states=states, targets=tuple(self.listed))
            found = list_findings(session.store, chosen)
        return {one.id: one for one in found}

    def worse(self, run: int) -> list[Regression]:
        """What a run told."""
        with self.session() as session:
            return [view.regression for view in list_regressions(session.store, run=run)]

    def open(self) -> dict[str, FindingView]:
        return self.findings(State.OPEN)


@pytest.fixture(scope="session")
def installed_tools() -> Path:
    """The project's own tool environments; what is missing is installed now."""
    Toolbox(ROOT / ".compline").install(("bandit",), lambda _line: None)
    return ROOT / ".compline" / "tools"


@pytest.fixture(scope="session")
def make() -> type[Organisation]:
    """For fixtures that live longer than a test."""
    return Organisation


@pytest.fixture
def organisation(tmp_path: Path) -> Organisation:
    """An organisation without tools: for scanners that start none."""
    return Organisation(tmp_path)


@pytest.fixture
def equipped(organisation: Organisation, installed_tools: Path) -> Organisation:
    """An organisation with the real tools."""
    workspace = organisation.home / "work"
    workspace.mkdir()
    (workspace / "tools").symlink_to(installed_tools)
    return organisation


Behaviour = Callable[[Sequence[Job], ScanContext], Iterator[Look]]


@dataclass
class Fake:
    """A scanner that does as the test says."""

    name: str
    behave: Behaviour
    kinds: frozenset[TargetKind] = frozenset({TargetKind.REPOSITORY})
    key: ScanKey = ScanKey("fake", "1")  # noqa: RUF009 - frozen
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def scan_key(self, _context: ScanContext) -> ScanKey:
        return self.key

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        self.asked.append(tuple(job.target.name for job in jobs))
        yield from self.behave(jobs, context)


def see_bad_lines(name: str, job: Job) -> Look:
    """A completed look: every line that holds BAD is a high finding."""
    assert job.open_snapshot is not None
    snapshot = job.open_snapshot()
    seen = []
    blobs = dict(snapshot.read([entry.oid for entry in snapshot.entries]))
    for entry in snapshot.entries:
        text = (blobs[entry.oid] or b"").decode()
        reader = CodeReader(entry.path, text)
        for number, line in enumerate(text.splitlines(), 1):
            if "BAD" not in line:
                continue
            code = reader.evidence(number, number)
            place = Place(
                entry.path, number, number, symbol=code.symbol, blob=entry.oid
            )  # fmt: skip
            seen.append(
                Observation(
                    name, "bad-line", FindingKind.CODE, Severity.HIGH, Confidence.HIGH,
                    "a bad line", place, fingerprints=code.fingerprints,
                )
            )  # fmt: skip
    key = ScanKey("fake", "1")
    return Look(job.target.name, name, Completed(tuple(seen)), job.revision, scan_key=key)


@pytest.fixture
def bad_lines() -> Callable[[str, Job], Look]:
    return see_bad_lines


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fake]:
    """Puts a made-up scanner in the place of a real one; by default it sees bad lines."""
    placed: dict[str, Fake] = {}
    real = registry.load
    monkeypatch.setattr(registry, "load", lambda name: placed.get(name) or real(name))

    def place(name: str, behave: Behaviour | None = None) -> Fake:
        def by_default(jobs: Sequence[Job], _context: ScanContext) -> Iterator[Look]:
            return (see_bad_lines(name, job) for job in jobs)

        placed[name] = Fake(name, behave or by_default)
        return placed[name]

    return place
