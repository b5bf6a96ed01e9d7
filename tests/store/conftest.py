"""The same store tests run over SQLite and PostgreSQL; builders for what goes in."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stores import empty_sqlite

from compline.findings.change import Hunk, LineMap, TreeChange
from compline.findings.fingerprints import CodeReader
from compline.findings.lifecycle import Policy
from compline.findings.waivers import Source, Waiver, WaiverState
from compline.model import (
    Completed,
    Confidence,
    FindingKind,
    Gap,
    Look,
    Observation,
    Outcome,
    Package,
    Place,
    RegressionKind,
    ScanKey,
    Severity,
    State,
    Target,
    TargetKind,
)
from compline.store.engine import Store, open_store
from compline.store.findings import AsOf, FindingFilter, FindingView, list_findings
from compline.store.ids import new_waiver_id
from compline.store.record import Recorded, record
from compline.store.runs import start_run
from compline.store.schema import metadata
from compline.store.targets import sync_targets
from compline.store.worse import RegressionView, list_regressions

T0 = datetime(2025, 1, 1, 2, tzinfo=UTC)
KEY = ScanKey(tool="t1", adapter="1", rules="r1", options="o1")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind."""
    if request.param == "sqlite":
        return empty_sqlite(tmp_path / "store.db")
    url: str = request.getfixturevalue("postgres_session_url")
    with open_store(url) as store, store.writing() as connection:
        names = ", ".join(metadata.tables)
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    with open_store(empty_sqlite(tmp_path / "store.db")) as opened:
        yield opened


def line_map(old: str, new: str) -> LineMap:
    """What git's diff without context says, by difflib."""
    hunks = []
    matcher = difflib.SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            hunks.append(Hunk(a + (b > a), b - a, c + (d > c), d - c))
    return LineMap(tuple(hunks))


def scan(
    files: Mapping[str, str], scanner: str = "bandit", mark: str = "exec(", **more: Any
) -> tuple[Observation, ...]:
    """What a scanner says that reports every line with the mark."""
    found = []
    for path, text in files.items():
        reader = CodeReader(path, text)
        for number, line in enumerate(text.split("\n"), 1):
            if mark in line:
                evidence = reader.evidence(number)
                blob = hashlib.sha1(text.encode()).hexdigest()
                values: dict[str, Any] = {
                    "scanner": scanner,
                    "rule": "exec-used",
                    "kind": FindingKind.CODE,
                    "severity": Severity.HIGH,
                    "confidence": Confidence.MEDIUM,
                    "title": "exec is used",
                    "place": Place(path, number, number, 5, 12, None, evidence.symbol, blob),
                    "fingerprints": evidence.fingerprints,
                    "cwe": ("CWE-78",),
                }
                found.append(Observation(**(values | more)))
    return tuple(found)


def advisory(path: str = "requirements.txt", rule: str = "GHSA-1", **more: Any) -> Observation:
    """An advisory for a package in a manifest."""
    aliases = more.pop("aliases", ())
    values: dict[str, Any] = {
        "scanner": "pip-audit",
        "rule": rule,
        "kind": FindingKind.DEPENDENCY,
        "severity": Severity.HIGH,
        "confidence": Confidence.HIGH,
        "title": f"jinja2: {rule}",
        "place": Place(path),
        "subject": "pypi:jinja2",
        "package": Package("pypi", "jinja2", "2.0", "3.1"),
        "aliases": tuple(sorted({rule, *aliases})),
    }
    return Observation(**(values | more))


def change(old: Mapping[str, str], new: Mapping[str, str], **more: Any) -> TreeChange:
    """What git says happened between two trees, files told by their names."""
    renames = more.get("renames", {})

    def blob(text: str) -> str:
        return hashlib.sha1(text.encode()).hexdigest()

    maps = {
        (blob(text), blob(new[renames.get(path, path)])): line_map(
            text, new[renames.get(path, path)]
        )
        for path, text in old.items()
        if renames.get(path, path) in new
    }
    touched = sum(new.get(path) != text for path, text in old.items())
    values: dict[str, Any] = {
        "renames": renames,
        "line_maps": maps,
        "changed": touched / max(len(old), 1),
        "removed": frozenset(set(old) - set(new) - set(renames)),
    }
    return TreeChange(**(values | more))


