"""Builders for the pure half, and a store in memory that applies its decisions."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compline.findings.change import Hunk, LineMap, TreeChange
from compline.findings.decision import Decision
from compline.findings.fingerprints import CodeReader
from compline.findings.known import Head, KnownFinding, KnownWitness, WitnessState
from compline.findings.lifecycle import Policy, decide
from compline.findings.sights import sight
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
    ScanKey,
    Severity,
    State,
)

KEY = ScanKey(tool="t1", adapter="1", rules="r1", options="o1")


def blob_of(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def line_map(old: str, new: str) -> LineMap:
    """What git's diff without context says, by difflib."""
    hunks = []
    matcher = difflib.SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            # A count of 0 starts at the line before, as git writes it.
            hunks.append(Hunk(a + (b > a), b - a, c + (d > c), d - c))
    return LineMap(tuple(hunks))


def code(path: str, text: str, line: int, *, rule: str = "exec", **more: Any) -> Observation:
    """An observation of one line of Python, with its real evidence."""
    evidence = CodeReader(path, text).evidence(line)
    values: dict[str, Any] = {
        "scanner": "bandit",
        "rule": rule,
        "kind": FindingKind.CODE,
        "severity": Severity.HIGH,
        "confidence": Confidence.HIGH,
        "title": "exec is used",
        "place": Place(path, line, line, symbol=evidence.symbol, blob=blob_of(text)),
        "fingerprints": evidence.fingerprints,
        "cwe": ("CWE-78",),
    }
    return Observation(**(values | more))


def marked(path: str, text: str, mark: str = "exec(", **more: Any) -> tuple[Observation, ...]:
    """One observation per line that holds the mark."""
    return tuple(
        code(path, text, number, **more)
        for number, line in enumerate(text.split("\n"), 1)
        if mark in line
    )


def advisory(
    path: str = "requirements.txt",
    rule: str = "GHSA-1",
    *,
    aliases: tuple[str, ...] = (),
    name: str = "jinja2",
    version: str = "2.0",
    **more: Any,
) -> Observation:
    """An advisory for a package in a manifest."""
    values: dict[str, Any] = {
        "scanner": "pip-audit",
        "rule": rule,
        "kind": FindingKind.DEPENDENCY,
        "severity": Severity.HIGH,
        "confidence": Confidence.HIGH,
        "title": f"{name} {version}: {rule}",
        "place": Place(path),
        "subject": f"pypi:{name}",
        "package": Package("pypi", name, version),
        "aliases": tuple(sorted({rule, *aliases})),
    }
    return Observation(**(values | more))


@dataclass
class Memory:
    """What the store does, in a few dictionaries: looks go in, ids stay."""

    policy: Policy = field(default_factory=Policy)
    findings: dict[str, KnownFinding] = field(default_factory=dict)
    witnesses: dict[int, KnownWitness] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    days: int = 0

    def look(
        self,
        outcome: Outcome | Sequence[Observation],
        scanner: str = "bandit",
        *,
        revision: str = "",
        change: TreeChange | None = None,
        gaps: Sequence[Gap] = (),
        **more: Any,
    ) -> Decision:
        """One scanner's look, a day after the last."""
        if isinstance(outcome, Sequence):
            outcome = Completed(tuple(outcome), tuple(gaps))
        values: dict[str, Any] = {"revision": revision or f"c{self.days}", "scan_key": KEY}
        return self.looks([(Look("api", scanner, outcome, **(values | more)), change)])

    def looks(self, looks: Sequence[tuple[Look, TreeChange | None]]) -> Decision:
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=self.days)
        self.days += 1
        present = [item for item in self.witnesses.values() if item.present]
        gone = [item for item in reversed(self.witnesses.values()) if not item.present]
        sights = [
            sight(
                look,
                self.heads.get(look.scanner),
                present,
                change,
                renames=self.policy.renames,
            )
            for look, change in looks
        ]
        ids = (f"CMP-{number}" for number in range(len(self.findings) + 1, 1_000_000))
        decision = decide(sights, present, gone, self.findings, lambda: next(ids), self.policy)
        held = {hold.scanner: hold.lost for hold in decision.holds}
        self._apply(decision, at)
        for look, _ in looks:
            self._move_head(look, held.get(look.scanner, 0), at)
        return decision

    def _apply(self, decision: Decision, at: datetime) -> None:
        for new in decision.opened:
            self.findings[new.id] = KnownFinding(
                new.id, new.kind, State.OPEN, new.severity, new.confidence, new.title, at
            )
        for change in decision.findings:
            self.findings[change.id] = replace(
                self.findings[change.id],
                state=change.state,
                severity=change.severity,
                confidence=change.confidence,
                title=change.title,
            )
        for item in decision.witnesses:
            known = self.witnesses[item.id]
            self.witnesses[item.id] = replace(
                known,
                state=item.state,
                observation=item.observation or known.observation,
                last_seen=item.last_seen,
            )
        for younger, older in decision.merged:
            self.merged[younger] = older
            for number, known in self.witnesses.items():
                if known.finding == younger:
                    self.witnesses[number] = replace(known, finding=older)
        for added in decision.added:
            number = len(self.witnesses) + 1
            self.witnesses[number] = KnownWitness(
                number, added.finding, WitnessState.SEEN, added.observation
            )

    def _move_head(self, look: Look, held: int, at: datetime) -> None:
        before = self.heads.get(look.scanner)
        outcome = type(look.outcome).__name__.lower()
        if isinstance(look.outcome, Completed) and not held:
            self.heads[look.scanner] = Head(outcome, at, at, look.revision, look.scan_key)
        elif before is None:
            self.heads[look.scanner] = Head(outcome, at, held_lost=held)
        else:
            self.heads[look.scanner] = replace(
                before, outcome=outcome, looked_at=at, held_lost=held or before.held_lost
            )

    def open_ids(self) -> set[str]:
        return {
            item.id
            for item in self.findings.values()
            if item.state is State.OPEN and item.id not in self.merged
        }

    def id_at(self, path: str, line: int, scanner: str = "bandit") -> str:
        """The one open finding that this scanner sees there."""
        (found,) = {
            item.finding
            for item in self.witnesses.values()
            if item.present
            and item.observation.scanner == scanner
            and (item.observation.place.path, item.observation.place.line) == (path, line)
        }
        return found

    def places(self) -> Mapping[str, set[tuple[str, int | None]]]:
        """Finding to where it is present."""
        found: dict[str, set[tuple[str, int | None]]] = {}
        for item in self.witnesses.values():
            if item.present:
                place = item.observation.place
                found.setdefault(item.finding, set()).add((place.path, place.line))
        return found


class Kit:
    """Everything above by one name, since test modules cannot import each other."""

    code = staticmethod(code)
    marked = staticmethod(marked)
    advisory = staticmethod(advisory)
    line_map = staticmethod(line_map)
    blob_of = staticmethod(blob_of)
    memory = Memory
    key = KEY

    def change(
        self,
        pairs: Sequence[tuple[str, str]] = (),
        *,
        changed: float = 1.0,
        renames: Mapping[str, str] | None = None,
        removed: Sequence[str] = (),
    ) -> TreeChange:
        """A change in which these old texts became these new ones."""
        maps = {(blob_of(old), blob_of(new)): line_map(old, new) for old, new in pairs}
        return TreeChange(renames or {}, maps, changed, frozenset(removed))


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()