class Site:
    """One target in a store, with nights that follow each other."""

    key = KEY
    start = T0

    def __init__(self, store: Store, name: str = "api") -> None:
        self.store = store
        self.name = name
        self.target = Target(TargetKind.REPOSITORY, name, f"https://git.example.org/{name}")
        sync_targets(store, [self.target], T0)
        self.night = 0
        self.run = 0

    @property
    def now(self) -> datetime:
        return T0 + timedelta(days=self.night)

    def next_night(self) -> int:
        self.night += 1
        self.run = start_run(self.store, "nightly", self.now, key=f"night {self.night}")
        return self.run

    def look(
        self,
        outcome: Outcome | Sequence[Observation],
        scanner: str = "bandit",
        revision: str = "c1",
        *,
        gaps: Sequence[Gap] = (),
        **more: Any,
    ) -> Look:
        if isinstance(outcome, Sequence):
            outcome = Completed(tuple(outcome), tuple(gaps))
        values: dict[str, Any] = {"revision": revision, "scan_key": KEY}
        return Look(self.name, scanner, outcome, **(values | more))

    def record(
        self,
        *looks: Look,
        changes: Mapping[str, TreeChange] | None = None,
        at: datetime | None = None,
        run: int | None = None,
        policy: Policy | None = None,
    ) -> Recorded:
        return record(
            self.store,
            self.run if run is None else run,
            self.name,
            looks,
            looked_at=at or self.now,
            now=at or self.now,
            ref="refs/heads/main",
            changes=changes,
            policy=policy,
        )

    def night_of(
        self,
        observations: Outcome | Sequence[Observation],
        revision: str = "c1",
        scanner: str = "bandit",
        changes: Mapping[str, TreeChange] | None = None,
        **more: Any,
    ) -> Recorded:
        """A new night with one look."""
        self.next_night()
        return self.record(self.look(observations, scanner, revision, **more), changes=changes)

    def open(self) -> tuple[FindingView, ...]:
        return list_findings(self.store, FindingFilter(states=(State.OPEN,)))

    def waiver(self, **values: Any) -> Waiver:
        """A waiver for thirty days, to be added."""
        given: dict[str, Any] = {
            "id": new_waiver_id(),
            "source": Source.CLI,
            "state": WaiverState.ACTIVE,
            "reason": "only in tests",
            "owner": "team-web",
            "created_at": self.now,
            "expires_at": self.now + timedelta(days=30),
            "requester": "ada",
        }
        return Waiver(**(given | values))

    def waived(self, at: datetime | None = None) -> set[str]:
        """Open findings that are waived."""
        now = at or self.now
        found = list_findings(self.store, as_of=AsOf(now, now - timedelta(days=14)))
        return {one.id for one in found if "waived" in one.conditions}

    def told(self, kind: RegressionKind) -> list[str]:
        """Subjects of what got worse, of a kind."""
        return [
            one.regression.subject
            for one in list_regressions(self.store)
            if one.regression.kind is kind
        ]

    def worse(self, run: int | None = None) -> tuple[RegressionView, ...]:
        """What got worse: without the summaries of first looks."""
        told = list_regressions(self.store, run=run)
        return tuple(one for one in told if one.regression.kind is not RegressionKind.BASELINE)

    def ids(self) -> dict[tuple[str, int | None], str]:
        """Place to finding, of what is open."""
        return {
            (place.path, place.line): finding.id
            for finding in self.open()
            for place in finding.locations
        }


class Kit:
    """The builders by one name, since test modules cannot import each other."""

    scan = staticmethod(scan)
    advisory = staticmethod(advisory)
    change = staticmethod(change)
    site = Site
    key = KEY
    start = T0

    @staticmethod
    def other_key(**parts: str) -> ScanKey:
        return replace(KEY, **parts)


@pytest.fixture
def kit() -> type[Kit]:
    return Kit


@pytest.fixture
def site(store: Store) -> Site:
    return Site(store)


@pytest.fixture
def later() -> Callable[[float], datetime]:
    """So many seconds after the beginning."""
    return lambda seconds: T0 + timedelta(seconds=seconds)
